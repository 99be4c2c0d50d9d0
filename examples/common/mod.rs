//! What the examples share: their arguments, the progress bar, and how errors are shown.
#![allow(dead_code)] // every example compiles this module for itself and uses a part of it

use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use style_transfer::{Device, DeviceError, Image, Optimizer, Settings, Step, VGG19, Vgg};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Clone, Copy, ValueEnum)]
enum OptimizerName {
    Adam,
    Lbfgs,
}

/// Arguments that every run takes.
#[derive(Args)]
pub(crate) struct RunArguments {
    /// Long side of the result, px
    #[arg(long, default_value_t = Settings::default().size)]
    pub(crate) size: usize,
    /// Number of optimisation steps
    #[arg(long, default_value_t = Settings::default().steps)]
    pub(crate) steps: usize,
    /// Seed of the noise
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Which optimiser moves the pixels
    #[arg(long, value_enum, default_value_t = OptimizerName::Lbfgs)]
    optimizer: OptimizerName,
    /// cpu (flex), ndarray or gpu (wgpu), where the build has it
    #[arg(long, default_value = "cpu")]
    device: String,
    /// A weights file instead of the bundled VGG-19
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

impl RunArguments {
    /// The settings that these arguments ask for.
    pub(crate) fn settings(&self) -> Settings {
        let optimizer = match self.optimizer {
            OptimizerName::Adam => Optimizer::ADAM,
            OptimizerName::Lbfgs => Optimizer::LBFGS,
        };
        Settings { size: self.size, steps: self.steps, seed: self.seed, optimizer, ..Settings::default() }
    }

    /// The network, on the device.
    pub(crate) fn vgg(&self) -> Result<Vgg> {
        let device: Device = style_transfer::device(&self.device)?;
        Ok(match &self.weights {
            Some(path) => Vgg::load_file(path, &device)?,
            None => Vgg::load(VGG19, &device)?,
        })
    }

    /// A progress bar with loss and time left, as an observer of the steps.
    pub(crate) fn progress(&self) -> impl FnMut(&Step<'_>) -> ControlFlow<()> + use<> {
        let bar = ProgressBar::new(self.steps as u64);
        let template = "{bar:32} step {pos}/{len}  loss {msg}  {elapsed} gone, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        move |step| {
            bar.set_message(format!("{:.4}", step.losses.total()));
            bar.set_position(step.index as u64);
            if step.index == step.steps {
                bar.finish();
            }
            ControlFlow::Continue(())
        }
    }
}

/// One of the pictures that come with the library.
pub(crate) fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images").join(name)
}

/// The picture at `path`, or the bundled one of that name.
pub(crate) fn open(path: Option<&PathBuf>, name: &str) -> Result<Image> {
    Ok(Image::open(path.cloned().unwrap_or_else(|| bundled(name)))?)
}

/// Runs a program; an error is printed with the next thing to do.
pub(crate) fn exit(result: Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    let help = error
        .downcast_ref::<style_transfer::Error>()
        .map(style_transfer::Error::help)
        .or_else(|| error.downcast_ref::<style_transfer::ImageError>().map(style_transfer::ImageError::help))
        .or_else(|| error.downcast_ref::<DeviceError>().map(DeviceError::help));
    if let Some(help) = help {
        eprintln!("help: {help}");
    }
    ExitCode::FAILURE
}
