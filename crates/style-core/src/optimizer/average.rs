//! The mean of the pictures on the way.

use burn::tensor::{Device, Tensor};
use style_image::Filter;

use crate::Error;
use crate::checkpoint::{Kept, count};
use crate::convert::resample;
use crate::statistics::same_shape;

/// The exponential mean of a run's pictures, without the bias of its beginning:
/// `sum_i d^(n - i) x_i / sum_i d^(n - i)` over the pictures `x_1 .. x_n`, with the decay `d`.
///
/// Steps of an optimiser swing around the valley that they follow; the mean lies nearer to its bottom, and is
/// smoother. It is kept as the mean itself, `a = a + w (x - a)` with `w = (1 - d) / (1 - d^n)`, and not as a sum to
/// be divided by `1 - d^n`: so it never leaves the range of the pictures by more than rounding.
///
/// A NaN in a picture stays in the mean: push finite pictures only.
///
/// # Examples
///
/// ```
/// use burn::tensor::Tensor;
/// use style_core::{Average, Device};
///
/// let mut average = Average::new(0.5)?;
/// for value in [0.0, 0.6] {
///     average.push(&Tensor::full([1, 3, 2, 2], value, &Device::flex()))?;
/// }
/// let mean = average.value().unwrap().max().try_into_vec_as::<f32>().unwrap();
/// assert!((mean[0] - 0.4).abs() < 1e-6); // (0.5 * 0.0 + 0.6) / 1.5
/// # Ok::<(), style_core::Error>(())
/// ```
///
/// # Reference
///
/// B. T. Polyak and A. B. Juditsky, *Acceleration of Stochastic Approximation by Averaging*, SIAM Journal on Control
/// and Optimization 30, 1992, for the plain mean; the correction is that of Kingma and Ba 2015, section 3.
#[derive(Debug, Clone)]
pub struct Average {
    decay: f64,
    pushed: u64,
    mean: Option<Tensor<4>>,
}

impl Average {
    /// A mean in which a picture weighs `decay` times as much as the next one: 0 keeps the last picture, 1 is
    /// the plain mean of all.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for a decay outside 0 to 1.
    pub fn new(decay: f32) -> Result<Self, Error> {
        if !(0.0..=1.0).contains(&decay) {
            return Err(Error::setting("decay", decay, "0 to 1"));
        }
        Ok(Self { decay: f64::from(decay), pushed: 0, mean: None })
    }

    /// Adds the next picture.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when it has another shape than those before.
    pub fn push(&mut self, image: &Tensor<4>) -> Result<(), Error> {
        self.pushed += 1;
        self.mean = Some(match self.mean.take() {
            None => image.clone(),
            Some(mean) => {
                if let Err(error) = same_shape("the picture", image, &mean) {
                    (self.pushed, self.mean) = (self.pushed - 1, Some(mean));
                    return Err(error);
                }
                let change = (image.clone() - mean.clone()).mul_scalar(self.weight());
                mean + change
            }
        });
        Ok(())
    }

    /// What the newest picture weighs, `(1 - d) / (1 - d^n)`, or `1 / n` in the limit.
    fn weight(&self) -> f32 {
        let pushed = self.pushed as f64;
        let kept = self.decay.powf(pushed);
        let weight = if self.decay == 1.0 { 1.0 / pushed } else { (1.0 - self.decay) / (1.0 - kept) };
        weight as f32
    }

    /// Adds the mean to a checkpoint.
    pub(crate) fn keep(&self, kept: &mut Kept) {
        kept.put_numbers("average", [self.pushed as f64]);
        if let Some(mean) = &self.mean {
            kept.put("average.mean", mean);
        }
    }

    /// Goes on from a mean of the same decay.
    pub(crate) fn restore(&mut self, kept: &Kept, shape: [usize; 4], device: &Device) -> Result<(), Error> {
        let [pushed] = kept.array("average")?;
        self.pushed = count("average", pushed)? as u64;
        self.mean = if self.pushed > 0 { Some(kept.tensor("average.mean", shape, device)?) } else { None };
        Ok(())
    }

