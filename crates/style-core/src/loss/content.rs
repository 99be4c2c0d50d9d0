//! Content: the features of the picture should be those of the photograph.

use burn::tensor::Tensor;

use super::Reduction;
use super::reduction::Target;
use crate::Error;
use crate::statistics::same_shape;

/// Squared difference between two feature maps.
///
/// With the reduction `Mean`: `mean((F - P)^2)`; with `Relative`: `mean((F - P)^2) / mean(P^2)`.
///
/// # Reference
///
/// Gatys et al. 2016, equation 1, there `1/2 sum (F - P)^2`: a sum grows with the picture, a mean does not.
#[derive(Debug, Clone)]
pub struct ContentLoss {
    target: Target<4>,
}

impl ContentLoss {
    /// A loss that is zero at `target` `[batch, C, height, width]`.
    #[must_use]
    pub fn new(target: Tensor<4>, reduction: Reduction) -> Self {
        Self { target: Target::new(target, reduction) }
    }

    /// The loss of a feature map, `[1]`.
    ///
    /// # Shapes
    ///
    /// `features` has the target's shape.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when it has not.
    pub fn forward(&self, features: Tensor<4>) -> Result<Tensor<1>, Error> {
        same_shape("the feature map", &features, &self.target.values)?;
        Ok(self.target.distance(features))
    }

    /// `weight` times the loss of a feature map, `[1]`, and its derivative with respect to the map.
    pub(crate) fn evaluate(&self, features: Tensor<4>, weight: f32) -> Result<(Tensor<1>, Tensor<4>), Error> {
        same_shape("the feature map", &features, &self.target.values)?;
        Ok(self.target.evaluate(features, weight))
    }
}
