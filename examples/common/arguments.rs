//! The arguments that every run takes.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use style_transfer::{Optimizer, Preset, Settings, Step, Vgg};

use super::{DeviceArguments, Result};

#[derive(Clone, Copy, ValueEnum)]
enum OptimizerName {
    Adam,
    Lbfgs,
}

/// Arguments that every run takes; what is not said is as the preset has it.
#[derive(Args)]
pub(crate) struct RunArguments {
    /// Where the settings that are not said come from: fast, balanced, fine, a known system such as gatys-notebook, or a
    /// TOML file
    #[arg(long, default_value = "balanced")]
    preset: String,
    /// Long side of the result, px
    #[arg(long)]
    size: Option<usize>,
    /// Steps at every scale, from the smallest on, such as 120,60,40; the last number also holds for further scales, and
    /// where there are fewer scales the first numbers are left out
    #[arg(long, value_delimiter = ',')]
    steps: Vec<usize>,
    /// Seed of the noise
    #[arg(long)]
    seed: Option<u64>,
    /// Which optimiser moves the pixels; the preset's own one has the preset's constants
    #[arg(long, value_enum)]
    optimizer: Option<OptimizerName>,
    /// Any other setting, by its name in a preset file, such as colour=luminance or optimizer.history=20; again for one
    /// more
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    device: DeviceArguments,
    /// A native weights file, as `import_weights` makes it, instead of the bundled VGG-19
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

impl RunArguments {
    /// The settings that these arguments ask for.
    pub(crate) fn settings(&self) -> Result<Settings> {
        let mut settings = preset(&self.preset)?.settings;
        settings.size = self.size.unwrap_or(settings.size);
        if !self.steps.is_empty() {
            settings.steps.clone_from(&self.steps);
        }
        settings.optimizer = match (self.optimizer, settings.optimizer) {
            (Some(OptimizerName::Adam), Optimizer::Lbfgs { .. }) => Optimizer::ADAM,
            (Some(OptimizerName::Lbfgs), Optimizer::Adam { .. }) => Optimizer::LBFGS,
            (_, as_it_is) => as_it_is,
        };
        for assignment in &self.set {
            settings = assign(&settings, assignment)?;
        }
        // Last, so that one out of range is refused by its name and not by TOML, which has no such number.
        settings.seed = self.seed.unwrap_or(settings.seed);
        Ok(settings)
    }

    /// The network, on the device.
    pub(crate) fn vgg(&self) -> Result<Vgg> {
        let device = self.device.open()?.device;
        super::load(self.weights.as_deref(), &device)
    }
}

/// A preset by its name, or from a file.
fn preset(name: &str) -> Result<Preset> {
    if Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        let text = std::fs::read_to_string(name)
            .map_err(|error| format!("cannot read the preset {name}: {error}"))?;
        return Ok(Preset::parse(&text)?);
    }
    Ok(Preset::named(name)?)
}

/// `name=value`, the value as in TOML, but that words need no quotes.
fn assign(settings: &Settings, assignment: &str) -> Result<Settings> {
    let (name, value) = assignment
        .split_once('=')
        .ok_or_else(|| format!("--set {assignment} names no value, expected such as colour=luminance"))?;
    let word = value.starts_with(char::is_alphabetic) && !["true", "false"].contains(&value);
    let value = if word { format!("{value:?}") } else { value.to_owned() };
    Ok(settings.with_toml(&format!("{name} = {value}"))?)
}

/// A progress bar with loss and time left, as an observer of the steps.
pub(crate) fn progress() -> impl FnMut(&Step<'_>) -> ControlFlow<()> {
    let bar = ProgressBar::new(1);
    let template = "{bar:32} step {pos}/{len}  {msg}  {elapsed} gone";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    move |step| {
        let (width, height) = step.size;
        let (loss, left) = (step.losses.total(), step.remaining().as_secs());
        bar.set_length(step.steps as u64);
        bar.set_message(format!("{width} x {height} px  loss {loss:.4}  {left} s left"));
        bar.set_position(step.index as u64);
        if step.index == step.steps {
            bar.finish();
        }
        ControlFlow::Continue(())
    }
}
