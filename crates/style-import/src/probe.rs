//! Which pixels does this VGG want? A guess from its weights and a real picture, for files that do not say.
//!
//! Two kinds of evidence, in this order:
//!
//! 1. The first filters are those of a published network ([`crate::first_filters`]): as good as certain.
//! 2. The bias ratio. A convolution's bias is of use only while it is about as large as what the picture
//!    does to the convolution's output. Biases that came out of a batch normalisation always are, for
//!    pixels of the right scale; caffe-bgr-255 is 57 times as large as torch-rgb-01.
//!
//! `docs/pixel-transforms.md` has the formula, how the limits were found, how often they are right, and why
//! networks without normalisation get no verdict from their bias ratio.

use std::fmt;

use serde::Serialize;
use style_format::{PixelTransform, Pooling};

use crate::ImportError;
use crate::first_filters::{Recognised, median, recognise};
use crate::map::{Map, convolve_and_measure, picture};

/// Convolutions that the bias ratio is taken over, from the first one on.
const MOST_CONVOLUTIONS: usize = 6;

/// With fewer convolutions there is no verdict from their biases: `conv1_1` alone is off too often.
const FEWEST_CONVOLUTIONS: usize = 3;

/// Bias ratios of networks on the pixels they were trained on.
const NATURAL: std::ops::RangeInclusive<f64> = 0.2..=1.9;

/// Spread of the first filters' norms, as a share of their mean, below which there is no verdict.
///
/// 27 uniform numbers give 0.09, 27 Gaussian ones 0.14, and a fresh network can have biases of natural size, too.
/// Folding a normalisation in gives 0.5 and more.
const LEAST_SPREAD: f64 = 0.45;

/// What the probe makes of the weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    /// They want these pixels.
    Fits { transform: PixelTransform, clue: Clue },
    /// They are a published network's, changed to want pixels of another order or scale than both transforms.
    Neither { network: &'static str },
    /// The weights do not tell.
    Undecided,
}

/// By what weights tell which pixels they want.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum Clue {
    /// The first filters are those of a published network.
    FirstFilters {
        /// Which one.
        network: &'static str,
    },
    /// The biases have a natural size beside what a photograph does to the convolutions.
    BiasRatio {
        /// Their size by that of the responses, with these pixels.
        ratio: f64,
        /// The same with the other pixels, which is not natural.
        other: f64,
    },
}

impl fmt::Display for Clue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstFilters { network } => write!(f, "the first filters are those of {network}"),
            Self::BiasRatio { ratio, other } => write!(
                f,
                "the biases are {ratio:.2} of what a photograph does to the convolutions, {other:.2} with the other pixels; \
                 {} to {} is natural",
                NATURAL.start(),
                NATURAL.end()
            ),
        }
    }
}

/// Runs a small picture through the first convolutions under both transforms.
///
/// # Memory
///
/// Two feature maps of 120 x 80 positions, besides one convolution's weights, three times.
#[derive(Debug)]
pub(crate) struct Probe {
    pooling: Pooling,
    trials: [Trial; 2],
    recognised: Option<Recognised>,
    first_is_even: bool,
    seen: usize,
}

/// The picture under one transform.
#[derive(Debug)]
struct Trial {
    transform: PixelTransform,
    map: Map,
    /// The median bias ratio of each convolution.
    ratios: Vec<f64>,
}

impl Probe {
    /// Asks about a network with that pooling, by the picture that is built in.
    pub(crate) fn new(pooling: Pooling) -> Self {
        Self::with_picture(pooling, picture())
    }

    /// The same with another picture: height, width, planes of red, green and blue.
    pub(crate) fn with_picture(pooling: Pooling, picture: (usize, usize, Vec<f32>)) -> Self {
        let trials = PixelTransform::ALL.map(|transform| Trial {
            transform,
            map: Map::of_picture(picture.clone(), transform),
            ratios: Vec::new(),
        });
        Self { pooling, trials, recognised: None, first_is_even: true, seen: 0 }
    }

    /// Whether another convolution would change anything.
    pub(crate) fn wants_more(&self) -> bool {
        self.recognised.is_none() && self.seen < MOST_CONVOLUTIONS
    }

    /// The network's next convolution, `weight` `[out, in, 3, 3]` and `bias` `[out]`, norms folded in.
    ///
    /// More than are wanted are passed over.
    pub(crate) fn convolution(
        &mut self,
        weight: &[f32],
        bias: &[f32],
        pooled_before: bool,
    ) -> Result<(), ImportError> {
        if !self.wants_more() {
            return Ok(());
        }
        if self.seen == 0 {
            self.recognised = recognise(weight, bias);
            let spread = spread_of_norms(weight, bias.len());
            self.first_is_even = spread.is_nan() || spread < LEAST_SPREAD;
        }
        self.seen += 1;
        let pooling = pooled_before.then_some(self.pooling);
        for trial in &mut self.trials {
            let (map, deviations) = convolve_and_measure(&trial.map, weight, bias, pooling)?;
            let ratios =
                bias.iter().zip(deviations).map(|(bias, deviation)| f64::from(bias.abs()) / deviation);
            trial.ratios.extend(median(ratios));
            trial.map = map;
        }
        Ok(())
    }

