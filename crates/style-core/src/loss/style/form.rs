//! Which style loss, as data for settings.

use std::sync::Arc;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::newton_schulz::diagonal;
use super::{GramLoss, GramScale, MeanVarianceLoss, Seen, SlicedWassersteinLoss, StyleLoss, WassersteinLoss};
use crate::convert::read;
use crate::{Error, Statistics};

/// Which style loss: a choice that can be stored.
///
/// As TOML: `{ name = "gram", scale = "relative" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StyleForm {
    /// [`GramLoss`].
    Gram {
        /// The factor of the squared distance.
        #[serde(default)]
        scale: GramScale,
    },
    /// [`MeanVarianceLoss`].
    MeanVariance {
        /// Divided by the mean square of the style's features: about 1 when everything is missing, and comparable
        /// over layers and networks, as [`GramScale::Relative`].
        #[serde(default = "yes")]
        relative: bool,
    },
    /// [`WassersteinLoss`].
    Wasserstein {
        /// Divided by the mean square of the style's features, which is its distance from nothing.
        #[serde(default = "yes")]
        relative: bool,
    },
    /// [`SlicedWassersteinLoss`].
    SlicedWasserstein {
        /// Divided by the mean square of the style's features, which is its distance from nothing.
        #[serde(default = "yes")]
        relative: bool,
    },
}

// Serde takes defaults from functions.
const fn yes() -> bool {
    true
}

impl Default for StyleForm {
    fn default() -> Self {
        Self::Gram { scale: GramScale::default() }
    }
}

impl StyleForm {
    /// Whether the loss looks at feature maps; statistics are enough for the others.
    #[must_use]
    pub const fn needs_features(self) -> bool {
        matches!(self, Self::SlicedWasserstein { .. })
    }

    /// What one layer's loss has to be multiplied with to be relative, from the Gram matrix of its target; 1 for losses
    /// that are what they are, and for [`StyleForm::Gram`], whose scale says it.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the matrix cannot be read.
    pub fn unit(self, gram: &Tensor<3>) -> Result<f32, Error> {
        let relative = match self {
            Self::Gram { .. } => false,
            Self::MeanVariance { relative }
            | Self::Wasserstein { relative }
            | Self::SlicedWasserstein { relative } => relative,
        };
        if !relative {
            return Ok(1.0);
        }
        let mean_square = diagonal(gram.clone()).mean();
        let mean_square = read(mean_square, "measuring a style")?.first().copied().unwrap_or(0.0);
        // A black picture has none.
        Ok(if mean_square > 1e-12 { 1.0 / mean_square } else { 1.0 })
    }

    /// The loss of one layer whose target is the blend of `styles`, with what was seen of each at this layer.
    ///
    /// Weights count relative to their sum. Blended are the statistics, see [`Statistics::blend`], or the quantiles
    /// of [`SlicedWassersteinLoss`]. `seed` is for the losses that draw random numbers; give every layer its own.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] without styles or for unusable weights, [`Error::Shape`] when the styles' channels
    /// differ, [`Error::Unseen`] for the wrong kind of [`Seen`].
    pub fn target(self, styles: Vec<(f32, Seen)>, seed: u64) -> Result<Arc<dyn StyleLoss>, Error> {
        Ok(match self {
            Self::Gram { scale } => Arc::new(GramLoss::new(blend(styles)?, scale)),
            Self::MeanVariance { .. } => Arc::new(MeanVarianceLoss::new(blend(styles)?)),
            Self::Wasserstein { .. } => Arc::new(WassersteinLoss::new(blend(styles)?)),
            Self::SlicedWasserstein { .. } => {
                let map = |(weight, seen): (f32, Seen)| Ok((weight, seen.features()?));
                let maps = styles.into_iter().map(map).collect::<Result<_, Error>>()?;
                Arc::new(SlicedWassersteinLoss::new(maps, seed)?)
            }
        })
    }
}

fn blend(styles: Vec<(f32, Seen)>) -> Result<Statistics, Error> {
    let statistics = |(weight, seen): (f32, Seen)| Ok((weight, seen.statistics()?));
    let styles: Vec<_> = styles.into_iter().map(statistics).collect::<Result<_, Error>>()?;
    Statistics::blend(&styles)
}
