//! Short runs on the real network, for several test modules.

use std::time::Instant;

use style_format::Layer::{Relu1_1, Relu2_1};
use style_image::{Image, Mask};

use super::resume::{Before, Origin};
use super::{Outcome, Settings, Style, StyleTransfer, Task, Times};
use crate::test_support::numbers;
use crate::{Error, Vgg};

/// Patches of colour, 8 px wide: something that survives another size.
pub(super) fn picture(width: usize, height: usize, seed: u32) -> Image {
    let colours = numbers(3 * 64, seed);
    let pixel = |i: usize| {
        let patch = (i % width / 8 + i / width / 8 * 5) % 64;
        (0..3).map(move |channel| (patch, channel))
    };
    let pixels = (0..width * height).flat_map(pixel).map(|(patch, channel)| colours[3 * patch + channel]);
    Image::new(width, height, pixels.collect()).unwrap()
}

pub(super) fn settings() -> Settings {
    Settings {
        size: 32,
        steps: vec![4],
        content_layers: vec![Relu2_1],
        style_layers: vec![Relu1_1, Relu2_1],
        ..Settings::default()
    }
}

pub(super) fn run(vgg: &Vgg, settings: Settings, styles: &[Style<'_>]) -> Result<Outcome, Error> {
    let mut transfer = StyleTransfer::new(vgg).settings(settings);
    for style in styles {
        transfer = transfer.style(style.clone());
    }
    transfer.run(&picture(32, 24, 1))
}

/// What the first scale of some run knows of what was before.
pub(super) fn before<T>(vgg: &Vgg, then: impl FnOnce(Before<'_>) -> T) -> T {
    let content = picture(16, 16, 1);
    let settings = Settings { size: 16, content_layers: vec![Relu1_1], ..Settings::default() };
    let task = Task::Reconstruct(&content);
    let prepared = StyleTransfer::new(vgg).settings(settings).prepare(&[], task).unwrap();
    let origin = Origin::new(&prepared, task, None);
    then(Before { origin: &origin, scales: &[], times: Times::default(), clock: Instant::now() })
}

pub(super) fn first(outcome: &Outcome) -> Vec<f32> {
    outcome.history()[0].0.clone()
}

/// Every number within a thousandth.
pub(super) fn alike(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-3 * a.abs().max(b.abs()).max(1e-6))
}

pub(super) fn mask(width: usize, height: usize, of: impl Fn(usize, usize) -> f32) -> Mask {
    Mask::new(width, height, (0..width * height).map(|i| of(i % width, i / width)).collect()).unwrap()
}