    /// The mean so far; `None` before the first picture.
    #[must_use]
    pub fn value(&self) -> Option<Tensor<4>> {
        self.mean.clone()
    }

    /// The pictures go on at another size `[height, width]`, px: the mean is resampled bicubically, and goes on
    /// with the weight that it has. Overshoot beside edges may leave `[0, 1]`; it fades with the next pictures.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] for a size without pixels, [`Error::Device`] when the mean cannot be read.
    pub fn resize(&mut self, size: [usize; 2]) -> Result<(), Error> {
        if let Some(mean) = &self.mean {
            self.mean = Some(resample(mean.clone(), size, Filter::Bicubic)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::{tensor, values};

    fn picture(value: f32) -> Tensor<4> {
        Tensor::full([1, 3, 2, 2], value, &Device::flex())
    }

    fn value(average: &Average) -> f32 {
        values(average.value().unwrap())[0]
    }

    proptest! {
        #[test]
        fn the_mean_is_that_of_the_formula(
            decay in prop_oneof![Just(0.0_f32), Just(1.0), Just(0.999_999), 0.0_f32..1.0],
            pictures in proptest::collection::vec(0.0_f32..1.0, 1..60),
        ) {
            let mut average = Average::new(decay).unwrap();
            let (mut sum, mut weights) = (0.0, 0.0);
            for &x in &pictures {
                average.push(&picture(x)).unwrap();
                sum = sum * f64::from(decay) + f64::from(x);
                weights = weights * f64::from(decay) + 1.0;
            }
            let expected = (sum / weights) as f32;
            prop_assert!((value(&average) - expected).abs() < 2e-6, "{} {expected}", value(&average));
        }
    }

    #[test]
    fn there_is_no_mean_of_nothing_and_that_of_one_picture_is_the_picture() {
        let mut average = Average::new(0.99).unwrap();
        assert!(average.value().is_none());
        average.resize([5, 5]).unwrap();
        let image = tensor([1, 3, 4, 5], 1);
        average.push(&image).unwrap();
        assert_eq!(values(average.value().unwrap()), values(image.clone()));
        // A mean of equal pictures is that picture, to the bit.
        average.push(&image).unwrap();
        assert_eq!(values(average.value().unwrap()), values(image));
    }

    #[test]
    fn a_picture_of_another_shape_is_refused_and_does_not_count() {
        let mut average = Average::new(0.5).unwrap();
        average.push(&picture(0.25)).unwrap();
        let error = average.push(&tensor([1, 3, 2, 3], 1)).unwrap_err();
        assert!(error.to_string().starts_with("the picture has shape [1, 3, 2, 3]"), "{error}");
        average.push(&picture(1.0)).unwrap();
        assert!((value(&average) - 0.75).abs() < 1e-6);
    }

    #[test]
    fn at_another_size_the_mean_keeps_its_weight() {
        let mut average = Average::new(0.5).unwrap();
        average.push(&picture(0.25)).unwrap();
        average.resize([3, 5]).unwrap();
        assert_eq!(average.value().unwrap().dims(), [1, 3, 3, 5]);
        average.push(&Tensor::full([1, 3, 3, 5], 1.0, &Device::flex())).unwrap();
        for found in values(average.value().unwrap()) {
            assert!((found - 0.75).abs() < 1e-5, "{found}"); // (0.5 * 0.25 + 1) / 1.5
        }
    }

    #[test]
    fn a_decay_out_of_range_is_a_typed_error() {
        for decay in [-0.1, 1.5, f32::NAN] {
            let message = format!("decay is {decay}, allowed is 0 to 1");
            assert_eq!(Average::new(decay).unwrap_err().to_string(), message);
        }
    }
}
