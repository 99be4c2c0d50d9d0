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
        let terms = DIRECTIONS.into_iter().filter_map(|dim| Some(differences(&image, dim)?.square().mean()));
        terms.reduce(|down, right| down + right).unwrap_or_else(|| image.sum().mul_scalar(0.0))
    }

    /// `weight` times the total variation, `[1]`, and its gradient with respect to the picture.
    pub(crate) fn evaluate(image: Tensor<4>, weight: f32) -> (Tensor<1>, Tensor<4>) {
        let terms = DIRECTIONS.into_iter().filter_map(|dim| {
            let differences = differences(&image, dim)?;
            let value = differences.clone().square().mean().mul_scalar(weight);
            let count = differences.shape().num_elements();
            // A pixel is the end of one difference and the start of the next.
            let border = image.clone().narrow(dim, 0, 1).zeros_like();
            let ends = Tensor::cat(vec![border.clone(), differences.clone()], dim);
            let starts = Tensor::cat(vec![differences, border], dim);
            Some((value, (ends - starts).mul_scalar(2.0 * weight / count as f32)))
        });
        let both = terms.reduce(|down, right| (down.0 + right.0, down.1 + right.1));
        both.unwrap_or_else(|| (image.clone().sum().mul_scalar(0.0), image.zeros_like()))
    }
}

/// Down and right.
const DIRECTIONS: [usize; 2] = [2, 3];

/// Every pixel less the one before it; `None` where there is one only.
fn differences(image: &Tensor<4>, dim: usize) -> Option<Tensor<4>> {
    let length = image.dims()[dim];
    (length > 1).then(|| image.clone().narrow(dim, 1, length - 1) - image.clone().narrow(dim, 0, length - 1))
}
