//! What an observer sees.

use std::fmt;
use std::time::Duration;

use burn::tensor::Tensor;
use style_image::Image;

use super::Losses;
use crate::{Error, tensor_to_image};

/// One finished step of a run.
#[derive(Debug)]
pub struct Step<'a> {
    /// Number of the step, from 1.
    pub index: usize,
    /// Number of steps in the run.
    pub steps: usize,
    /// The losses before the step's update.
    pub losses: &'a Losses,
    /// Time since the first step began.
    pub elapsed: Duration,
    pub(super) image: &'a Tensor<4>,
}

impl Step<'_> {
    /// The picture after the step, read from the device.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when it cannot be read.
    pub fn image(&self) -> Result<Image, Error> {
        tensor_to_image(self.image.clone())
    }

    /// Time that the remaining steps will need, going by the ones so far.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.elapsed.mul_f64((self.steps - self.index) as f64 / self.index.max(1) as f64)
    }
}

impl fmt::Display for Step<'_> {
    /// `step 12 of 200: loss 0.0312, 5 s, 78 s left`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "step {} of {}: loss {:.4}, {:.0} s, {:.0} s left",
            self.index,
            self.steps,
            self.losses.total(),
            self.elapsed.as_secs_f64(),
            self.remaining().as_secs_f64()
        )
    }
}
