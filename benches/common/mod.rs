//! What the benchmarks share: how long they measure, the devices there are, and tensors without pattern.

use std::time::Duration;

use burn::tensor::TensorData;
use criterion::Criterion;
use style_transfer::{Device, Tensor, VGG19, Vgg};

/// Ten samples a figure and about a second each: all benchmarks take some minutes on two cores, and
/// `--sample-size`, `--measurement-time` and `--warm-up-time` ask for more.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
        .configure_from_args()
}

/// The devices whose backends were compiled in, by name.
pub(crate) fn devices() -> impl Iterator<Item = (&'static str, Device)> {
    ["flex", "ndarray", "wgpu"]
        .into_iter()
        .filter_map(|name| style_transfer::device(name).ok().map(|device| (name, device)))
}

/// The bundled VGG-19 on every such device.
#[allow(dead_code)] // not every benchmark has a network
pub(crate) fn networks() -> Vec<(&'static str, Vgg)> {
    devices().map(|(name, device)| (name, Vgg::load(VGG19, &device).expect("the bundled weights"))).collect()
}

/// Waits until a device has done all it was asked to do.
pub(crate) fn wait(device: &Device) {
    device.sync().expect("the device at work");
}

/// Numbers without pattern in `[0, 1)`, the same for the same seed.
pub(crate) fn noise<const D: usize>(shape: [usize; D], seed: u32, device: &Device) -> Tensor<D> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| next()).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}
