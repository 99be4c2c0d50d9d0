//! The layers of VGG-19 to `conv5_1`, forward and backward apart, in a picture of 256 x 256 px.
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

#![expect(clippy::expect_used, reason = "a benchmark that cannot run has no figure to give")]

#[path = "../common/mod.rs"]
mod common;
mod convolution;
mod depth;

use style_transfer::LayerDescription;

/// Side of the square picture, px.
const SIZE: usize = 256;

/// Side of a layer's square map, in positions.
fn side(layer: &LayerDescription) -> usize {
    SIZE / layer.stride
}

/// Floating-point operations of a layer's convolution as it is written, in one direction.
fn operations(layer: &LayerDescription) -> u64 {
    let [outputs, inputs, height, width] = layer.weight_shape;
    (2 * outputs * inputs * height * width * side(layer).pow(2)) as u64
}

fn main() {
    let mut criterion = common::criterion();
    let networks = common::networks();
    depth::measure(&mut criterion, &networks);
    convolution::measure(&mut criterion, &networks);
    criterion.final_summary();
}
