//! Content: the features of the picture should be those of the photograph.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::squares::Squares;
use crate::Error;
use crate::statistics::same_shape;

/// How the differences `d = F - P` between a feature map and its target become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentForm {
    /// `mean(d^2)`: means the same at every size.
    Mean,
    /// `1/2 sum(d^2)`, as in the paper: grows with the picture.
    HalfSum,
    /// `mean(d^2) / mean(P^2)`: 1 when everything is missing. Comparable over layers, pictures and networks.
    #[default]
    Relative,
    /// `sum(d^2) / (sum|d| + 1e-8)`: the derivative's absolute sum is about 1, far from the target as near to it.
    Scaled,
}

/// Squared difference between two feature maps.
///
/// # Reference
///
/// Gatys et al. 2016, equation 1 ([`ContentForm::HalfSum`]); K. Crowson, *style-transfer-pytorch*, 2021
/// ([`ContentForm::Scaled`]).
#[derive(Debug, Clone)]
pub struct ContentLoss {
    form: ContentForm,
    squares: Squares<4>,
}

impl ContentLoss {
    /// A loss that is zero at `target` `[batch, C, height, width]`.
    #[must_use]
    pub fn new(target: Tensor<4>, form: ContentForm) -> Self {
        let count = target.shape().num_elements() as f32;
        let squares = match form {
            ContentForm::Mean => Squares::new(target, 1.0 / count),
            ContentForm::HalfSum => Squares::new(target, 0.5),
            ContentForm::Relative => Squares::relative(target),
            ContentForm::Scaled => Squares::new(target, 1.0),
        };
        Self { form, squares }
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
        same_shape("the feature map", &features, &self.squares.target)?;
        if self.form == ContentForm::Scaled {
            let divisor = divisor(features.clone() - self.squares.target.clone());
            return Ok(self.squares.distance(features) / divisor);
        }
        Ok(self.squares.distance(features))
    }

    /// `weight` times the loss of a feature map, `[1]`, and its derivative with respect to the map.
    ///
    /// # Errors
    ///
    /// As [`forward`](Self::forward).
    pub fn evaluate(&self, features: Tensor<4>, weight: f32) -> Result<(Tensor<1>, Tensor<4>), Error> {
        same_shape("the feature map", &features, &self.squares.target)?;
        let features = features.without_autodiff();
        if self.form != ContentForm::Scaled {
            return Ok(self.squares.evaluate(features, weight));
        }
        // d/dd (s / a) = (2 d - (s / a) sign(d)) / a, with s = sum d^2 and a = sum|d| + 1e-8.
        let difference = features - self.squares.target.clone();
        let divisor = divisor(difference.clone());
        let value = difference.clone().square().sum() / divisor.clone();
        let pull = value.clone().reshape([1; 4]) * difference.clone().sign();
        let derivative = (difference.mul_scalar(2.0) - pull) / divisor.reshape([1; 4]);
        Ok((value.mul_scalar(weight), derivative.mul_scalar(weight)))
    }
}

/// `sum|d| + 1e-8`, `[1]`: not zero at the target.
fn divisor(difference: Tensor<4>) -> Tensor<1> {
    difference.abs().sum().add_scalar(1e-8)
}
