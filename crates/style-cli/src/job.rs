//! One run, from a settled recipe to the saved picture.

use std::path::Path;

use style_transfer::{Error, Image, Outcome, Step, StyleTransfer, Task};

use crate::arguments::RunArguments;
use crate::failure::{Exit, Failure, Result};
use crate::inputs::Inputs;
use crate::journey::Earlier;
use crate::machine::Machine;
use crate::outputs::Output;
use crate::places::{self, BEST, PARTIAL};
use crate::plan::{Planned, warning};
use crate::recipe::{DEFAULT_PRESET, Recipe, Settled, TaskName};
use crate::rescue::Rescue;
use crate::shell::quoted_path;
use crate::signals;
use crate::terminal::{Event, give_path, steps, tell, warn};
use crate::watch::{self, Begin, Claims, End, Watchers};
use crate::writing::Writing;

/// One run, with everything it needs opened.
pub(crate) struct Job<'a> {
    pub(crate) settled: &'a Settled,
    pub(crate) machine: &'a Machine,
    pub(crate) inputs: &'a Inputs,
    pub(crate) arguments: &'a RunArguments,
    pub(crate) output: &'a Output,
    /// Where an earlier part of the run has come to.
    pub(crate) earlier: Option<Earlier>,
    /// What is written and served besides the picture.
    pub(crate) claims: Claims,
}

