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
    /// diagonals: knows slanted edges better. The border is repeated around the picture: the means of `dx` and `dy` are
    /// over all pixels, those of the diagonals over `(height + 1) * (width + 1)` differences.
    NinePoint,
}

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
        let terms = self.sums(image).into_iter().map(|sum| sum.value(self.is_square()));
        terms.reduce(|all, term| all + term).unwrap_or(none)
    }

    /// `weight` times the total variation, `[1]`, and its gradient with respect to the picture.
    #[must_use]
    pub fn evaluate(&self, image: Tensor<4>, weight: f32) -> (Tensor<1>, Tensor<4>) {
        let image = image.without_autodiff();
        if let Self::Power(exponent) = *self {
            return Power::new(exponent).evaluate(&image, weight);
        }
        let none = image.clone().zeros_like();
        let terms = self.sums(image).into_iter().map(|sum| {
            let sum = Sum { factor: sum.factor * weight, ..sum };
            (sum.value(self.is_square()), sum.gradient(self.is_square()))
        });
        let all = terms.reduce(|all, term| (all.0 + term.0, all.1 + term.1));
        all.unwrap_or_else(|| (none.clone().sum(), none))
    }

    /// The sums that the total variation consists of.
    fn sums(self, image: Tensor<4>) -> Vec<Sum> {
        let pixels = image.shape().num_elements() as f32;
        let sum = |direction: Direction, factor: Option<f32>| {
            let differences = direction.differences(&image)?;
            let factor = factor.unwrap_or_else(|| 1.0 / differences.shape().num_elements() as f32);
            Some(Sum { direction, differences, factor, is_framed: false })
        };
        let factor = match self {
            Self::SumAbsolute => Some(1.0),
            Self::NinePoint => Some(2.0 / 3.0 / pixels),
            _ => None,
        };
        let mut sums: Vec<Sum> = [DOWN, RIGHT].into_iter().filter_map(|one| sum(one, factor)).collect();
        if self == Self::NinePoint {
            let framed = framed(image);
            let sum = |direction: Direction| {
                let differences = direction.differences(&framed)?;
                let factor = 2.0 / 12.0 / differences.shape().num_elements() as f32;
                Some(Sum { direction, differences, factor, is_framed: true })
            };
            sums.extend([DOWN_RIGHT, DOWN_LEFT].into_iter().filter_map(sum));
        }
        sums
    }

    fn is_square(self) -> bool {
        matches!(self, Self::MeanSquare | Self::NinePoint)
    }
}

/// `factor` times the sum of the squares or absolute values of some differences.
struct Sum {
    direction: Direction,
    differences: Tensor<4>,
    factor: f32,
    /// Whether the differences are those of the framed picture.
    is_framed: bool,
}

impl Sum {
    fn value(&self, square: bool) -> Tensor<1> {
        let differences = self.differences.clone();
        let sizes = if square { differences.square() } else { differences.abs() };
        sizes.sum().mul_scalar(self.factor)
    }

    fn gradient(self, square: bool) -> Tensor<4> {
        let slopes = if square { self.differences.mul_scalar(2.0) } else { self.differences.sign() };
        let gradient = self.direction.backward(slopes.mul_scalar(self.factor));
        if self.is_framed { unframed(gradient) } else { gradient }
    }
}

#[cfg(test)]
mod tests;
