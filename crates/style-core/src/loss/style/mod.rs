//! Style: the statistics of the picture's features should be those of the painting.

use std::fmt;
use std::sync::Arc;

use burn::tensor::Tensor;

use crate::{Error, Statistics};

mod form;
mod gram;
mod mean_variance;
mod newton_schulz;
mod sliced;
mod wasserstein;

pub use form::StyleForm;
pub use gram::{GramLoss, GramScale};
pub use mean_variance::MeanVarianceLoss;
pub use sliced::SlicedWassersteinLoss;
pub use wasserstein::WassersteinLoss;

/// What a style loss sees of one layer.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "tensors are handles, and one of these lives as long as a call"
)]
pub enum Seen {
    /// Mean and Gram matrix of the features.
    Statistics(Statistics),
    /// The feature map itself, `[batch, C, height, width]`.
    Features(Tensor<4>),
}

/// Derivatives of a loss with respect to what it saw; `None` where it did not look.
#[derive(Debug, Clone, Default)]
pub struct Slope {
    /// With respect to the means, `[batch, C]`.
    pub mean: Option<Tensor<2>>,
    /// With respect to the Gram matrix, `[batch, C, C]`.
    pub gram: Option<Tensor<3>>,
    /// With respect to the feature map, `[batch, C, height, width]`.
    pub features: Option<Tensor<4>>,
}

/// A style loss of one layer: a number that is zero where the picture's features look like the painting's.
///
/// [`StyleForm`] makes those of this crate; others can be written against this trait, for which `forward` is
/// enough.
pub trait StyleLoss: fmt::Debug + Send + Sync {
    /// Whether it wants the feature map itself; most do with statistics, which are smaller.
    fn needs_features(&self) -> bool {
        false
    }

    /// The loss, `[1]`, in Burn operations: differentiable in anybody's graph.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] for another shape than the target's, [`Error::Unseen`] for the wrong kind of [`Seen`].
    fn forward(&self, seen: Seen) -> Result<Tensor<1>, Error>;

    /// `weight` times the loss, `[1]`, and its derivative with respect to what it saw. Any graph that this is in
    /// ends here.
    ///
    /// As provided: Burn's autodiff over [`forward`](Self::forward) alone, with what was seen as leaves.
    ///
    /// # Errors
    ///
    /// Those of [`forward`](Self::forward).
    fn evaluate(&self, seen: Seen, weight: f32) -> Result<(Tensor<1>, Slope), Error> {
        let leaves = seen.as_leaves();
        let loss = self.forward(leaves.clone())?.mul_scalar(weight);
        if !loss.is_tracked() {
            // It does not depend on what it saw.
            return Ok((loss.without_autodiff(), Slope::default()));
        }
        let gradients = loss.backward();
        let slope = match leaves {
            Seen::Statistics(Statistics { mean, gram, .. }) => {
                Slope { mean: mean.grad(&gradients), gram: gram.grad(&gradients), features: None }
            }
            Seen::Features(features) => Slope { features: features.grad(&gradients), ..Slope::default() },
        };
        Ok((loss.without_autodiff(), slope))
    }

    /// An outer step begins: losses that look at something else in every step choose it now, from the number of
    /// the step, so that the same step looks at the same. The others ignore it.
    fn begin_step(&self, step: u64) {
        let _ = step;
    }
}

impl<L: StyleLoss + ?Sized> StyleLoss for Arc<L> {
    fn needs_features(&self) -> bool {
        self.as_ref().needs_features()
    }

    fn forward(&self, seen: Seen) -> Result<Tensor<1>, Error> {
        self.as_ref().forward(seen)
    }

    fn evaluate(&self, seen: Seen, weight: f32) -> Result<(Tensor<1>, Slope), Error> {
        self.as_ref().evaluate(seen, weight)
    }

    fn begin_step(&self, step: u64) {
        self.as_ref().begin_step(step);
    }
}

impl Seen {
    /// The statistics, for a loss that looks at these.
    ///
    /// # Errors
    ///
    /// [`Error::Unseen`] for a feature map.
    pub fn statistics(self) -> Result<Statistics, Error> {
        match self {
            Self::Statistics(statistics) => Ok(statistics),
            Self::Features(_) => Err(Error::Unseen { wanted: "statistics", found: "a feature map" }),
        }
    }

    /// The feature map, for a loss that looks at this.
    ///
    /// # Errors
    ///
    /// [`Error::Unseen`] for statistics.
    pub fn features(self) -> Result<Tensor<4>, Error> {
        match self {
            Self::Features(features) => Ok(features),
            Self::Statistics(_) => Err(Error::Unseen { wanted: "a feature map", found: "statistics" }),
        }
    }

    /// Out of whatever graph it is in, and tracked as leaves of a new one.
    fn as_leaves(&self) -> Self {
        fn leaf<const D: usize>(tensor: &Tensor<D>) -> Tensor<D> {
            tensor.clone().without_autodiff().autodiff().require_grad()
        }
        match self {
            Self::Statistics(Statistics { mean, gram, positions }) => {
                Self::Statistics(Statistics { mean: leaf(mean), gram: leaf(gram), positions: *positions })
            }
            Self::Features(features) => Self::Features(leaf(features)),
        }
    }
}

impl From<Statistics> for Seen {
    fn from(statistics: Statistics) -> Self {
        Self::Statistics(statistics)
    }
}

impl From<Tensor<4>> for Seen {
    fn from(features: Tensor<4>) -> Self {
        Self::Features(features)
    }
}

#[cfg(test)]
mod tests;
