//! The style loss of the paper: a squared distance of Gram matrices.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{Seen, Slope, StyleLoss};
use crate::loss::squares::Squares;
use crate::statistics::same_shape;
use crate::{Error, Statistics};

/// The factor of `|G - A|^2`, the squared Frobenius distance of the Gram matrices of `C` channels.
///
/// Every plain Gram loss in use is one of the last three, times a number that belongs into the layer's weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GramScale {
    /// `|G - A|^2 / |A|^2`: 1 when everything is missing. Comparable over layers, pictures and networks, so that
    /// no layer needs a weight tuned by hand.
    #[default]
    Relative,
    /// `|G - A|^2`.
    Sum,
    /// `|G - A|^2 / C^2`: the mean over the entries. Four times the `E_l` of the paper.
    #[serde(rename = "channels-2")]
    Channels2,
    /// `|G - A|^2 / C^4`: the mean over the entries of matrices divided by `C` as well, as many programs have it.
    /// A layer of 512 channels counts 4096 times less against one of 64 than with [`GramScale::Sum`].
    #[serde(rename = "channels-4")]
    Channels4,
}

/// Squared difference between the Gram matrices of one layer, times the factor of a [`GramScale`]. Of a batch:
/// the mean over its pictures, or the ratio of the means.
///
/// # Reference
///
/// Gatys et al. 2016, equations 3 to 5.
///
/// # Examples
///
/// ```
/// use burn::tensor::Tensor;
/// use style_core::{Device, GramLoss, GramScale, Statistics, StyleLoss};
///
/// let device = Device::flex();
/// let painting = Tensor::<4>::from_floats([[[[1.0, 2.0]]]], &device);
/// let loss = GramLoss::new(Statistics::of(painting), GramScale::Sum);
///
/// // Usable in a graph of Burn's autodiff: here with the picture's features as the leaf.
/// let features = Tensor::<4>::from_floats([[[[2.0, 2.0]]]], &device).autodiff().require_grad();
/// let value = loss.forward(Statistics::of(features.clone()).into())?; // (4 - 2.5)^2
/// let gradient = features.grad(&value.backward()).unwrap();
/// assert_eq!(gradient.try_into_vec_as::<f32>().unwrap(), [6.0, 6.0]);
/// # Ok::<(), style_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct GramLoss {
    squares: Squares<3>,
}

impl GramLoss {
    /// A loss that is zero where the Gram matrix is that of `target`.
    #[must_use]
    pub fn new(target: Statistics, scale: GramScale) -> Self {
        let [batch, channels, _] = target.gram.dims();
        let channels = channels as f32;
        let divisor = match scale {
            GramScale::Relative => return Self { squares: Squares::relative(target.gram) },
            GramScale::Sum => 1.0,
            GramScale::Channels2 => channels.powi(2),
            GramScale::Channels4 => channels.powi(4),
        };
        Self { squares: Squares::new(target.gram, 1.0 / (divisor * batch as f32)) }
    }

    fn gram_of(&self, seen: Seen) -> Result<Tensor<3>, Error> {
        let gram = seen.statistics()?.gram;
        same_shape("the Gram matrix", &gram, &self.squares.target)?;
        Ok(gram)
    }
}

impl StyleLoss for GramLoss {
    fn forward(&self, seen: Seen) -> Result<Tensor<1>, Error> {
        Ok(self.squares.distance(self.gram_of(seen)?))
    }

    fn evaluate(&self, seen: Seen, weight: f32) -> Result<(Tensor<1>, Slope), Error> {
        let gram = self.gram_of(seen)?.without_autodiff();
        let (value, derivative) = self.squares.evaluate(gram, weight);
        Ok((value, Slope { gram: Some(derivative), ..Slope::default() }))
    }
}
