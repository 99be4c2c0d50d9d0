//! One run, from a settled recipe to the saved picture.

use std::path::{Path, PathBuf};

use style_transfer::{
    CancelToken, Checkpoint, DeviceInfo, DeviceName, Error, Image, OpenDevice, Outcome, Preset,
    StyleTransfer, Task, Vgg, open_device,
};

use crate::arguments::RunArguments;
use crate::commands::weights::{foreign, resolve};
use crate::failure::{Exit, Failure, Result};
use crate::inputs::Inputs;
use crate::outputs::{Output, Writing};
use crate::plan::{Planned, warning};
use crate::recipe::{Recipe, Settled, TaskName, preset};
use crate::signals;
use crate::terminal::{give_path, in_shell, say, steps};
use crate::watch::{self, Begin, End, Watchers};

/// A network on a device.
pub(crate) struct Machine {
    pub(crate) open: OpenDevice,
    pub(crate) vgg: Vgg,
}

impl Machine {
    /// Opens the device and loads the network that a recipe names.
    pub(crate) fn open(recipe: &Recipe) -> Result<Self> {
        let name: DeviceName = recipe.device.as_deref().unwrap_or("auto").parse()?;
        let open = open_device(&name)?;
        let vgg = load(recipe.weights.as_deref(), &open)?;
        Ok(Self { open, vgg })
    }

    /// `flex (2 threads)`
    pub(crate) fn name(&self) -> String {
        let DeviceInfo { name, hardware, class, .. } = &self.open.info;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        match (class, hardware) {
            (style_transfer::DeviceClass::Cpu, _) if threads == 1 => format!("{name} (1 thread)"),
            (style_transfer::DeviceClass::Cpu, _) => format!("{name} ({threads} threads)"),
            (_, Some(hardware)) => format!("{name} ({hardware})"),
            (_, None) => name.clone(),
        }
    }
}

#[cfg(feature = "bundled-weights")]
fn load(weights: Option<&Path>, open: &OpenDevice) -> Result<Vgg> {
    Ok(match weights {
        Some(path) => load_file(&resolve(path)?, open)?,
        None => Vgg::load(style_transfer::VGG19, &open.device)?,
    })
}

fn load_file(path: &Path, open: &OpenDevice) -> Result<Vgg> {
    Vgg::load_file(path, &open.device).map_err(|error| match (foreign(path), error) {
        (Some(kind), Error::Weights(_) | Error::WeightsFile { .. }) => not_native(path, kind),
        (None, error @ Error::Weights(_)) => {
            let failure = Failure::from(error);
            Failure { message: format!("{}: {}", path.display(), failure.message), ..failure }
        }
        (_, other) => other.into(),
    })
}

fn not_native(path: &Path, kind: &str) -> Failure {
    let (from, to) = (in_shell(path), in_shell(&path.with_extension("safetensors")));
    let message = format!("{} is {kind}, and --weights takes a native file", path.display());
    Failure::new(Exit::Weights, message)
        .help(format!("convert it: style weights import {from} -o {to}, then --weights {to}"))
}

#[cfg(not(feature = "bundled-weights"))]
fn load(weights: Option<&Path>, open: &OpenDevice) -> Result<Vgg> {
    let missing = || {
        Failure::new(Exit::Weights, "no weights were given, and this build has none inside")
            .help("name a file with --weights; `style weights import` makes one")
    };
    load_file(&resolve(weights.ok_or_else(missing)?)?, open)
}

/// One run, with everything it needs opened.
pub(crate) struct Job<'a> {
    pub(crate) settled: &'a Settled,
    pub(crate) machine: &'a Machine,
    pub(crate) inputs: &'a Inputs,
    pub(crate) arguments: &'a RunArguments,
    pub(crate) output: &'a Output,
    pub(crate) token: CancelToken,
    /// Where an earlier part of the run has come to.
    pub(crate) checkpoint: Option<Checkpoint>,
}

