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
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Times {
    /// Checking, resizing and computing the targets of all scales.
    pub preparation: f64,
    /// All steps.
    pub steps: f64,
    /// Metrics and reading the picture back.
    pub finish: f64,
}

impl Times {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.preparation + self.steps + self.finish
    }
}

/// The steps of one scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ScaleRun {
    /// Width of the picture, px.
    pub width: usize,
    /// Height of the picture, px.
    pub height: usize,
    /// Index of its first entry in [`Outcome::history`].
    pub first: usize,
    /// Number of its steps there.
    pub steps: usize,
}

/// The result of a run: the picture, and all that was measured on the way.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub(super) image: Image,
    pub(super) settings: Settings,
    pub(super) terms: Vec<Term>,
    pub(super) history: Vec<Losses>,
    pub(super) seconds: Vec<f64>,
    pub(super) scales: Vec<ScaleRun>,
    pub(super) metrics: Metrics,
    pub(super) times: Times,
    pub(super) stopped: bool,
    pub(super) recoveries: usize,
    pub(super) peak_memory: Option<u64>,
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

    /// Seconds since the first step began at which each of the [`history`](Self::history) was asked for.
    #[must_use]
    pub fn seconds(&self) -> &[f64] {
        &self.seconds
    }

    /// The scales that the run went through, from coarse to fine. Losses compare within a scale only.
    #[must_use]
    pub fn scales(&self) -> &[ScaleRun] {
        &self.scales
    }

    /// How often the run went back to its best picture because something was not finite.
    #[must_use]
    pub const fn recoveries(&self) -> usize {
        self.recoveries
    }

    /// Most memory that the process has had so far, bytes; `None` where the system does not say it.
    #[must_use]
    pub const fn peak_memory(&self) -> Option<u64> {
        self.peak_memory
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

    /// Number of updates that were made, without those that were taken back.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.history.len().saturating_sub(1)
    }

    /// Whether the observer or a [`CancelToken`](crate::CancelToken) ended the run.
    #[must_use]
    pub const fn stopped(&self) -> bool {
        self.stopped
    }
}
