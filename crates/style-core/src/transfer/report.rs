//! What a run can publish about itself.

use serde::Serialize;

use super::{Losses, Outcome, ScaleRun, Settings, Times};
use crate::{Metrics, ModelDescription, Term, Vgg};

/// Everything about a run but its pictures: the model, the settings, the losses, the metrics, the times.
///
/// Serialise it with serde (JSON) to publish it beside the picture.
#[derive(Debug, Clone, Serialize)]
pub struct Report<'a> {
    /// Name and version of this library.
    pub made_by: &'static str,
    /// The network.
    pub model: ModelDescription,
    /// Where it ran, in Burn's words.
    pub device: String,
    /// Width of the result, px.
    pub width: usize,
    /// Height of the result, px.
    pub height: usize,
    /// The settings that were in force.
    pub settings: &'a Settings,
    /// Number of updates that were made.
    pub steps: usize,
    /// Whether the run was ended from outside.
    pub stopped: bool,
    /// How often the run went back to its best picture because something was not finite.
    pub recoveries: usize,
    /// Most memory that the process has had, bytes.
    pub peak_memory: Option<u64>,
    /// The scales, from coarse to fine; losses compare within one only.
    pub scales: &'a [ScaleRun],
    /// The objective before the first step of the last scale, and at the result.
    pub loss: [f32; 2],
    /// Names of the terms of the objective.
    pub terms: &'a [Term],
    /// Every term, times its weight, before every step and after the last.
    pub losses: &'a [Losses],
    /// Seconds since the first step began, for each of the losses.
    pub seconds: &'a [f64],
    /// How near the picture came to its targets.
    pub metrics: &'a Metrics,
    /// Where the time went, seconds.
    pub times: Times,
}

impl Outcome {
    /// The report of this run, which was made with `vgg`.
    #[must_use]
    pub fn report(&self, vgg: &Vgg) -> Report<'_> {
        let used = self.settings.configure(vgg);
        let at = |losses: Option<&Losses>| losses.map_or(f32::NAN, Losses::total);
        Report {
            made_by: concat!("style-transfer ", env!("CARGO_PKG_VERSION")),
            model: used.describe(),
            device: format!("{:?}", vgg.device()),
            width: self.image.width(),
            height: self.image.height(),
            settings: &self.settings,
            steps: self.steps(),
            stopped: self.stopped,
            recoveries: self.recoveries,
            peak_memory: self.peak_memory,
            scales: &self.scales,
            loss: [
                at(self.scales.last().and_then(|scale| self.history.get(scale.first))),
                at(self.history.last()),
            ],
            terms: &self.terms,
            losses: &self.history,
            seconds: &self.seconds,
            metrics: &self.metrics,
            times: self.times,
        }
    }
}
