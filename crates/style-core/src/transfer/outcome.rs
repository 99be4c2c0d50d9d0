//! What comes out of a run.

use serde::Serialize;
use style_image::Image;

use super::Settings;
use crate::{Metrics, Term};

/// The losses at one picture, each times its weight, in the order of [`Outcome::terms`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Losses(pub Vec<f32>);

impl Losses {
    /// The objective: the sum of all terms.
    #[must_use]
    pub fn total(&self) -> f32 {
        self.0.iter().sum()
    }
}

/// Where the time went, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    /// Checking, resizing and computing the targets.
    pub preparation: f64,
    /// All steps.
    pub steps: f64,
    /// Metrics and reading the picture back.
    pub finish: f64,
}

/// The result of a run: the picture, and all that was measured on the way.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub(super) image: Image,
    pub(super) settings: Settings,
    pub(super) terms: Vec<Term>,
    pub(super) history: Vec<Losses>,
    pub(super) metrics: Metrics,
    pub(super) times: Times,
    pub(super) stopped: bool,
}

impl Outcome {
    /// The picture.
    #[must_use]
    pub const fn image(&self) -> &Image {
        &self.image
    }

    /// The picture alone.
    #[must_use]
    pub fn into_image(self) -> Image {
        self.image
    }

    /// The settings that were in force.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The terms of the objective, in the order of every [`Losses`].
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The losses before every step, and last those of the resulting picture: one more than steps.
    #[must_use]
    pub fn history(&self) -> &[Losses] {
        &self.history
    }

    /// How near the picture came to its targets.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Where the time went.
    #[must_use]
    pub const fn times(&self) -> Times {
        self.times
    }

    /// Number of updates that were made.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.history.len().saturating_sub(1)
    }

    /// Whether the observer ended the run.
    #[must_use]
    pub const fn stopped(&self) -> bool {
        self.stopped
    }
}
