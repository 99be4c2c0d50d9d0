//! Total variation: neighbouring pixels should be alike.

use burn::tensor::Tensor;

/// The mean squared difference of neighbouring pixels, across plus down:
/// `mean((x[i, j+1] - x[i, j])^2) + mean((x[i+1, j] - x[i, j])^2)`.
///
/// Means, not sums: the value means the same at every size. Zero for a constant picture.
///
/// # Reference
///
/// A. Mahendran and A. Vedaldi, *Understanding Deep Image Representations by Inverting Them*, CVPR 2015,
/// section 3 with exponent 2, there as a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TotalVariation;

impl TotalVariation {
    /// The total variation, `[1]`.
    ///
    /// # Shapes
    ///
    /// `image` is `[batch, channels, height, width]`; a direction with one pixel adds nothing.
    #[must_use]
    pub fn forward(&self, image: Tensor<4>) -> Tensor<1> {
        let across = |dim: usize| {
            let length = image.dims()[dim];
            (length > 1).then(|| {
                let next = image.clone().narrow(dim, 1, length - 1);
                (next - image.clone().narrow(dim, 0, length - 1)).square().mean()
            })
        };
        match (across(2), across(3)) {
            (Some(down), Some(right)) => down + right,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => image.sum().mul_scalar(0.0),
        }
    }
}
