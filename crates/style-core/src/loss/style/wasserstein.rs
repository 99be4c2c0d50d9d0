//! The Wasserstein distance of features taken as normally distributed.

use burn::tensor::Tensor;

use super::newton_schulz::{Roots, diagonal, identity, norm};
use super::{Seen, Slope, StyleLoss};
use crate::statistics::same_shape;
use crate::{Error, Statistics};

/// What makes covariances positive definite: a black picture has none.
const RIDGE: f32 = 1e-4;

/// Rounding errors of `G - m m^T` over `|G|`, Frobenius: they are that large where a picture is all but constant, so that
/// thousands of equal numbers were added.
const ROUNDING: f32 = 1e-5;

/// Rounding errors over `|S|` that the iteration for the roots bears without a larger ridge; in a product with another
/// covariance they can be some times as large.
const BORNE: f32 = 1e-4;

/// A variance below this share of `G_cc` is rounding errors: the channel is taken as constant.
const RESOLVED: f32 = 1e-4;

/// The squared 2-Wasserstein distance of two normal distributions over the `C` channels, divided by `C`: that of the
/// features of a position, with mean `m` and covariance `S = G - m m^T + 1e-4 I`, from the style's, `m_s` and `S_s`.
/// A channel that varies by less than a hundredth of its size counts as constant, and where all of them vary little the
/// ridge grows to `1e-5 |G|`: in `f32` the difference is known no better.
///
/// `mean((m - m_s)^2) + mean(diag(S_s + S - 2 (S_s^1/2 S S_s^1/2)^1/2))`
///
/// Roots are found by a scaled Newton-Schulz iteration, in `f32` within about `1e-4` of the distance with exact ones; the
/// plain iteration, which this loss is usually computed with, gives some percent more. Roots far below the largest are
/// found too small, so that the loss at its target is a little above zero: what is missing belongs to directions of
/// hardly any variance.
///
/// The derivative with respect to `S` is that of the exact distance, `(I - S_s^1/2 (S_s^1/2 S S_s^1/2)^-1/2
/// S_s^1/2) / C`, with the inverse root out of the same iteration: a third of the products that a tape would take.
///
/// # Reference
///
/// I. Olkin and F. Pukelsheim, *The distance between two random vectors with given dispersion matrices*, Linear
/// Algebra and its Applications 48, 1982; as a style loss: K. Crowson, *style-transfer-pytorch*, 2023.
#[derive(Debug, Clone)]
pub struct WassersteinLoss {
    mean: Tensor<2>,
    /// Of the style's covariance: its root, and its diagonal `[batch, C, 1]`.
    root: Tensor<3>,
    diagonal: Tensor<3>,
}

impl WassersteinLoss {
    /// A loss that is smallest where mean and Gram matrix are those of `target`.
    #[must_use]
    pub fn new(target: Statistics) -> Self {
        let covariance = covariance(&target);
        let diagonal = diagonal(covariance.clone());
        let root = Roots::new(covariance).root();
        Self { mean: target.mean, root, diagonal }
    }

    fn statistics_of(&self, seen: Seen) -> Result<Statistics, Error> {
        let statistics = seen.statistics()?;
        same_shape("the Gram matrix", &statistics.gram, &self.root)?;
        same_shape("the mean of the features", &statistics.mean, &self.mean)?;
        Ok(statistics)
    }

    /// The iteration for the root of `S_s^1/2 S S_s^1/2`.
    fn between(&self, covariance: Tensor<3>) -> Roots {
        Roots::new(self.root.clone().matmul(covariance).matmul(self.root.clone()))
    }

    /// The loss, from the differences of the means, the covariance and the iteration.
    fn distance(&self, means: Tensor<2>, covariance: Tensor<3>, between: &Roots) -> Tensor<1> {
        let both = self.diagonal.clone() + diagonal(covariance);
        means.square().mean() + (both - between.diagonal_of_root().mul_scalar(2.0)).mean()
    }
}

impl StyleLoss for WassersteinLoss {
    fn forward(&self, seen: Seen) -> Result<Tensor<1>, Error> {
        let statistics = self.statistics_of(seen)?;
        let covariance = covariance(&statistics);
        let between = self.between(covariance.clone());
        Ok(self.distance(statistics.mean - self.mean.clone(), covariance, &between))
    }

    fn evaluate(&self, seen: Seen, weight: f32) -> Result<(Tensor<1>, Slope), Error> {
        let statistics = self.statistics_of(seen)?.without_autodiff();
        let count = statistics.mean.shape().num_elements() as f32;
        let covariance = covariance(&statistics);
        let between = self.between(covariance.clone());
        let means = statistics.mean.clone() - self.mean.clone();
        let value = self.distance(means.clone(), covariance, &between).mul_scalar(weight);
        let pull = self.root.clone().matmul(between.inverse()).matmul(self.root.clone());
        let gram = (identity(&pull) - pull).mul_scalar(weight / count);
        // S = G - m m^T, and dL/dS is symmetric.
        let through: Tensor<2> = gram.clone().matmul(statistics.mean.unsqueeze_dim(2)).squeeze_dim(2);
        let mean = (means.mul_scalar(weight / count) - through).mul_scalar(2.0);
        Ok((value, Slope { mean: Some(mean), gram: Some(gram), features: None }))
    }
}

