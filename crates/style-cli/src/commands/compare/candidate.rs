//! One picture of the sheet, before and after it is made.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};
use style_transfer::{Error, Image, Metrics, Outcome, StyleTransfer};

use crate::commands::missing;
use crate::failure::{Failure, Result};
use crate::inputs::{Inputs, Reader};
use crate::machine::Machine;
use crate::recipe::{Recipe, Settled};
use crate::signals;
use crate::terminal::{Steps, duration};

/// The pictures of all runs, each opened once.
pub(super) struct Opened {
    inputs: Inputs,
    /// Those that runs start at.
    inits: BTreeMap<PathBuf, Image>,
}

impl Opened {
    pub(super) fn new(candidates: &[Candidate], reader: &Reader) -> Result<Self> {
        let Some(first) = candidates.first() else {
            return Ok(Self { inputs: Inputs::default(), inits: BTreeMap::new() });
        };
        let inputs = Inputs::open(&Recipe { init: None, ..first.settled.recipe.clone() }, reader)?;
        let mut inits = BTreeMap::new();
        for path in candidates.iter().filter_map(|candidate| candidate.settled.recipe.init.as_ref()) {
            if !inits.contains_key(path) {
                inits.insert(path.clone(), reader.picture(path)?.image);
            }
        }
        Ok(Self { inputs, inits })
    }

    /// The pictures as a run sees them: where it starts and how large the brushes are may vary.
    pub(super) fn of(&mut self, recipe: &Recipe) -> &Inputs {
        self.inputs.init = recipe.init.as_ref().and_then(|path| self.inits.get(path)).cloned();
        for (open, style) in self.inputs.styles.iter_mut().zip(&recipe.styles) {
            open.scale = style.scale;
        }
        &self.inputs
    }
}

/// A picture that shall be made.
pub(super) struct Candidate {
    /// A line for each option that varies.
    pub(super) labels: Vec<String>,
    pub(super) settled: Settled,
}

/// A picture that was made.
pub(super) struct Made {
    /// As it stands on the sheet.
    pub(super) picture: Image,
    /// What was measured of it, in words.
    pub(super) measured: String,
    /// The same as numbers; `None` of a run that diverged.
    pub(super) metrics: Option<Metrics>,
    pub(super) seconds: f64,
    /// Its entry in the report.
    pub(super) entry: Value,
}

impl Candidate {
    /// Makes the picture, with a long side of at most `cell` px on the sheet, and tells `steps` of every step.
    pub(super) fn make(
        &self,
        inputs: &Inputs,
        machine: &Machine,
        cell: usize,
        steps: Option<&mut Steps>,
    ) -> Result<Made> {
        let began = Instant::now();
        let transfer = StyleTransfer::new(&machine.vgg).settings(self.settled.settings.clone());
        let transfer = inputs.furnish(transfer).cancel_with(&signals::token());
        // Losses are read for whoever listens, and for nobody else.
        let transfer = match steps {
            Some(steps) => transfer.on_step(|step| {
                steps.tell(step);
                ControlFlow::Continue(())
            }),
            None => transfer,
        };
        let Some(content) = &inputs.content else {
            return Err(missing("photograph", "style compare --help"));
        };
        let (picture, outcome) = match transfer.run(content) {
            Ok(outcome) => (outcome.image().clone(), Some(outcome)),
            Err(error) => (best_of(error)?, None),
        };
        let seconds = began.elapsed().as_secs_f64();
        let entry = self.entry(&picture, outcome.as_ref(), seconds);
        let long = picture.width().max(picture.height());
        let picture = if long > cell { picture.resized_to_long_side(cell)? } else { picture };
        let metrics = outcome.as_ref().map(|outcome| outcome.metrics().clone());
        Ok(Made { picture, measured: measured(metrics.as_ref()), metrics, seconds, entry })
    }

    fn entry(&self, picture: &Image, outcome: Option<&Outcome>, seconds: f64) -> Value {
        json!({
            "labels": self.labels,
            "recipe": self.settled.recipe,
            "width": picture.width(),
            "height": picture.height(),
            "seconds": seconds,
            "diverged": outcome.is_none(),
            "loss": outcome.and_then(|outcome| outcome.history().last()).map(style_transfer::Losses::total),
            "terms": outcome.map(Outcome::terms),
            "losses": outcome.and_then(|outcome| outcome.history().last()),
            "metrics": outcome.map(Outcome::metrics),
        })
    }

    /// The entry of a picture that could not be made.
    pub(super) fn entry_without(&self, failure: Option<&Failure>) -> Value {
        json!({
            "labels": self.labels,
            "recipe": self.settled.recipe,
            "failed": failure.map(|failure| &failure.message),
        })
    }

    pub(super) fn told(&self, made: &Made) -> String {
        format!("{}: {}, {}", self.labels.join(", "), made.measured, duration(made.seconds))
    }
}

/// The best picture of a run that diverged: a rate that is too high is a result of the comparison.
fn best_of(error: Error) -> Result<Image> {
    match error {
        Error::Diverged { best: Some(best), .. } => Ok(*best),
        other => Err(other.into()),
    }
}

/// Letters of what is measured, at most.
pub(super) const LETTERS: usize = 44;

/// `style 0.012, content 0.34, ssim 0.61`
fn measured(metrics: Option<&Metrics>) -> String {
    let Some(metrics) = metrics else { return "diverged; the best picture".to_owned() };
    let parts = [
        ("style", metrics.mean_style_distance()),
        ("content", metrics.mean_content_distance()),
        ("ssim", metrics.ssim),
    ];
    let parts = parts.iter().filter_map(|(name, value)| Some(format!("{name} {:.3}", (*value)?)));
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    #[test]
    fn a_run_that_diverged_has_its_best_picture_on_the_sheet() {
        let best = Image::new(1, 1, vec![0.5; 3]).unwrap();
        let diverged = |best| Error::Diverged { step: 3, loss: f32::NAN, best };
        assert_eq!(best_of(diverged(Some(Box::new(best.clone())))).unwrap(), best);
        assert_eq!(best_of(diverged(None)).unwrap_err().exit, Exit::Diverged);
        assert_eq!(measured(None), "diverged; the best picture");
    }
}