impl<'a> Job<'a> {
    /// What is made, at the size of the settings.
    pub(crate) fn task(&self) -> Task<'_> {
        self.task_at(self.size())
    }

    /// Long side of the result, px.
    pub(crate) fn size(&self) -> usize {
        let Recipe { width, height, task, .. } = self.settled.recipe;
        let size = self.settled.settings.size;
        match task {
            Some(TaskName::Texture) => width.unwrap_or(size).max(height.unwrap_or(size)),
            _ => size,
        }
    }

    /// The same at another size; a texture keeps its proportions.
    pub(crate) fn task_at(&self, size: usize) -> Task<'_> {
        let Recipe { width, height, task, .. } = self.settled.recipe;
        match (task.unwrap_or_default(), &self.inputs.content) {
            (TaskName::Transfer, Some(content)) => Task::Transfer(content),
            (TaskName::Reconstruct, Some(content)) => Task::Reconstruct(content),
            _ => {
                let share = size as f64 / self.size().max(1) as f64;
                let length = |px: Option<usize>| {
                    (px.unwrap_or(self.settled.settings.size) as f64 * share).round() as usize
                };
                Task::Texture { width: length(width), height: length(height) }
            }
        }
    }

    /// How the pictures of the run are written.
    pub(crate) fn writing(&self) -> Writing<'a> {
        let output = &self.arguments.output;
        Writing {
            recipe: Some(&self.settled.recipe).filter(|_| !output.no_recipe),
            stopped_after: None,
            bits: output.depth(),
            quality: output.quality,
            alpha: self.inputs.alpha.as_ref(),
        }
    }

    /// Plans, runs, saves, and says so.
    pub(crate) fn run(self) -> Result<Exit> {
        let planned = Planned::of(&self)?;
        self.run_as(&planned)
    }

    /// The same of a run that was planned.
    pub(crate) fn run_as(mut self, planned: &Planned) -> Result<Exit> {
        self.output.check_size(planned.plan.width, planned.plan.height)?;
        if let Some(warning) = self.tuned_elsewhere() {
            warn(warning);
        }
        let line = planned.line(&self);
        tell(&line, &Event::Plan { text: &line, seconds: planned.seconds });
        let mut watchers = watch::of(&mut self)?;
        let earlier = self.earlier.take();
        let result = self.perform(planned, &mut watchers, earlier);
        match &result {
            Ok(outcome) => {
                // The bar goes before the path is said, which is said whatever happened to a report.
                let ended = watchers.end(&End::Done(outcome));
                if let Some(path) = self.output.path() {
                    give_path(path)?;
                }
                ended.map_err(|failure| self.but_the_picture(failure))?;
                watchers.stay();
                Ok(Exit::Done)
            }
            Err(failure) => {
                // What went wrong first is told, not what followed from it.
                let _ = watchers.end(&End::Failed(failure));
                Err(failure.clone())
            }
        }
    }

    /// What is said of a preset that belongs to other weights.
    fn tuned_elsewhere(&self) -> Option<String> {
        let Settled { recipe, preset, .. } = self.settled;
        warning(recipe.preset.as_deref()?, preset.as_ref()?, &self.machine.vgg.describe())
    }

    /// A failure after the picture was saved.
    fn but_the_picture(&self, failure: Failure) -> Failure {
        match self.output.path() {
            Some(path) => {
                let message = format!("{}; the picture {} is whole", failure.message, path.display());
                Failure { message, ..failure }
            }
            None => failure,
        }
    }

    fn perform(
        &self,
        planned: &Planned,
        watchers: &mut Watchers<'_>,
        earlier: Option<Earlier>,
    ) -> Result<Outcome> {
        let Settled { settings, .. } = self.settled;
        self.begin(planned, watchers, earlier.as_ref().map_or(0, Earlier::step))?;
        let transfer = StyleTransfer::new(&self.machine.vgg).settings(settings.clone());
        // The token is not for this run: a signal ends it through its watchers, who write a checkpoint at that step.
        let mut transfer = self.inputs.furnish(transfer);
        let goes_on = earlier.is_some();
        if let Some(earlier) = earlier {
            // What is remembered of it goes when the run has taken it up.
            transfer = transfer.resume_from(&earlier.checkpoint);
        }
        let mut begun = false;
        let on_step = |step: &Step<'_>| {
            if !begun {
                signals::work();
                if !goes_on {
                    self.output.forget_earlier_run();
                }
            }
            begun = true;
            watchers.step(step)
        };
        let result = transfer.on_step(on_step).perform(self.task());
        self.conclude(result, watchers)
    }

    /// Tells the watchers what is known before the first step, of which so many are done already.
    fn begin(&self, planned: &Planned, watchers: &mut Watchers<'_>, done: usize) -> Result<()> {
        let Settled { settings, recipe, preset } = self.settled;
        let styles: Vec<(String, &Image)> = self
            .inputs
            .styles
            .iter()
            .filter_map(|style| style.picture().map(|picture| (style.name.clone(), picture)))
            .collect();
        let command: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        let name = recipe.content.as_deref().map(Path::to_string_lossy).unwrap_or_default();
        watchers.begin(&Begin {
            settings,
            preset: (recipe.preset.as_deref().unwrap_or(DEFAULT_PRESET), preset.as_ref()),
            recipe: &recipe.to_json()?,
            command: &command,
            vgg: &self.machine.vgg,
            device: &self.machine.open.info,
            plan: &planned.plan,
            content: self.inputs.content.as_ref().map(|content| (&*name, content)),
            styles: &styles,
            output: self.output.path(),
            done,
        })
    }

    /// Saves what came out.
    fn conclude(
        &self,
        result: std::result::Result<Outcome, Error>,
        watchers: &mut Watchers<'_>,
    ) -> Result<Outcome> {
        let writing = self.writing();
        let rescue = |steps| Rescue { output: self.output, writing: writing.stopped_after(steps) };
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => return Err(rescue_best(error, rescue)),
        };
        let (image, done) = (outcome.image(), outcome.steps());
        let failed = watchers.failure();
        if let Some(exit) = signals::came().filter(|_| outcome.stopped()) {
            return Err(rescue(done).beside(self.interrupted(exit, done, failed), image, PARTIAL));
        }
        if let Some(failure) = failed {
            return Err(rescue(done).beside(failure, image, PARTIAL));
        }
        // The page can stop a run, and what it was stopped at is the result.
        let writing = if outcome.stopped() { writing.stopped_after(done) } else { writing };
        match self.output.save(image, &writing) {
            Ok(()) => Ok(outcome),
            Err(failure) => {
                Err(Rescue { output: self.output, writing }.elsewhere(failure, image, "the picture"))
            }
        }
    }

    /// How to go on after a signal, and why that is not from there where the checkpoint could not be written.
    fn interrupted(&self, exit: Exit, done: usize, unsaved: Option<Failure>) -> Failure {
        let mut failure = Failure::new(exit, format!("ended by a signal after {}", steps(done)));
        let mut from = if self.arguments.keeping.no_checkpoints { "the last checkpoint" } else { "there" };
        if let Some(Failure { message, help, .. }) = unsaved {
            failure.message = format!("{}; {message}", failure.message);
            failure.help = help;
            from = "the last checkpoint";
        }
        match self.output.path() {
            Some(path) if places::checkpoints(path).iter().any(|place| place.exists()) => {
                failure.help(format!("`style resume {}` goes on from {from}", quoted_path(path)))
            }
            _ => failure,
        }
    }
}

/// Keeps the best picture of a run that failed, where there is one.
fn rescue_best<'a>(error: Error, rescue: impl Fn(usize) -> Rescue<'a>) -> Failure {
    let step = match error {
        Error::Diverged { step, .. } | Error::DeviceLost { step, .. } => step,
        _ => 0,
    };
    let best = error.best().cloned();
    let failure = Failure::from(error);
    match best {
        Some(best) => rescue(step).beside(failure, &best, BEST),
        None => failure,
    }
}
