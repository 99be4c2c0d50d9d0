//! Powers of the length of the gradient.

use burn::tensor::Tensor;
use burn::tensor::ops::PadMode;

use super::differences::{DOWN, Direction, RIGHT};

/// Square of the difference below which a power under 2 is rounded off.
const SMOOTHING: f32 = 1e-8;

/// `mean (dx^2 + dy^2)^half`, see [`TotalVariation::Power`](super::TotalVariation::Power).
#[derive(Debug, Clone, Copy)]
pub(super) struct Power {
    half: f32,
    smoothing: f32,
}

impl Power {
    pub(super) const fn new(exponent: f32) -> Self {
        Self { half: 0.5 * exponent, smoothing: if exponent < 2.0 { SMOOTHING } else { 0.0 } }
    }

    pub(super) fn forward(self, image: &Tensor<4>) -> Tensor<1> {
        self.mean(self.squares(image))
    }

    pub(super) fn evaluate(self, image: &Tensor<4>, weight: f32) -> (Tensor<1>, Tensor<4>) {
        let squares = self.squares(image);
        let factor = 2.0 * self.half * weight / squares.shape().num_elements() as f32;
        let slopes = squares.clone().powf_scalar(self.half - 1.0).mul_scalar(factor);
        let back = |direction: Direction| {
            let differences = direction.differences(image)?;
            let [_, _, height, width] = differences.dims();
            let slopes = slopes.clone().narrow(2, 0, height).narrow(3, 0, width);
            Some(direction.backward(slopes * differences))
        };
        let gradient = match (back(DOWN), back(RIGHT)) {
            (Some(down), Some(right)) => down + right,
            (down, right) => down.or(right).unwrap_or_else(|| image.clone().zeros_like()),
        };
        (self.mean(squares).mul_scalar(weight), gradient)
    }

    /// `dx^2 + dy^2` of every pixel, smoothed.
    fn squares(self, image: &Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = image.dims();
        let square = |direction: Direction| {
            let differences = direction.differences(image)?;
            let missing = [height - differences.dims()[2], width - differences.dims()[3]];
            Some(differences.square().pad((0, missing[1], 0, missing[0]), PadMode::Constant(0.0)))
        };
        let both = match (square(DOWN), square(RIGHT)) {
            (Some(down), Some(right)) => down + right,
            (down, right) => down.or(right).unwrap_or_else(|| image.clone().mul_scalar(0.0)),
        };
        both.add_scalar(self.smoothing)
    }

    fn mean(self, squares: Tensor<4>) -> Tensor<1> {
        squares.powf_scalar(self.half).sub_scalar(self.smoothing.powf(self.half)).mean()
    }
}