    /// The verdict on what was seen so far.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.recognised {
            Some(Recognised { name: network, input: Some(transform), .. }) => {
                return Verdict::Fits { transform, clue: Clue::FirstFilters { network } };
            }
            Some(Recognised { name: network, input: None, .. }) => return Verdict::Neither { network },
            None => (),
        }
        if self.seen < FEWEST_CONVOLUTIONS || self.first_is_even {
            return Verdict::Undecided;
        }
        let [first, second] = self.trials.each_ref().map(Trial::bias_ratio);
        let [natural, other_natural] = [first, second].map(|ratio| NATURAL.contains(&ratio));
        let (trial, ratio, other) = match (natural, other_natural) {
            (true, false) => (&self.trials[0], first, second),
            (false, true) => (&self.trials[1], second, first),
            _ => return Verdict::Undecided,
        };
        Verdict::Fits { transform: trial.transform, clue: Clue::BiasRatio { ratio, other } }
    }
}

impl Trial {
    /// The geometric mean of the convolutions' ratios; NaN, which no range contains, if one has none.
    fn bias_ratio(&self) -> f64 {
        let logarithms = self.ratios.iter().map(|ratio| ratio.ln());
        (logarithms.sum::<f64>() / self.ratios.len() as f64).exp()
    }
}

/// Standard deviation of the filters' norms by their mean.
fn spread_of_norms(weight: &[f32], outputs: usize) -> f64 {
    let taps = (weight.len() / outputs.max(1)).max(1);
    let norm = |filter: &[f32]| filter.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let norms: Vec<f64> = weight.chunks_exact(taps).map(norm).collect();
    let mean = norms.iter().sum::<f64>() / norms.len() as f64;
    let squares = norms.iter().map(|norm| (norm - mean).powi(2)).sum::<f64>();
    (squares / norms.len() as f64).sqrt() / mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe_tests::{Layer, as_torch, bundled, narrow, noise, pictures};
    use PixelTransform::{CaffeBgr255, TorchRgb01};

    fn ask(layers: &[Layer], picture: (usize, usize, Vec<f32>)) -> Verdict {
        let mut probe = Probe::with_picture(Pooling::Max, picture);
        for layer in layers {
            probe.convolution(&layer.weight, &layer.bias, layer.pooled).unwrap();
        }
        probe.verdict()
    }

    fn transform(verdict: Verdict) -> Option<PixelTransform> {
        match verdict {
            Verdict::Fits { transform, .. } => Some(transform),
            _ => None,
        }
    }

    #[test]
    fn the_bundled_weights_want_caffes_pixels_and_their_conversion_torchs() {
        let mut layers = bundled();
        for picture in pictures() {
            assert_eq!(transform(ask(&layers, picture)), Some(CaffeBgr255));
        }
        (layers[0].weight, layers[0].bias) = as_torch(&layers[0].weight, &layers[0].bias);
        for picture in pictures() {
            assert_eq!(transform(ask(&layers[..1], picture)), Some(TorchRgb01));
        }
    }

    #[test]
    fn networks_with_batch_norm_are_told_by_their_biases_on_any_picture() {
        for trained_on in PixelTransform::ALL {
            for picture in pictures() {
                let verdict = ask(&narrow(trained_on), picture);
                assert_eq!(transform(verdict), Some(trained_on), "{verdict:?}");
            }
        }
        let mut converted = narrow(CaffeBgr255);
        (converted[0].weight, converted[0].bias) = as_torch(&converted[0].weight, &converted[0].bias);
        assert_eq!(transform(ask(&converted, picture())), Some(TorchRgb01));
    }

    #[test]
    fn random_weights_get_no_verdict() {
        for seed in 0..10 {
            let layer = |inputs: usize, outputs: usize, bias: f32, pooled| {
                let spread = (2.0 / (9 * inputs) as f32).sqrt();
                let weight = noise(seed, 9 * inputs * outputs).iter().map(|value| value * spread).collect();
                Layer {
                    weight,
                    bias: noise(seed, outputs).iter().map(|value| value * bias).collect(),
                    pooled,
                }
            };
            for bias in [0.0, 0.1, 1.0] {
                let layers =
                    [layer(3, 32, bias, false), layer(32, 32, bias, false), layer(32, 48, bias, true)];
                assert_eq!(ask(&layers, picture()), Verdict::Undecided, "biases of {bias}");
            }
        }
    }

    #[test]
    fn two_convolutions_and_numbers_without_end_get_no_verdict() {
        let layers = narrow(TorchRgb01);
        assert_eq!(ask(&layers[..2], picture()), Verdict::Undecided);
        assert_eq!(Probe::new(Pooling::Max).verdict(), Verdict::Undecided);
        let mut huge = narrow(TorchRgb01);
        huge.iter_mut().flat_map(|layer| &mut layer.weight).for_each(|value| *value *= 1e30);
        assert_eq!(ask(&huge, picture()), Verdict::Undecided);
    }

    #[test]
    fn no_more_is_read_than_is_wanted() {
        let mut probe = Probe::new(Pooling::Max);
        let first = &bundled()[0];
        probe.convolution(&first.weight, &first.bias, false).unwrap();
        assert!(!probe.wants_more());
        probe.convolution(&[], &[], false).unwrap();
        let mut probe = Probe::new(Pooling::Average);
        for layer in narrow(CaffeBgr255) {
            assert!(probe.wants_more());
            probe.convolution(&layer.weight, &layer.bias, layer.pooled).unwrap();
        }
        assert!(Probe::new(Pooling::Max).convolution(&[1.0; 5], &[0.0], false).is_err());
    }
}
