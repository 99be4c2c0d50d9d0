//! The layers of VGG-19 to `conv5_1`, forward and backward apart, in a square picture: of 256 px, or of the first size
//! in `BENCH_SIZES`.
//!
//! Two views, because the CPU kernels fuse: a convolution takes in the pooling before it and gives out the
//! ReLU, and the maps between two convolutions never leave the kernels' own layout.
//!
//! * `network-forward`, `network-backward` ([`depth`]): the network cut after a layer. This is what a layer costs
//!   where it is used; the row of a layer less the row above it is its own share.
//! * `convolution-forward`, `convolution-backward` ([`convolution`]): one convolution and its ReLU alone, at the size
//!   it has in that picture, maps in and maps out.
//!
//! Throughput counts the operations of convolutions as they are written (a multiplication and an addition for
//! every pair of channels, position and tap), whatever is really computed: "Gelem/s" are GFLOP/s.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot run has no figure to give")]

#[path = "../common/mod.rs"]
mod common;
mod convolution;
mod depth;

use style_transfer::LayerDescription;

/// Floating-point operations of a layer's convolution as it is written, in one direction.
fn operations(layer: &LayerDescription, size: usize) -> u64 {
    let [outputs, inputs, height, width] = layer.weight_shape;
    (2 * outputs * inputs * height * width * (size / layer.stride).pow(2)) as u64
}

fn main() {
    let mut criterion = common::criterion();
    let subjects = common::subjects();
    let size = common::sizes().map_or(256, |sizes| sizes[0]);
    depth::measure(&mut criterion, &subjects, size);
    convolution::measure(&mut criterion, &subjects, size);
    criterion.final_summary();
}
