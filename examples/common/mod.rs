//! What the examples share: their arguments, the progress bar, and how errors are shown.
#![allow(dead_code, unused_imports)] // every example compiles this module for itself and uses a part of it

mod arguments;
mod best;
mod device;
pub(crate) mod snapshots;
pub(crate) mod styles;

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use style_transfer::{Device, DeviceError, Image, PictureFormat, VGG19, Vgg};

pub(crate) use arguments::{RunArguments, progress};
pub(crate) use best::keep_best;
pub(crate) use device::DeviceArguments;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One of the pictures that come with the library.
pub(crate) fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images").join(name)
}

/// The picture at `path`, or the bundled one of that name.
pub(crate) fn open(path: Option<&PathBuf>, name: &str) -> Result<Image> {
    Ok(Image::open(path.cloned().unwrap_or_else(|| bundled(name)))?)
}

/// The network of a weights file, or the bundled one.
pub(crate) fn load(weights: Option<&Path>, device: &Device) -> Result<Vgg> {
    Ok(match weights {
        Some(path) => Vgg::load_file(path, device)?,
        None => Vgg::load(VGG19, device)?,
    })
}

/// Refuses a picture that could not be written, or that is one of the inputs: better now than after the work.
pub(crate) fn check_output(output: &Path, inputs: &[Option<&PathBuf>]) -> Result<()> {
    PictureFormat::from_path(output)?;
    check_place(output, inputs)
}

/// The same for a style file, which is known by its extension when it is read.
pub(crate) fn check_style_output(output: &Path, inputs: &[Option<&PathBuf>]) -> Result<()> {
    if !styles::is_style_file(output) {
        let output = output.display();
        return Err(format!("cannot save the style {output}: expected a name that ends in .style").into());
    }
    check_place(output, inputs)
}

/// Refuses a place where no file can be written, or that is one of the inputs.
pub(crate) fn check_place(output: &Path, inputs: &[Option<&PathBuf>]) -> Result<()> {
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