/// `G - m m^T`, `[batch, C, C]`, with a ridge, and with zeros for what rounding left of constant channels.
///
/// Zeros and ridge are constants that are taken off or added: a channel that begins to vary has a derivative.
fn covariance(statistics: &Statistics) -> Tensor<3> {
    let column: Tensor<3> = statistics.mean.clone().unsqueeze_dim(2);
    let covariance = statistics.gram.clone() - column.clone().matmul(column.transpose());
    let (gram, here) = (statistics.gram.clone().without_autodiff(), covariance.clone().without_autodiff());
    let varies = varies(&gram, &here);
    let rounding = here.clone() - here.clone() * varies.clone().matmul(varies.transpose());
    let ridge = (norm(gram).mul_scalar(ROUNDING) - norm(here.clone()).mul_scalar(BORNE)).clamp_min(0.0);
    covariance - rounding + identity(&here) * ridge.add_scalar(RIDGE)
}

/// 1 for channels that vary by more than rounding errors, 0 for the others, `[batch, C, 1]`.
fn varies(gram: &Tensor<3>, covariance: &Tensor<3>) -> Tensor<3> {
    let least = diagonal(gram.clone()).mul_scalar(RESOLVED);
    diagonal(covariance.clone()).greater_equal(least).float()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::test_support::{tensor, values};

    #[test]
    fn the_loss_of_independent_channels_is_that_of_their_means_and_deviations() {
        // All four corners: the covariance is diagonal, with the squares of the half sides.
        let corners = |center: [f32; 2], half: [f32; 2]| {
            let rows = [0, 1].map(|c| [1.0, 1.0, -1.0, -1.0].map(|sign: f32| center[c] + sign * half[c]));
            let second = [0, 1, 2, 3].map(|i| center[1] + if i % 2 == 0 { half[1] } else { -half[1] });
            Tensor::<4>::from_floats([[[rows[0]], [second]]], &Device::flex())
        };
        let loss = WassersteinLoss::new(Statistics::of(corners([1.0, 2.0], [1.0, 3.0])));
        let found = values(loss.forward(Statistics::of(corners([2.0, 0.0], [2.0, 1.0])).into()).unwrap())[0];
        // ((2 - 1)^2 + (0 - 2)^2) / 2 + ((2 - 1)^2 + (1 - 3)^2) / 2
        assert!((found - 5.0).abs() < 1e-3, "{found}");
    }

    #[test]
    fn the_loss_stays_in_its_bounds_with_fewer_positions_than_channels() {
        for (positions, scale) in [1, 2, 30, 200].into_iter().flat_map(|m| [(m, 1.0), (m, 1e3)]) {
            let relu = |seed| (tensor([1, 256, 1, positions], seed) - 0.6).clamp_min(0.0) * scale;
            let (style, picture) = (relu(1), relu(2));
            let loss = WassersteinLoss::new(Statistics::of(style.clone()));
            let (found, slope) = loss.evaluate(Statistics::of(picture.clone()).into(), 1.0).unwrap();
            let slope = values(Statistics::backward(picture.clone(), slope.gram, slope.mean).unwrap());
            let found = values(found)[0];
            // Between the distance of the means and that of independent features.
            let spread = |map: Tensor<4>| values((map.clone() - map.mean_dim(3)).square().mean())[0];
            let means = values((style.clone().mean_dim(3) - picture.clone().mean_dim(3)).square().mean())[0];
            let most = means + spread(style) + spread(picture.clone()) + 2e-4;
            let slack = 1e-4 * most;
            assert!(
                (means - slack..=most + slack).contains(&found),
                "{positions} {scale}: {means} {found} {most}"
            );
            // dL/df = 2 (f - what it should be) / (C M): no steeper than features are large.
            let steepest = slope.iter().fold(0.0_f32, |steepest, slope| steepest.max(slope.abs()));
            let bound = 8.0 * scale / (256 * positions) as f32;
            assert!(steepest < bound, "{positions} {scale}: {steepest} {bound}");
        }
    }

    #[test]
    fn pictures_of_hardly_any_contrast_have_finite_losses() {
        let map =
            |contrast: f32, seed| tensor([1, 64, 24, 24], seed) * contrast + tensor([1, 64, 1, 1], 3) * 50.0;
        let contrasts = [0.0, 1e-4, 1e-2, 0.1, 1.0, 10.0];
        for (style, picture) in contrasts.iter().flat_map(|a| contrasts.map(|b| (*a, b))) {
            let loss = WassersteinLoss::new(Statistics::of(map(style, 1)));
            let seen = Statistics::of(map(picture, 2));
            let (found, slope) = loss.evaluate(seen.clone().into(), 1.0).unwrap();
            // Independent channels, whose deviations are contrast / sqrt(12); two samples of 576 differ by some more.
            let deviations = ((style - picture) * (style - picture) + 0.05 * style * picture) / 12.0;
            let means = values((loss.mean.clone() - seen.mean).square().mean())[0];
            let (found, expected) = (values(found)[0], means + deviations);
            assert!(
                (found - expected).abs() < 0.1 * expected + 0.05,
                "{style} {picture}: {found} {expected}"
            );
            assert!(values(slope.gram.unwrap()).iter().all(|slope| slope.is_finite()), "{style} {picture}");
        }
    }
}
