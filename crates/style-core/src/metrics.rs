//! How near a picture came, in numbers that compare over layers, styles and networks.

use burn::tensor::Tensor;
use serde::Serialize;
use style_format::Layer;

use crate::Error;
use crate::statistics::same_shape;

/// The distance of a picture from its targets.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Per style layer, and region where there are regions, the [`normalised_distance`] of the Gram matrices.
    pub style_distance: Vec<LayerDistance>,
    /// Per content layer the [`normalised_distance`] of the features.
    pub content_distance: Vec<LayerDistance>,
    /// Structural similarity of the luminance of result and content, 1 for equal; `None` without a content. See
    /// [`style_image::ssim`].
    pub ssim: Option<f32>,
}

impl Metrics {
    /// Mean of the style distances over the layers; `None` without a style.
    #[must_use]
    pub fn mean_style_distance(&self) -> Option<f32> {
        mean(&self.style_distance)
    }

    /// Mean of the content distances over the layers; `None` without a content.
    #[must_use]
    pub fn mean_content_distance(&self) -> Option<f32> {
        mean(&self.content_distance)
    }
}

/// The distance at one layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LayerDistance {
    /// The layer.
    pub layer: Layer,
    /// The region it is about, counted from 1; `None` for the whole picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<usize>,
    /// The distance, 0 for equal; see [`normalised_distance`].
    pub distance: f32,
}

fn mean(distances: &[LayerDistance]) -> Option<f32> {
    let sum: f32 = distances.iter().map(|at| at.distance).sum();
    (!distances.is_empty()).then(|| sum / distances.len() as f32)
}

/// `|x - t|^2 / (|x|^2 + |t|^2)`, `[1]`: 0 for equal tensors.
///
/// At most 1 where `x` and `t` have no negative product, as with Gram matrices (positive semi-definite)
/// and features after a ReLU; at most 2 otherwise. Two zeros have distance 0.
///
/// # Shapes
///
/// Two tensors of one shape.
///
/// # Errors
///
/// [`Error::Shape`] when they have not.
pub fn normalised_distance<const D: usize>(x: Tensor<D>, target: Tensor<D>) -> Result<Tensor<1>, Error> {
    same_shape("the tensor", &x, &target)?;
    let norms = x.clone().square().sum() + target.clone().square().sum();
    Ok((x - target).square().sum() / norms.clamp_min(1e-12))
}
