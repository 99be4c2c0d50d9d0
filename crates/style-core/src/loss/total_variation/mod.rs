//! Total variation: neighbouring pixels should be alike.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use differences::{DOWN, DOWN_LEFT, DOWN_RIGHT, Direction, RIGHT, framed, unframed};
use power::Power;

mod differences;
mod power;

/// How unlike neighbouring pixels are, `dx` to the right and `dy` down. Zero for a constant picture; a direction
/// with one pixel adds nothing.
///
/// Only the means mean the same at every size. Pictures are in `[0, 1]`: of pixels in 0 to 255, `sum |d|` is 255
/// times as much, and `mean d^2` is `255^2` times as much.
///
/// # Reference
///
/// A. Mahendran and A. Vedaldi, *Understanding Deep Image Representations by Inverting Them*, CVPR 2015,
/// section 3, there sums of [`TotalVariation::Power`]. The nine-point form: K. Crowson, *style-transfer-pytorch*,
/// 2023; its weights are those of the discrete Laplacian least dependent on direction.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TotalVariation {
    /// `sum |dx| + sum |dy|`. Not steep at a difference of zero: there the derivative is 0, one of its
    /// subgradients.
    SumAbsolute,
    /// `mean |dx| + mean |dy|`, otherwise as the sum.
    MeanAbsolute,
    /// `mean dx^2 + mean dy^2`.
    #[default]
    MeanSquare,
    /// `mean (dx^2 + dy^2)^(b/2)` over all pixels, those of the last row and column with a difference of 0 towards
    /// the border. The exponent `b` is above 0.
    ///
    /// Below 2, where the slope at zero differences would be infinite or undefined: `(dx^2 + dy^2 + e)^(b/2) -
    /// e^(b/2)` with `e = 1e-8`, which is far less than the square of one step of 8-bit pixels, `1.5e-5`.
    Power(f32),
    /// `2 (mean dx^2 / 3 + mean dy^2 / 3 + (mean d1^2 + mean d2^2) / 12)` with the differences `d1`, `d2` along both
    /// diagonals, of the picture with its border repeated around it: knows slanted edges better.
    NinePoint,
}

/// The directions of [`TotalVariation::NinePoint`] with their weights, 2 included; all of them see the whole framed
/// picture.
const NINE_POINT: [(Direction, f32); 4] =
    [(RIGHT, 2.0 / 3.0), (DOWN, 2.0 / 3.0), (DOWN_RIGHT, 1.0 / 6.0), (DOWN_LEFT, 1.0 / 6.0)];

impl TotalVariation {
    /// The total variation, `[1]`.
    ///
    /// # Shapes
    ///
    /// `image` is `[batch, channels, height, width]`.
    #[must_use]
    pub fn forward(&self, image: Tensor<4>) -> Tensor<1> {
        if let Self::Power(exponent) = *self {
            return Power::new(exponent).forward(&image);
        }
        let none = image.clone().mul_scalar(0.0).sum();
        let image = if *self == Self::NinePoint { framed(image) } else { image };
        let terms = self.directions().iter().filter_map(|&(direction, weight)| {
            let differences = direction.differences(&image)?;
            let factor = weight * self.share(&differences);
            let sizes = if self.is_square() { differences.square() } else { differences.abs() };
            Some(sizes.sum().mul_scalar(factor))
        });
        terms.reduce(|sum, term| sum + term).unwrap_or(none)
    }

    /// `weight` times the total variation, `[1]`, and its gradient with respect to the picture.
    #[must_use]
    pub fn evaluate(&self, image: Tensor<4>, weight: f32) -> (Tensor<1>, Tensor<4>) {
        let image = image.without_autodiff();
        if let Self::Power(exponent) = *self {
            return Power::new(exponent).evaluate(&image, weight);
        }
        let none = image.clone().zeros_like();
        let image = if *self == Self::NinePoint { framed(image) } else { image };
        let terms = self.directions().iter().filter_map(|&(direction, share)| {
            let differences = direction.differences(&image)?;
            let factor = weight * share * self.share(&differences);
            let (sizes, slopes) = if self.is_square() {
                (differences.clone().square(), differences.mul_scalar(2.0 * factor))
            } else {
                (differences.clone().abs(), differences.sign().mul_scalar(factor))
            };
            Some((sizes.sum().mul_scalar(factor), direction.backward(slopes)))
        });
        let all = terms.reduce(|all, term| (all.0 + term.0, all.1 + term.1));
        match all {
            Some((value, gradient)) if *self == Self::NinePoint => (value, unframed(gradient)),
            Some(found) => found,
            None => (none.clone().sum(), none),
        }
    }

    fn directions(self) -> &'static [(Direction, f32)] {
        if self == Self::NinePoint { &NINE_POINT } else { &[(DOWN, 1.0), (RIGHT, 1.0)] }
    }

    /// Sum or mean.
    fn share(self, differences: &Tensor<4>) -> f32 {
        if self == Self::SumAbsolute { 1.0 } else { 1.0 / differences.shape().num_elements() as f32 }
    }

    fn is_square(self) -> bool {
        matches!(self, Self::MeanSquare | Self::NinePoint)
    }
}
