//! Means and standard deviations of the channels.

use burn::tensor::Tensor;

use super::newton_schulz::{diagonal, identity};
use super::{Seen, Slope, StyleLoss};
use crate::statistics::same_shape;
use crate::{Error, Statistics};

/// What keeps the slope of a standard deviation finite where a channel is constant.
const EPSILON: f32 = 1e-5;

/// Squared difference of the channels' means and standard deviations:
/// `mean((m - m_s)^2) + mean((s - s_s)^2)` with `s = sqrt(max(G_cc - m_c^2, 0) + 1e-5)`.
///
/// Knows every channel, but not which channels go together: quicker and weaker than a Gram matrix.
///
/// # Reference
///
/// Y. Li, N. Wang, J. Liu and X. Hou, *Demystifying Neural Style Transfer*, IJCAI 2017; the epsilon: X. Huang and S. Belongie, *Arbitrary Style Transfer in Real-time with
/// Adaptive Instance Normalization*, ICCV 2017, whose style loss has norms in place of their squares.
#[derive(Debug, Clone)]
pub struct MeanVarianceLoss {
    mean: Tensor<2>,
    deviation: Tensor<2>,
}

impl MeanVarianceLoss {
    /// A loss that is zero where the means and variances are those of `target`.
    #[must_use]
    pub fn new(target: Statistics) -> Self {
        Self { deviation: deviation(&target), mean: target.mean }
    }

    fn statistics_of(&self, seen: Seen) -> Result<Statistics, Error> {
        let statistics = seen.statistics()?;
        same_shape("the mean of the features", &statistics.mean, &self.mean)?;
        Ok(statistics)
    }
}

impl StyleLoss for MeanVarianceLoss {
    fn forward(&self, seen: Seen) -> Result<Tensor<1>, Error> {
        let statistics = self.statistics_of(seen)?;
        let deviations = deviation(&statistics) - self.deviation.clone();
        Ok((statistics.mean - self.mean.clone()).square().mean() + deviations.square().mean())
    }

    fn evaluate(&self, seen: Seen, weight: f32) -> Result<(Tensor<1>, Slope), Error> {
        let statistics = self.statistics_of(seen)?.without_autodiff();
        let count = statistics.mean.shape().num_elements() as f32;
        let deviation = deviation(&statistics);
        let means = statistics.mean.clone() - self.mean.clone();
        let deviations = deviation.clone() - self.deviation.clone();
        let value = means.clone().square().mean() + deviations.clone().square().mean();
        // ds/dG_cc = 1 / 2 s and ds/dm = -m / s, where the variance is not cut off at zero.
        let above = variance(&statistics).greater_elem(0.0).float();
        let by_variance = (deviations / deviation).mul_scalar(weight / count) * above;
        let mean =
            means.mul_scalar(2.0 * weight / count) - (statistics.mean * by_variance.clone()).mul_scalar(2.0);
        let column: Tensor<3> = by_variance.unsqueeze_dim(2);
        let gram = column * identity(&statistics.gram);
        Ok((value.mul_scalar(weight), Slope { mean: Some(mean), gram: Some(gram), features: None }))
    }
}

/// `G_cc - m_c^2`, `[batch, C]`; rounding may leave it below zero.
fn variance(statistics: &Statistics) -> Tensor<2> {
    let squares: Tensor<2> = diagonal(statistics.gram.clone()).squeeze_dim(2);
    squares - statistics.mean.clone().square()
}

fn deviation(statistics: &Statistics) -> Tensor<2> {
    variance(statistics).clamp_min(0.0).add_scalar(EPSILON).sqrt()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::test_support::values;

    #[test]
    fn the_loss_has_the_value_computed_by_hand() {
        let device = Device::flex();
        // Means 2 and 1, variances 1 and 0, against 0 and 0.
        let features = Tensor::<4>::from_floats([[[[1.0, 3.0]], [[1.0, 1.0]]]], &device);
        let loss = MeanVarianceLoss::new(Statistics::of(features.zeros_like()));
        let found = values(loss.forward(Statistics::of(features).into()).unwrap())[0];
        let deviation = 1.00001_f32.sqrt() - 1e-5_f32.sqrt();
        assert!((found - (2.5 + deviation * deviation / 2.0)).abs() < 1e-5, "{found}");
    }
}
