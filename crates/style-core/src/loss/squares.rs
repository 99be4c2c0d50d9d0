//! The squared distance to a target: what most losses are, up to a factor.

use burn::tensor::Tensor;

/// `factor * sum((x - target)^2) / divisor`.
#[derive(Debug, Clone)]
pub(super) struct Squares<const D: usize> {
    pub(super) target: Tensor<D>,
    factor: f32,
    /// A divisor that only the device knows, `[1]`.
    divisor: Option<Tensor<1>>,
}

impl<const D: usize> Squares<D> {
    pub(super) const fn new(target: Tensor<D>, factor: f32) -> Self {
        Self { target, factor, divisor: None }
    }

    /// The distance divided by the target's own square: 1 when everything is missing.
    pub(super) fn relative(target: Tensor<D>) -> Self {
        let factor = 1.0 / target.shape().num_elements() as f32;
        // A target of zeros (possible after a ReLU) must not divide by zero.
        let divisor = target.clone().square().mean().clamp_min(1e-12);
        Self { target, factor, divisor: Some(divisor) }
    }

    /// The distance, `[1]`. Shapes have been compared before.
    pub(super) fn distance(&self, values: Tensor<D>) -> Tensor<1> {
        self.scaled((values - self.target.clone()).square().sum().mul_scalar(self.factor))
    }

    /// The distance times `weight`, `[1]`, and its derivative with respect to `values`.
    pub(super) fn evaluate(&self, values: Tensor<D>, weight: f32) -> (Tensor<1>, Tensor<D>) {
        let difference = values - self.target.clone();
        let value = difference.clone().square().sum().mul_scalar(self.factor * weight);
        let derivative = difference.mul_scalar(2.0 * self.factor * weight);
        (self.scaled(value), self.scaled(derivative))
    }

    fn scaled<const E: usize>(&self, values: Tensor<E>) -> Tensor<E> {
        match &self.divisor {
            Some(divisor) => values / divisor.clone().reshape([1; E]),
            None => values,
        }
    }
}
