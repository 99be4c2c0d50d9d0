//! Adam on one tensor.

use burn::tensor::{Device, Tensor};
use style_image::Filter;

use super::{ImageOptimizer, Resumable, rescaled};
use crate::checkpoint::{Kept, count};
use crate::convert::resample;
use crate::statistics::same_shape;
use crate::{Error, Evaluation};

/// Adam: `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
/// `x = x - rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)`.
///
/// `b1 = 0.9`, `eps = 1e-8`, and `b2 = 0.99` instead of the paper's 0.999: a run has a few hundred steps,
/// and the second moment should forget its first, very different gradients within them.
///
/// At another size the moments go on resampled, `m` bicubically, `v` bilinearly and cut at 0, and `t` is kept.
///
/// Losses are not looked at, and nothing is read from the device. Gradients above `1e19` overflow in their squares:
/// the picture stands still where they are. A NaN in the gradient stays in the moments of its pixel, and in the
/// picture, until [`restart`](ImageOptimizer::restart).
///
/// # Reference
///
/// D. P. Kingma and J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015, algorithm 1. The resampling is
/// that of K. Crowson, <https://github.com/crowsonkb/style-transfer-pytorch>.
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

    /// The same with other decay rates of the two moments, 0 to below 1.
    #[must_use]
    pub const fn with_betas(mut self, beta_1: f32, beta_2: f32) -> Self {
        self.beta_1 = beta_1;
        self.beta_2 = beta_2;
        self
    }

    /// The same with another summand of the denominator, above 0, in the unit of the gradient.
    #[must_use]
    pub const fn with_epsilon(mut self, epsilon: f32) -> Self {
        self.epsilon = epsilon;
        self
    }
}

impl ImageOptimizer for Adam {
    fn step(&mut self, image: Tensor<4>, evaluation: Evaluation) -> Result<Tensor<4>, Error> {
        let gradient = evaluation.gradient;
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
        self.steps = self.steps.saturating_add(1);
        let step_size = self.learning_rate / (1.0 - self.beta_1.powi(self.steps));
        let unbias_second = 1.0 / (1.0 - self.beta_2.powi(self.steps));
        let root = second.clone().mul_scalar(unbias_second).sqrt().add_scalar(self.epsilon);
        let change = first.clone().mul_scalar(step_size) / root;
        self.moments = Some((first, second));
        Ok(image - change)
    }

    fn resize(&mut self, size: [usize; 2]) -> Result<(), Error> {
        let Some((first, second)) = &self.moments else { return Ok(()) };
        let first = resample(first.clone(), size, Filter::Bicubic)?;
        let second = resample(second.clone(), size, Filter::Bilinear)?.clamp_min(0.0);
        self.moments = Some((first, second));
        Ok(())
    }

    fn restart(&mut self, factor: f32) {
        self.learning_rate = rescaled(self.learning_rate, factor);
        self.steps = 0;
        self.moments = None;
    }
}

impl Resumable for Adam {
    fn keep(&self, kept: &mut Kept) {
        kept.put_numbers("adam", [f64::from(self.learning_rate), f64::from(self.steps)]);
        if let Some((first, second)) = &self.moments {
            kept.put("adam.first", first);
            kept.put("adam.second", second);
        }
    }

    fn restore(&mut self, kept: &Kept, shape: [usize; 4], device: &Device) -> Result<(), Error> {
        let [learning_rate, steps] = kept.array("adam")?;
        self.learning_rate = learning_rate as f32;
        self.steps = i32::try_from(count("adam", steps)?).unwrap_or(i32::MAX);
        let moment = |name| kept.tensor(name, shape, device);
        self.moments =
            if self.steps > 0 { Some((moment("adam.first")?, moment("adam.second")?)) } else { None };
        Ok(())
    }
}
