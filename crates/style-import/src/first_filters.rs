//! Networks recognised by the signs of their first filters, which survive every honest conversion.
//!
//! Half precision, codebooks, another file format, a cut, fine-tuning, a factor on each filter: none turns the
//! sign of a weight of any size. So the signs tell which network it is, the order in which they match tells
//! the order of the colours, and the biases beside the filters tell the scale of the pixels.

use style_format::PixelTransform;

/// Weights of one filter of the first convolution: three colours, nine taps.
const TAPS: usize = 27;

/// How alike signs must be for a network to be recognised: 1 for the same ones, 0 for unrelated ones.
///
/// Caffe's VGG-16 after 288,000 pictures of fine-tuning has 0.91 to Caffe's VGG-19; Gaussian noise stays below
/// 0.11, for the six filters of torchvision's VGG-16 below 0.4.
const ALIKE: f64 = 0.8;

/// How far from its nominal scale the pixels' scale may come out, as a factor: shifted means move the biases.
const SCALE_TOLERANCE: f64 = 2.0;

/// A published network's first filters.
struct Reference {
    name: &'static str,
    input: PixelTransform,
    /// Which filters are known.
    filters: &'static [usize],
    /// A filter's signs in row-major order, the first in the lowest bit: 1 where the weight is positive.
    signs: &'static [u32],
    outputs: usize,
    /// Median over the filters of the bias' size by the filter's norm.
    bias_by_norm: f64,
}

const ALL_64: [usize; 64] = {
    let mut all = [0; 64];
    let mut index = 0;
    while index < 64 {
        all[index] = index;
        index += 1;
    }
    all
};

/// The networks of Simonyan & Zisserman share their first filters: the deeper ones were started from the
/// shallowest one (section 3.1 of their paper). These are VGG-19's, from `weights/vgg19.safetensors`.
///
/// Of torchvision's VGG-16 the first and last three filters are those that PyTorch shows when it prints
/// `vgg16(weights="IMAGENET1K_V1").features[0].weight`.
const REFERENCES: [Reference; 2] = [
    Reference {
        name: "the VGG networks of Simonyan and Zisserman (Caffe)",
        input: PixelTransform::CaffeBgr255,
        filters: &ALL_64,
        #[rustfmt::skip]
        signs: &[
            0x06c_361b, 0x001_b7ff, 0x061_f6db, 0x13c_1e4f, 0x0d8_6c36, 0x000_01ff, 0x327_93c9, 0x49e_4e27,
            0x7fc_01ff, 0x703_81fd, 0x05c_2e17, 0x0da_6e36, 0x003_fe00, 0x121_b3db, 0x7a3_81c0, 0x7fc_01ff,
            0x7fc_0004, 0x06c_b61b, 0x7bc_01ff, 0x7fc_0147, 0x03c_1e5f, 0x17c_1e0f, 0x003_ffff, 0x793_41e4,
            0x121_b6d9, 0x003_ffff, 0x723_91c8, 0x6fb_fe00, 0x49a_4d26, 0x7fc_0000, 0x6c3_61b0, 0x7ff_ffff,
            0x7fc_0000, 0x365_30d8, 0x361_b0d8, 0x6d3_69b4, 0x003_ffff, 0x7c3_e1f0, 0x01c_3e0f, 0x000_01ff,
            0x363_f698, 0x49c_4f27, 0x4da_6d36, 0x09c_4e27, 0x361_b2d8, 0x49e_4f27, 0x361_b0d8, 0x7c3_e1f0,
            0x365_b2c9, 0x49a_4d37, 0x003_ffbc, 0x12c_964b, 0x79c_0127, 0x7d3_c1e0, 0x725_91c9, 0x483_eda4,
            0x49e_49a7, 0x32c_93cf, 0x4da_6d34, 0x7ff_fe00, 0x6d3_69b4, 0x000_0000, 0x361_b0d8, 0x365_b2d8,
        ],
        outputs: 64,
        bias_by_norm: 0.42,
    },
    Reference {
        name: "torchvision's VGG-16",
        input: PixelTransform::TorchRgb01,
        filters: &[0, 1, 2, 61, 62, 63],
        signs: &[0x324_9736, 0x783_48a7, 0x1ae_4f27, 0x682_21df, 0x7fc_9201, 0x03c_b6c9],
        outputs: 64,
        bias_by_norm: 0.20,
    },
];

/// A network that was recognised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recognised {
    pub(crate) name: &'static str,
    /// The pixels that these weights want; none where neither transform has their order and scale.
    pub(crate) input: Option<PixelTransform>,
    /// How alike the signs are, at most 1.
    pub(crate) alike: f64,
}

/// The network that has these first filters, `weight` `[out, 3, 3, 3]` and `bias` `[out]`.
pub(crate) fn recognise(weight: &[f32], bias: &[f32]) -> Option<Recognised> {
    REFERENCES.iter().find_map(|reference| {
        if bias.len() != reference.outputs || weight.len() != TAPS * reference.outputs {
            return None;
        }
        let [kept, turned] = [false, true].map(|turn| alike(reference, weight, turn));
        let alike = kept.max(turned);
        if alike < ALIKE {
            return None;
        }
        let order = colours(reference.input, turned > kept);
        let scale = pixel_scale(reference, weight, bias)?;
        let fits = |transform: &PixelTransform| {
            let off = scale / f64::from(transform.scale()[0]);
            transform.order() == order && (1.0 / SCALE_TOLERANCE..=SCALE_TOLERANCE).contains(&off)
        };
        let input = PixelTransform::ALL.into_iter().find(fits);
        Some(Recognised { name: reference.name, input, alike })
    })
}