impl Job<'_> {
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

    /// Plans, runs, saves, and says so.
    pub(crate) fn run(&self) -> Result<Exit> {
        self.run_as(&Planned::of(self)?)
    }

    /// The same of a run that was planned.
    pub(crate) fn run_as(&self, planned: &Planned) -> Result<Exit> {
        signals::check()?;
        if !self.arguments.showing.quiet {
            if let Some(warning) = self.tuned_elsewhere() {
                say(warning);
            }
            say(planned.line(self));
        }
        let mut watchers = watch::of(self)?;
        let result = self.perform(planned, &mut watchers);
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
        let name = self.settled.recipe.preset.as_deref()?;
        // One from a file is read again where it was named just now, and not for a recipe inside a picture.
        let own = || self.arguments.sources.preset.as_ref().and_then(|own| preset(own).ok());
        let preset = Preset::named(name).ok().or_else(own)?;
        warning(name, &preset, &self.machine.vgg.describe())
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

    fn perform(&self, planned: &Planned, watchers: &mut Watchers<'_>) -> Result<Outcome> {
        let Settled { settings, .. } = self.settled;
        let styles: Vec<(String, &Image)> = self
            .inputs
            .styles
            .iter()
            .filter_map(|style| style.picture().map(|picture| (style.name.clone(), picture)))
            .collect();
        let recipe = self.recipe().to_json()?;
        let command: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        let name = self.settled.recipe.content.as_deref().map(Path::to_string_lossy).unwrap_or_default();
        watchers.begin(&Begin {
            settings,
            preset: self.settled.recipe.preset.as_deref().unwrap_or("balanced"),
            recipe: &recipe,
            command: &command,
            vgg: &self.machine.vgg,
            device: &self.machine.open.info,
            plan: &planned.plan,
            content: self.inputs.content.as_ref().map(|content| (&*name, content)),
            styles: &styles,
            output: self.output.path(),
            done: self.checkpoint.as_ref().map_or(0, Checkpoint::step),
        })?;
        let transfer = StyleTransfer::new(&self.machine.vgg).settings(settings.clone());
        // The token is not for this run: a signal ends it through its watchers, who write a checkpoint at that step.
        let mut transfer = self.inputs.furnish(transfer);
        if let Some(checkpoint) = &self.checkpoint {
            transfer = transfer.resume_from(checkpoint);
        }
        let result = transfer.on_step(|step| watchers.step(step)).perform(self.task());
        self.conclude(result, watchers)
    }

    /// Saves what came out.
    fn conclude(
        &self,
        result: std::result::Result<Outcome, Error>,
        watchers: &mut Watchers<'_>,
    ) -> Result<Outcome> {
        let writing = self.writing()?;
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => return Err(self.rescue(error, &writing)),
        };
        let ended = signals::came().filter(|_| outcome.stopped());
        if let Some(failure) = watchers.failure() {
            return Err(self.rescue_picture(failure, outcome.image(), "partial", &writing));
        }
        if let Some(exit) = ended {
            let failure = self.interrupted(exit, &outcome);
            return Err(self.rescue_picture(failure, outcome.image(), "partial", &writing));
        }
        match self.output.save(outcome.image(), &writing) {
            Ok(()) => Ok(outcome),
            Err(failure) => Err(self.rescue_elsewhere(failure, outcome.image(), &writing)),
        }
    }

    /// How to go on after a signal.
    fn interrupted(&self, exit: Exit, outcome: &Outcome) -> Failure {
        let failure = Failure::new(exit, format!("ended by a signal after {}", steps(outcome.steps())));
        match self.output.path() {
            Some(path) if !self.arguments.keeping.no_checkpoints => {
                failure.help(format!("`style resume {}` goes on from there", path.display()))
            }
            _ => failure,
        }
    }

    /// The recipe as it goes into the picture.
    fn recipe(&self) -> Recipe {
        let mut recipe = self.settled.recipe.clone();
        self.inputs.sign(&mut recipe);
        recipe
    }

    fn writing(&self) -> Result<Writing> {
        let recipe = (!self.arguments.output.no_recipe).then(|| self.recipe().to_json()).transpose()?;
        let output = &self.arguments.output;
        Ok(Writing {
            recipe,
            bits: if output.bits.as_deref() == Some("16") { 16 } else { 8 },
            quality: output.quality,
            alpha: self.inputs.alpha.clone(),
        })
    }

    /// Keeps the best picture of a run that failed, where there is one.
    fn rescue(&self, error: Error, writing: &Writing) -> Failure {
        let best = error.best().cloned();
        let failure = Failure::from(error);
        match best {
            Some(best) => self.rescue_picture(failure, &best, "best", writing),
            None => failure,
        }
    }

    /// Writes a picture beside the result that will not be, and tells where.
    fn rescue_picture(&self, failure: Failure, image: &Image, what: &str, writing: &Writing) -> Failure {
        match self.output.save_beside(what, image, writing) {
            Ok(Some(path)) => {
                let message = format!("{}; the picture so far is {}", failure.message, path.display());
                Failure { message, ..failure }
            }
            Ok(None) => failure,
            Err(unsaved) => self.rescue_elsewhere(unsaved, image, writing),
        }
    }

    /// Hours of work should not be lost because a disk is full: another folder may have room.
    fn rescue_elsewhere(&self, failure: Failure, image: &Image, writing: &Writing) -> Failure {
        let Some(name) = self.output.path().and_then(Path::file_name) else { return failure };
        let name = format!("{}-{}", std::process::id(), name.to_string_lossy());
        let path: PathBuf = std::env::temp_dir().join(name);
        let saved = Output::claim_path(path.clone(), false, &[]).and_then(|other| other.save(image, writing));
        match saved {
            Ok(()) => {
                let message = format!("{}; the picture is {} instead", failure.message, path.display());
                Failure { message, ..failure }
            }
            Err(_) => failure,
        }
    }
}
