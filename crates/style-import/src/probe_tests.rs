//! Networks and pictures that the tests of the probe share.

use std::path::Path;

use style_format::{PixelTransform, VggFile};

use crate::map::picture;

/// One convolution.
pub(crate) struct Layer {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) pooled: bool,
}

/// The first convolutions of `weights/vgg19.safetensors`.
pub(crate) fn bundled() -> Vec<Layer> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/vgg19.safetensors");
    let file = VggFile::parse(&std::fs::read(path).unwrap()).unwrap();
    let layer = |weights: &style_format::ConvolutionWeights| Layer {
        weight: weights.weight().to_f32(),
        bias: weights.bias().to_vec(),
        pooled: weights.convolution().block() > 1 && weights.convolution().index() == 1,
    };
    file.convolutions().iter().take(6).map(layer).collect()
}

/// Small networks with batch normalisation, trained and folded by `tools/calibrate_input_check.py`.
pub(crate) fn narrow(trained_on: PixelTransform) -> Vec<Layer> {
    let bytes: &[u8] = match trained_on {
        PixelTransform::CaffeBgr255 => include_bytes!("../tests/fixtures/narrow_caffe.f32"),
        PixelTransform::TorchRgb01 => include_bytes!("../tests/fixtures/narrow_torch.f32"),
    };
    let mut values = bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value));
    let mut take = |count| values.by_ref().take(count).collect::<Vec<_>>();
    let widths = [3, 8, 12, 16, 24, 24];
    let layer = |pair: &[usize]| Layer {
        weight: take(9 * pair[0] * pair[1]),
        bias: take(pair[1]),
        pooled: pair[0] > 3 && pair[0] < pair[1],
    };
    widths.windows(2).map(layer).collect()
}

/// The first convolution of a network that wants caffe-bgr-255, changed to want torch-rgb-01.
///
/// With `caffe = a * torch + s` for each colour, `w * caffe + b = (a w) * torch + (b + sum of w s)`.
pub(crate) fn as_torch(weight: &[f32], bias: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (from, to) = (PixelTransform::CaffeBgr255, PixelTransform::TorchRgb01);
    let (mut weights, mut biases) = (Vec::new(), bias.to_vec());
    for (filter, bias) in weight.chunks_exact(27).zip(&mut biases) {
        for channel in 0..3 {
            let plane = &filter[9 * (2 - channel)..][..9]; // blue comes first there
            let colour = to.order()[channel];
            let factor = from.scale_of_colours()[colour] / to.scale_of_colours()[colour];
            let shift = from.shift_of_colours()[colour] - factor * to.shift_of_colours()[colour];
            weights.extend(plane.iter().map(|value| value * factor));
            *bias += plane.iter().sum::<f32>() * shift;
        }
    }
    (weights, biases)
}

/// The built-in picture: as it is, darker, paler, turned around, in other colours, and a part of it.
pub(crate) fn pictures() -> [(usize, usize, Vec<f32>); 6] {
    let (height, width, rgb) = picture();
    let each = |change: fn(f32) -> f32| (height, width, rgb.iter().map(|&value| change(value)).collect());
    let plane = height * width;
    let turned = rgb.chunks_exact(plane).flat_map(|plane| plane.iter().rev().copied()).collect();
    let recoloured = [&rgb[plane..], &rgb[..plane]].concat();
    let rows = rgb.chunks_exact(width).enumerate().filter(|(row, _)| (16..64).contains(&(row % height)));
    let part = rows.flat_map(|(_, row)| row[30..94].to_vec()).collect();
    [
        (height, width, rgb.clone()),
        each(|value| 0.5 * value),
        each(|value| 0.4 + 0.6 * value),
        (height, width, turned),
        (height, width, recoloured),
        (48, 64, part),
    ]
}

/// Numbers of about a normal distribution, the same for the same seed.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut uniform = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0).collect()
}
