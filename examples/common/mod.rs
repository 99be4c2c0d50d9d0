//! What the examples share: their arguments, the progress bar, and how errors are shown.
#![allow(dead_code)] // every example compiles this module for itself and uses a part of it

use std::error::Error;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use style_transfer::{Device, DeviceError, Image, Optimizer, PictureFormat, Settings, Step, VGG19, Vgg};

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

/// Refuses an output that could not be written, or that is one of the inputs: better now than after the work.
pub(crate) fn check_output(output: &Path, inputs: &[Option<&PathBuf>]) -> Result<()> {
    PictureFormat::from_path(output)?;
    if output.is_dir() {
        return Err(format!("the output {} is a folder, expected a file", output.display()).into());
    }
    let real = |path: &Path| path.canonicalize().ok();
    let same = inputs.iter().flatten().find(|input| real(output).is_some() && real(output) == real(input));
    if let Some(input) = same {
        return Err(format!("the output {} is an input, which it would replace", input.display()).into());
    }
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::tempfile_in(folder).map(drop))
        .map_err(|error| format!("cannot write into the folder {}: {error}", folder.display()).into())
}

/// Refuses to replace a file that is no report of ours.
pub(crate) fn check_report(report: &Path) -> Result<()> {
    let Ok(there) = std::fs::read(report) else {
        return if report.exists() { Err(format!("{} is no file", report.display()).into()) } else { Ok(()) };
    };
    let ours = serde_json::from_slice::<serde_json::Value>(&there)
        .is_ok_and(|json| json["made_by"].as_str().is_some_and(|by| by.starts_with("style-transfer")));
    if ours {
        return Ok(());
    }
    Err(format!("{} is there and no report of a run: the report would replace it", report.display()).into())
}

/// Runs a program; an error is printed with the next thing to do.
pub(crate) fn exit(result: Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS; // whoever reads it has read enough, as `head` does
    }
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
