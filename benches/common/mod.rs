//! What the benchmarks share: how long they measure, on which devices and at which sizes, what computes the
//! network there, and tensors without pattern.
//!
//! Two environment variables ask for something else than the default:
//!
//! * `BENCH_DEVICES=flex,vulkan:0`: these devices, by the names that examples take. By default the CPU backends and
//!   the real GPUs of the build; a GPU that computes on the CPU takes minutes, and is measured where it is named.
//! * `BENCH_SIZES=64,256`: sides of the square pictures, px. By default 128, 256 and 512; 64 on a GPU that computes on
//!   the CPU.
#![allow(dead_code, unused_imports)] // every benchmark compiles this module for itself and uses a part of it

mod subject;

use std::time::Duration;

use burn::tensor::TensorData;
use criterion::Criterion;
use style_transfer::{
    ContentForm, ContentLoss, Device, Error, GramLoss, GramScale, Layer, Objective, Taps, Tensor, Vgg,
};

pub(crate) use subject::{Subject, cases, sizes, subjects};

/// Where style is compared, as in a default run.
pub(crate) const STYLE: [Layer; 5] =
    [Layer::Relu1_1, Layer::Relu2_1, Layer::Relu3_1, Layer::Relu4_1, Layer::Relu5_1];

/// Where content is compared.
pub(crate) const CONTENT: Layer = Layer::Relu4_2;

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

/// What a step wants of the network.
pub(crate) fn taps() -> Taps {
    Taps::new().with_features([CONTENT]).with_statistics(STYLE)
}

/// What a step minimises: a content loss and five Gram losses, of pictures of noise.
pub(crate) fn objective(vgg: &Vgg, size: usize) -> Result<Objective, Error> {
    let content = vgg.features(picture(vgg, size, 1), &[CONTENT])?.remove(0);
    let content = ContentLoss::new(content, ContentForm::Mean);
    let style = vgg.forward(picture(vgg, size, 2), &taps())?;
    let objective = Objective::new().with_content(CONTENT, 1.0, content);
    STYLE.into_iter().try_fold(objective, |objective, layer| {
        let loss = GramLoss::new(style.statistics(layer)?.clone(), GramScale::Channels2);
        Ok(objective.with_style(layer, 1.0, loss))
    })
}

/// Waits until a device has done all it was asked to do.
pub(crate) fn wait(device: &Device) {
    device.sync().expect("the device at work");
}

/// A square picture `[1, 3, size, size]` of noise.
pub(crate) fn picture(vgg: &Vgg, size: usize, seed: u32) -> Tensor<4> {
    noise([1, 3, size, size], seed, vgg.device())
}

/// The maps where style is compared, of a square picture of noise.
pub(crate) fn maps(vgg: &Vgg, size: usize, seed: u32) -> Result<Vec<Tensor<4>>, Error> {
    vgg.features(picture(vgg, size, seed), &STYLE)
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
