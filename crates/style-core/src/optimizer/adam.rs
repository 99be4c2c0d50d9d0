//! Adam on one tensor.

use burn::tensor::Tensor;

use super::ImageOptimizer;
use crate::Error;
use crate::statistics::same_shape;

/// Adam: `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
/// `x = x - rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)`.
///
/// `b1 = 0.9`, `eps = 1e-8`, and `b2 = 0.99` instead of the paper's 0.999: a run has a few hundred steps,
/// and the second moment should forget its first, very different gradients within them.
///
/// # Reference
///
/// D. P. Kingma and J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015, algorithm 1.
#[derive(Debug, Clone)]
pub struct Adam {
    learning_rate: f32,
    beta_1: f32,
    beta_2: f32,
    epsilon: f32,
    steps: i32,
    moments: Option<(Tensor<4>, Tensor<4>)>,
}

impl Adam {
    /// Adam with a step size in units of the pixel range.
    #[must_use]
    pub const fn new(learning_rate: f32) -> Self {
        Self { learning_rate, beta_1: 0.9, beta_2: 0.99, epsilon: 1e-8, steps: 0, moments: None }
    }

    /// The same with other decay rates of the two moments.
    #[must_use]
    pub const fn with_betas(mut self, beta_1: f32, beta_2: f32) -> Self {
        self.beta_1 = beta_1;
        self.beta_2 = beta_2;
        self
    }
}

impl ImageOptimizer for Adam {
    fn step(&mut self, image: Tensor<4>, gradient: Tensor<4>) -> Result<Tensor<4>, Error> {
        same_shape("the gradient", &gradient, &image)?;
        if let Some((first, _)) = &self.moments {
            same_shape("the gradient", &gradient, first)?;
        }
        let fresh_first = gradient.clone().mul_scalar(1.0 - self.beta_1);
        let fresh_second = gradient.square().mul_scalar(1.0 - self.beta_2);
        let (first, second) = match self.moments.take() {
            None => (fresh_first, fresh_second),
            Some((first, second)) => {
                (first.mul_scalar(self.beta_1) + fresh_first, second.mul_scalar(self.beta_2) + fresh_second)
            }
        };
        self.steps += 1;
        let step_size = self.learning_rate / (1.0 - self.beta_1.powi(self.steps));
        let unbias_second = 1.0 / (1.0 - self.beta_2.powi(self.steps));
        let root = second.clone().mul_scalar(unbias_second).sqrt().add_scalar(self.epsilon);
        let change = first.clone().mul_scalar(step_size) / root;
        self.moments = Some((first, second));
        Ok(image - change)
    }
}
