//! Examines the devices of this machine: does each compute what the CPU computes?
//!
//! `cargo run --release --example doctor` takes half a minute; a GPU that compiles its kernels takes minutes the first
//! time. Every device is examined by a process of its own, since drivers crash. The exit code is 1 if a device is not
//! healthy, or cannot be examined.

mod common;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;
use common::Result;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use style_transfer::{DeviceName, Doctor, Image, Kernel, devices, open_device, write_atomically};

/// Compare devices with the CPU: every layer, Gram matrices, losses, gradients, and a run of 20 steps.
#[derive(Parser)]
struct Arguments {
    /// A device to examine, such as vulkan:1; again for one more [default: all that the example `devices` lists]
    #[arg(long, value_name = "NAME")]
    device: Vec<DeviceName>,
    /// Long side of the picture, px; kernels may differ from size to size
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// A photograph [default: the bundled castle]
    #[arg(long)]
    content: Option<PathBuf>,
    /// A painting [default: the bundled café terrace]
    #[arg(long)]
    style: Option<PathBuf>,
    /// A native weights file [default: the bundled VGG-19]
    #[arg(long)]
    weights: Option<PathBuf>,
    /// What computes the network: winograd, direct or burn [default: as for any run on the device]
    #[arg(long, value_parser = kernel)]
    kernel: Option<Kernel>,
    /// Write everything that was found to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// In the process of one device: which it is
    #[arg(long, hide = true, requires = "part")]
    only: Option<DeviceName>,
    /// In the process of one device: where its part of the report goes
    #[arg(long, hide = true, requires = "only")]
    part: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let healthy = match (&arguments.only, &arguments.part) {
        (Some(name), Some(part)) => examine(&arguments, name, part),
        _ => examine_all(&arguments),
    };
    match healthy {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => common::exit(Err(error)),
    }
}

/// Whether all devices are healthy.
fn examine_all(arguments: &Arguments) -> Result<bool> {
    pictures(arguments)?; // refused once, and not by every process
    if let Some(path) = &arguments.json {
        common::check_place(path, &[])?;
        common::check_report(path)?;
    }
    let names = match &arguments.device[..] {
        [] => devices().into_iter().map(|info| info.name.parse()).collect::<std::result::Result<_, _>>()?,
        asked_for => asked_for.to_vec(),
    };
    let folder = tempfile::tempdir()?;
    let part = folder.path().join("part.json");
    let (mut parts, mut sentences, mut healthy) = (Vec::new(), Vec::new(), true);
    for name in names {
        let mut process = Command::new(std::env::current_exe()?);
        process
            .args(std::env::args_os().skip(1))
            .arg("--only")
            .arg(name.to_string())
            .arg("--part")
            .arg(&part);
        let status = process.status()?;
        healthy &= status.success();
        let found = std::fs::read(&part).ok().and_then(|part| serde_json::from_slice::<Value>(&part).ok());
        let found = found.unwrap_or_else(|| {
            let sentence = format!("could not be examined, its process ended with {status}");
            json!({ "device": { "name": name.to_string() }, "sentence": sentence })
        });
        sentences.push(format!(
            "{:<10} {}",
            name.to_string(),
            found["sentence"].as_str().unwrap_or_default()
        ));
        parts.push(found);
        _ = std::fs::remove_file(&part);
    }
    let mut out = io::stdout().lock();
    for sentence in sentences {
        writeln!(out, "{sentence}")?;
    }
    if let Some(path) = &arguments.json {
        let made_by = concat!("style-transfer ", env!("CARGO_PKG_VERSION"));
        let report = json!({ "made_by": made_by, "devices": parts });
        write_atomically(path, &serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(healthy)
}

/// Whether one device is healthy.
fn examine(arguments: &Arguments, name: &DeviceName, part: &Path) -> Result<bool> {
    let open = open_device(name)?;
    let (content, style) = pictures(arguments)?;
    let weights = arguments.weights.as_deref();
    let reference = common::load(weights, &open_device(&DeviceName::Flex)?.device)?.with_kernel(Kernel::Burn);
    let doctor = Doctor::new(&reference, &content, &style)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", open.info)?;
    let mut subject = common::load(weights, &open.device)?;
    if let Some(kernel) = arguments.kernel {
        subject = subject.with_kernel(kernel);
    }
    let bar = ProgressBar::new_spinner();
    let diagnosis = doctor.examine_with(&subject, |doing| bar.set_message(doing.to_owned()))?;
    bar.finish_and_clear();
    writeln!(out, "{diagnosis}\n")?;
    let sentence = diagnosis.verdict.to_string();
    let report = json!({ "device": open.info, "diagnosis": diagnosis, "sentence": sentence });
    write_atomically(part, &serde_json::to_vec(&report)?)?;
    Ok(diagnosis.verdict.is_healthy())
}

/// The photograph at the size of the examination, and the painting.
fn pictures(arguments: &Arguments) -> Result<(Image, Image)> {
    let content = common::open(arguments.content.as_ref(), "eilean_donan.webp")?;
    let style = common::open(arguments.style.as_ref(), "van_gogh_cafe_terrace.webp")?;
    Ok((content.resized_to_long_side(arguments.size)?, style))
}

fn kernel(name: &str) -> std::result::Result<Kernel, String> {
    match name {
        "winograd" => Ok(Kernel::Winograd),
        "direct" => Ok(Kernel::Direct),
        "burn" => Ok(Kernel::Burn),
        other => Err(format!("no kernel {other:?}, expected winograd, direct or burn")),
    }
}
