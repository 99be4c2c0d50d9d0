//! Style: the statistics of the picture's features should be those of the painting.

use burn::tensor::Tensor;

use super::Reduction;
use super::reduction::Target;
use crate::statistics::same_shape;
use crate::{Error, Statistics};

/// Squared difference between two Gram matrices of one layer.
///
/// With the reduction `Mean`: `mean((G - A)^2)` over the `C^2` entries; with `Relative`:
/// `|G - A|^2 / |A|^2`, Frobenius norms.
///
/// # Reference
///
/// Gatys et al. 2016, equations 3 to 5. Their `E_l` is a quarter of the `Mean` form: a constant that
/// belongs into the layer's weight.
#[derive(Debug, Clone)]
pub struct StyleLoss {
    target: Target<3>,
}

impl StyleLoss {
    /// A loss that is zero where the Gram matrix is that of `target`.
    #[must_use]
    pub fn new(target: Statistics, reduction: Reduction) -> Self {
        Self { target: Target::new(target.gram, reduction) }
    }

    /// The loss of a Gram matrix, `[1]`.
    ///
    /// # Shapes
    ///
    /// `gram` is `[batch, C, C]`, as the target's.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when it is not.
    ///
    /// # Examples
    ///
    /// ```
    /// use burn::tensor::Tensor;
    /// use style_core::{Device, Reduction, Statistics, StyleLoss, gram_matrix};
    ///
    /// let device = Device::flex();
    /// let painting = Tensor::<4>::from_floats([[[[1.0, 2.0]]]], &device);
    /// let loss = StyleLoss::new(Statistics::of(painting), Reduction::Mean);
    ///
    /// // Usable in a graph of Burn's autodiff: here with the picture's features as the leaf.
    /// let features = Tensor::<4>::from_floats([[[[2.0, 2.0]]]], &device).autodiff().require_grad();
    /// let value = loss.forward(gram_matrix(features.clone()))?; // (4 - 2.5)^2
    /// let gradient = features.grad(&value.backward()).unwrap();
    /// assert_eq!(gradient.try_into_vec_as::<f32>().unwrap(), [6.0, 6.0]);
    /// # Ok::<(), style_core::Error>(())
    /// ```
    pub fn forward(&self, gram: Tensor<3>) -> Result<Tensor<1>, Error> {
        same_shape("the Gram matrix", &gram, &self.target.values)?;
        Ok(self.target.distance(gram))
    }

    /// `weight` times the loss of a Gram matrix, `[1]`, and its derivative with respect to the matrix.
    pub(crate) fn evaluate(&self, gram: Tensor<3>, weight: f32) -> Result<(Tensor<1>, Tensor<3>), Error> {
        same_shape("the Gram matrix", &gram, &self.target.values)?;
        Ok(self.target.evaluate(gram, weight))
    }
}
