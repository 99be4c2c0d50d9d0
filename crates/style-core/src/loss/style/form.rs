//! Which style loss, as data for settings.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{GramLoss, GramScale, MeanVarianceLoss, Seen, SlicedWassersteinLoss, StyleLoss, WassersteinLoss};
use crate::{Error, Statistics};

/// Which style loss: a choice that can be stored.
///
/// As TOML: `{ name = "gram", scale = "relative" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum StyleForm {
    /// [`GramLoss`].
    Gram {
        /// The factor of the squared distance.
        #[serde(default)]
        scale: GramScale,
    },
    /// [`MeanVarianceLoss`].
    MeanVariance,
    /// [`WassersteinLoss`].
    Wasserstein,
    /// [`SlicedWassersteinLoss`].
    SlicedWasserstein,
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
        matches!(self, Self::SlicedWasserstein)
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
            Self::MeanVariance => Arc::new(MeanVarianceLoss::new(blend(styles)?)),
            Self::Wasserstein => Arc::new(WassersteinLoss::new(blend(styles)?)),
            Self::SlicedWasserstein => {
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
