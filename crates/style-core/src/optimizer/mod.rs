//! Optimisers of one tensor: the picture.

mod adam;
mod average;
mod choice;
mod history;
mod lbfgs;
mod search;
mod wolfe;

use burn::tensor::{Device, Tensor};

pub use adam::Adam;
pub use average::Average;
pub use choice::{LineSearch, Optimizer};
pub use lbfgs::Lbfgs;

use crate::checkpoint::Kept;
use crate::{Error, Evaluation};

/// Moves a picture along the gradient of an objective.
///
/// One call is one evaluation, ask and tell: told what the objective is at a picture, the optimiser answers with
/// the picture at which it wants to know it next. The caller may change that picture before, by clamping it.
///
/// # NaN
///
/// A NaN in the gradient is not looked for, which would take a read from the device: it goes into the answered
/// picture (and stays in Adam's moments), so that the next loss is NaN and tells. From there only a finite
/// picture after [`restart`](Self::restart) helps. [`Lbfgs`] with [`LineSearch::StrongWolfe`] reads what it needs
/// to know anyway, and goes back by itself.
pub trait ImageOptimizer: Send {
    /// One update: the next picture from the present one and the objective evaluated there.
    ///
    /// # Shapes
    ///
    /// The picture and the gradient are `[1, 3, height, width]`, the same at every call up to a
    /// [`resize`](Self::resize).
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when the shapes differ, [`Error::Device`] when a number that the update depends on cannot be read.
    fn step(&mut self, image: Tensor<4>, evaluation: Evaluation) -> Result<Tensor<4>, Error>;

    /// The picture goes on at another size `[height, width]`, px: what is remembered is resampled or dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] for a size without pixels, [`Error::Device`] when what is to be resampled cannot be read.
    fn resize(&mut self, size: [usize; 2]) -> Result<(), Error>;

    /// Forgets everything, and makes all further steps `factor` times as long (after a divergence: 0.5).
    ///
    /// A factor that is not above 0 and finite counts as 1.
    fn restart(&mut self, factor: f32);
}

/// An optimiser whose state a checkpoint can hold.
pub(crate) trait Resumable: ImageOptimizer {
    /// Adds what it remembers.
    fn keep(&self, kept: &mut Kept);

    /// Goes on from what an optimiser of the same settings remembered, for pictures of this shape.
    fn restore(&mut self, kept: &Kept, shape: [usize; 4], device: &Device) -> Result<(), Error>;
}

/// The learning rate after [`ImageOptimizer::restart`].
fn rescaled(learning_rate: f32, factor: f32) -> f32 {
    if factor > 0.0 && factor.is_finite() { learning_rate * factor } else { learning_rate }
}

#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod tests;
