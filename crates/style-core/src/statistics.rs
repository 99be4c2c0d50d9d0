//! Statistics of feature maps over all positions: what style losses compare.

use burn::tensor::{Device, Tensor};

use crate::Error;

/// Mean and Gram matrix of a feature map over its positions.
///
/// With the features `F` as a matrix `[C, M]` (`M = height * width` positions):
/// `mean = F 1 / M` and `gram = F F^T / M`. Both are averages of sums over positions, so statistics of
/// parts of a picture add up to those of the whole, weighted by their positions.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// Mean of every channel, `[batch, C]`.
    pub mean: Tensor<2>,
    /// Gram matrix divided by the number of positions, `[batch, C, C]`.
    pub gram: Tensor<3>,
    /// Number of positions `M`.
    pub positions: usize,
}

impl Statistics {
    /// The statistics of a feature map; differentiable on tracked tensors.
    ///
    /// # Shapes
    ///
    /// `features` is `[batch, C, height, width]`.
    #[must_use]
    pub fn of(features: Tensor<4>) -> Self {
        let [batch, channels, height, width] = features.dims();
        let positions = height * width;
        let flat: Tensor<3> = features.reshape([batch, channels, positions]);
        let mean = flat.clone().mean_dim(2).reshape([batch, channels]);
        Self { mean, gram: gram_of_flat(flat), positions }
    }

    /// The same numbers outside of any autodiff graph.
    #[must_use]
    pub fn without_autodiff(self) -> Self {
        let Self { mean, gram, positions } = self;
        Self { mean: mean.without_autodiff(), gram: gram.without_autodiff(), positions }
    }

    /// The statistics of a blend of styles: `sum_i w_i mean_i` and `sum_i w_i gram_i`, those of all the styles'
    /// positions together. Weights count relative to their sum, which is made 1.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] without parts, and for weights that are negative, not finite or all zero;
    /// [`Error::Shape`] when the parts differ in batch or channels.
    pub fn blend(parts: &[(f32, Self)]) -> Result<Self, Error> {
        let shares = shares(parts.iter().map(|(weight, _)| *weight))?;
        let (mut blend, mut positions) = (None, 0.0);
        for (share, (_, part)) in shares.into_iter().zip(parts) {
            let (mean, gram) = (part.mean.clone().mul_scalar(share), part.gram.clone().mul_scalar(share));
            positions += share * part.positions as f32;
            blend = match blend {
                None => Some((mean, gram)),
                Some((means, grams)) => {
                    same_shape("the Gram matrix of a style", &gram, &grams)?;
                    Some((means + mean, grams + gram))
                }
            };
        }
        let Some((mean, gram)) = blend else { return Err(no_styles()) };
        Ok(Self { mean, gram, positions: positions.round() as usize })
    }

    /// Carries derivatives of the statistics back to the feature map they were taken of:
    /// `dL/dF = ((dL/dG + dL/dG^T) F + dL/dmean 1^T) / M`.
    pub(crate) fn backward(
        features: Tensor<4>,
        gram: Option<Tensor<3>>,
        mean: Option<Tensor<2>>,
    ) -> Option<Tensor<4>> {
        let [batch, channels, height, width] = features.dims();
        let positions = height * width;
        let from_gram = gram.map(|gram| {
            let flat: Tensor<3> = features.clone().reshape([batch, channels, positions]);
            // Scaling the small matrix is cheaper than scaling the map.
            let symmetric = (gram.clone() + gram.transpose()).div_scalar(positions as f32);
            symmetric.matmul(flat).reshape([batch, channels, height, width])
        });
        let from_mean = mean.map(|mean| {
            let per_position: Tensor<4> = mean.div_scalar(positions as f32).reshape([batch, channels, 1, 1]);
            per_position.expand([batch, channels, height, width])
        });
        match (from_gram, from_mean) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        }
    }
}

/// The Gram matrix of a feature map, `G = F F^T / M` with `F` the features as `[C, M]`.
///
/// Entry `(i, j)` is the mean product of channels `i` and `j`: which features occur together, without
/// where. Divided by the number of positions, so that pictures of different sizes compare.
///
/// # Shapes
///
/// `features` `[batch, C, height, width]` to `[batch, C, C]`.
///
/// # Examples
///
/// ```
/// use style_core::{Device, gram_matrix};
/// use burn::tensor::Tensor;
///
/// let device = Device::flex();
/// let features = Tensor::<4>::from_floats([[[[1.0, 2.0]], [[0.0, 4.0]]]], &device); // 2 channels, 2 positions
/// let gram = gram_matrix(features);
/// assert_eq!(gram.try_into_vec_as::<f32>().unwrap(), [2.5, 4.0, 4.0, 8.0]);
/// ```
///
/// # Reference
///
/// Gatys et al. 2016, equation 3, there without the division.
#[must_use]
pub fn gram_matrix(features: Tensor<4>) -> Tensor<3> {
    let [batch, channels, height, width] = features.dims();
    gram_of_flat(features.reshape([batch, channels, height * width]))
}

fn gram_of_flat(flat: Tensor<3>) -> Tensor<3> {
    let positions = flat.dims()[2];
    flat.clone().matmul(flat.transpose()).div_scalar(positions as f32)
}

/// The weights of the parts of a blend divided by their sum.
pub(crate) fn shares(weights: impl Iterator<Item = f32> + Clone) -> Result<Vec<f32>, Error> {
    if let Some(weight) = weights.clone().find(|weight| !weight.is_finite() || *weight < 0.0) {
        return Err(Error::setting("style weight", weight, "0 and more"));
    }
    let sum: f32 = weights.clone().sum();
    if weights.clone().next().is_none() {
        return Err(no_styles());
    }
    if sum == 0.0 || !sum.is_finite() {
        return Err(Error::setting("sum of the style weights", sum, "above 0, and finite"));
    }
    Ok(weights.map(|weight| weight / sum).collect())
}

fn no_styles() -> Error {
    Error::setting("styles", "empty", "at least one style")
}

/// Checks that two tensors have one shape, before Burn would panic.
pub(crate) fn same_shape<const D: usize>(
    what: &'static str,
    found: &Tensor<D>,
    expected: &Tensor<D>,
) -> Result<(), Error> {
    has_shape(what, found, expected.dims())
}

/// Checks that a tensor has the shape of its target, before Burn would panic.
pub(crate) fn has_shape<const D: usize>(
    what: &'static str,
    found: &Tensor<D>,
    expected: [usize; D],
) -> Result<(), Error> {
    if found.dims() == expected {
        return Ok(());
    }
    let expected = format!("{expected:?}, the target's");
    Err(Error::Shape { what, found: found.dims().to_vec(), expected })
}

/// Checks that a tensor is on a device, autodiff or not.
pub(crate) fn same_device<const D: usize>(
    what: &'static str,
    tensor: &Tensor<D>,
    expected: &Device,
) -> Result<(), Error> {
    let found = tensor.device().without_autodiff();
    if found == *expected {
        return Ok(());
    }
    Err(Error::OtherDevice { what, found: format!("{found:?}"), expected: format!("{expected:?}") })
}
