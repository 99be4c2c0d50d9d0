//! Optimisers of one tensor: the picture.

mod adam;
mod lbfgs;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

pub use adam::Adam;
pub use lbfgs::Lbfgs;

use crate::Error;

/// Moves a picture along the gradient of a loss.
pub trait ImageOptimizer {
    /// One update: the next picture from the present one and the loss's gradient there.
    ///
    /// # Shapes
    ///
    /// Both `[1, 3, height, width]`, the same at every call.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when the shapes differ, [`Error::Device`] when a number that the update depends on cannot be read.
    fn step(&mut self, image: Tensor<4>, gradient: Tensor<4>) -> Result<Tensor<4>, Error>;
}

/// Which optimiser a run uses, with its constants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "name")]
pub enum Optimizer {
    /// See [`Adam`].
    Adam {
        /// Step size, in units of the pixel range `[0, 1]`; above 0.
        learning_rate: f32,
    },
    /// See [`Lbfgs`].
    Lbfgs {
        /// Factor of the quasi-Newton step; above 0, usually 1.
        learning_rate: f32,
        /// How many past steps are remembered; 1 to 100.
        history: usize,
    },
}

impl Optimizer {
    /// Adam with the learning rate that suits pictures in `[0, 1]`.
    pub const ADAM: Self = Self::Adam { learning_rate: 0.03 };
    /// L-BFGS with unit steps and ten remembered ones.
    pub const LBFGS: Self = Self::Lbfgs { learning_rate: 1.0, history: 10 };

    /// A fresh optimiser.
    #[must_use]
    pub fn init(self) -> Box<dyn ImageOptimizer> {
        match self {
            Self::Adam { learning_rate } => Box::new(Adam::new(learning_rate)),
            Self::Lbfgs { learning_rate, history } => Box::new(Lbfgs::new(learning_rate, history)),
        }
    }

    /// The learning rate, whichever optimiser it is.
    #[must_use]
    pub const fn learning_rate(self) -> f32 {
        match self {
            Self::Adam { learning_rate } | Self::Lbfgs { learning_rate, .. } => learning_rate,
        }
    }

    pub(crate) fn validate(self) -> Result<(), Error> {
        let rate = self.learning_rate();
        if !(rate > 0.0 && rate <= 1000.0) {
            return Err(Error::setting("learning_rate", rate, "above 0, at most 1000"));
        }
        match self {
            Self::Lbfgs { history, .. } if !(1..=100).contains(&history) => {
                Err(Error::setting("history", history, "1 to 100"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