/// Mean over filters of how much of a filter's weight has the reference's signs, less how much has not.
fn alike(reference: &Reference, weight: &[f32], turn: bool) -> f64 {
    let filter = |(&index, &signs): (&usize, &u32)| {
        let taps = weight[TAPS * index..][..TAPS].iter().enumerate();
        let (mut agreed, mut whole) = (0.0, 0.0);
        for (tap, &value) in taps {
            let (colour, place) = (tap / 9, tap % 9);
            let bit = if turn { 9 * (2 - colour) + place } else { tap };
            let positive = signs >> bit & 1 == 1;
            agreed += if positive { f64::from(value) } else { -f64::from(value) };
            whole += f64::from(value.abs());
        }
        if whole > 0.0 { agreed / whole } else { 0.0 }
    };
    let filters = reference.filters.iter().zip(reference.signs);
    filters.map(filter).sum::<f64>() / reference.filters.len() as f64
}

fn colours(input: PixelTransform, turn: bool) -> [usize; 3] {
    let [first, second, third] = input.order();
    if turn { [third, second, first] } else { [first, second, third] }
}

/// By what colours of 0 to 1 must be multiplied for these weights: pixels that are `k` times smaller want
/// filters that are `k` times larger, beside the same biases. None without biases.
fn pixel_scale(reference: &Reference, weight: &[f32], bias: &[f32]) -> Option<f64> {
    let ratio = |&index: &usize| {
        let filter = &weight[TAPS * index..][..TAPS];
        let norm = filter.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        f64::from(bias[index].abs()) / norm
    };
    let by_norm = median(reference.filters.iter().map(ratio))?;
    (by_norm > 0.0).then(|| f64::from(reference.input.scale()[0]) * by_norm / reference.bias_by_norm)
}

/// The middle one of the numbers (the lower one of two); values that are not finite are left out.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe_tests::{as_torch, bundled, noise};

    #[test]
    fn the_bundled_weights_are_recognised_with_their_pixels() {
        let (weight, bias) = (&bundled()[0].weight, &bundled()[0].bias);
        let found = recognise(weight, bias).unwrap();
        assert_eq!(found.input, Some(PixelTransform::CaffeBgr255));
        assert!(found.alike > 0.999, "{}", found.alike);
    }

    #[test]
    fn they_are_recognised_after_their_transform_was_folded_in() {
        let (weight, bias) = as_torch(&bundled()[0].weight, &bundled()[0].bias);
        assert_eq!(recognise(&weight, &bias).unwrap().input, Some(PixelTransform::TorchRgb01));
    }

    #[test]
    fn a_factor_on_every_filter_and_coarse_rounding_change_nothing() {
        let factor = |index: usize| 0.01 + index as f32;
        let first = &bundled()[0];
        let rounded = |value: f32| (value * 16.0).round() / 16.0;
        let weight = first.weight.iter().enumerate().map(|(i, &value)| rounded(value) * factor(i / TAPS));
        let bias = first.bias.iter().enumerate().map(|(i, &value)| value * factor(i));
        let found = recognise(&weight.collect::<Vec<_>>(), &bias.collect::<Vec<_>>()).unwrap();
        assert_eq!(found.input, Some(PixelTransform::CaffeBgr255));
    }

    #[test]
    fn colours_in_the_other_order_at_the_same_scale_fit_neither_transform() {
        let first = &bundled()[0];
        let filters = first.weight.chunks_exact(TAPS);
        let turned: Vec<f32> =
            filters.flat_map(|filter| filter.rchunks_exact(9).flatten().copied()).collect();
        assert_eq!(recognise(&turned, &first.bias).unwrap().input, None);
        let tenfold: Vec<f32> = first.weight.iter().map(|value| 10.0 * value).collect();
        assert_eq!(recognise(&tenfold, &first.bias).unwrap().input, None);
    }

    #[test]
    fn without_biases_the_scale_is_anybodys_guess() {
        assert_eq!(recognise(&bundled()[0].weight, &[0.0; 64]), None);
    }

    #[test]
    fn noise_and_other_widths_are_not_recognised() {
        for seed in 0..200 {
            assert_eq!(recognise(&noise(seed, 64 * TAPS), &noise(seed, 64)), None);
        }
        assert_eq!(recognise(&noise(1, 8 * TAPS), &noise(1, 8)), None);
        assert_eq!(recognise(&[], &[]), None);
        assert_eq!(recognise(&[0.0; 64 * TAPS], &[0.0; 64]), None);
        assert_eq!(recognise(&[f32::MAX; 64 * TAPS], &[f32::NAN; 64]), None);
    }

    /// As far as PyTorch prints them: filters 0, 1, 2, 61, 62 and 63 of 64.
    #[test]
    fn torchvisions_filters_are_recognised_by_the_six_that_are_known() {
        let mut weight = noise(3, 64 * TAPS);
        let reference = &REFERENCES[1];
        for (&index, &signs) in reference.filters.iter().zip(reference.signs) {
            for tap in 0..TAPS {
                let value = weight[TAPS * index + tap].abs();
                weight[TAPS * index + tap] = if signs >> tap & 1 == 1 { value } else { -value };
            }
        }
        let norm = |index: usize| {
            weight[TAPS * index..][..TAPS].iter().map(|value| value * value).sum::<f32>().sqrt()
        };
        let bias: Vec<f32> = (0..64).map(|index| 0.2 * norm(index)).collect();
        let found = recognise(&weight, &bias).unwrap();
        assert_eq!((found.name, found.input), (reference.name, Some(PixelTransform::TorchRgb01)));
    }
}
