//! How squared differences become one number.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// How the squared differences between a tensor and its target become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// The mean over all entries: the mean squared error of the papers.
    Mean,
    /// The mean divided by the target's own mean square: 1 when everything is missing. Comparable over
    /// layers, pictures and networks, so that no layer needs a weight tuned by hand.
    #[default]
    Relative,
}

/// A target with its reduction: the common part of the losses that compare squares.
#[derive(Debug, Clone)]
pub(crate) struct Target<const D: usize> {
    pub(crate) values: Tensor<D>,
    /// What the mean squared difference is divided by, `[1]`.
    divisor: Option<Tensor<1>>,
}

impl<const D: usize> Target<D> {
    pub(crate) fn new(values: Tensor<D>, reduction: Reduction) -> Self {
        // A target of zeros (possible after a ReLU) must not divide by zero.
        let mean_square = || values.clone().square().mean().clamp_min(1e-12);
        let divisor = (reduction == Reduction::Relative).then(mean_square);
        Self { values, divisor }
    }

    /// The reduced squared difference, `[1]`. Shapes have been compared before.
    pub(crate) fn distance(&self, values: Tensor<D>) -> Tensor<1> {
        self.reduced((values - self.values.clone()).square())
    }

    /// The reduced squared difference times `weight`, `[1]`, and its derivative with respect to `values`.
    pub(crate) fn evaluate(&self, values: Tensor<D>, weight: f32) -> (Tensor<1>, Tensor<D>) {
        let count = values.shape().num_elements();
        let difference = values - self.values.clone();
        let value = self.reduced(difference.clone().square()).mul_scalar(weight);
        let derivative = difference.mul_scalar(2.0 * weight / count as f32);
        let derivative = match &self.divisor {
            Some(divisor) => derivative / divisor.clone().reshape([1; D]),
            None => derivative,
        };
        (value, derivative)
    }

    fn reduced(&self, squares: Tensor<D>) -> Tensor<1> {
        match &self.divisor {
            Some(divisor) => squares.mean() / divisor.clone(),
            None => squares.mean(),
        }
    }
}
