//! Examines the devices of this machine: does each compute what the CPU computes?
//!
//! `cargo run --release --example doctor` takes half a minute; a GPU that compiles its kernels takes minutes the first
//! time. The exit code is 1 if a device is not healthy, or does not open.

mod common;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::Result;
use serde_json::json;
use style_transfer::{
    Device, DeviceName, Diagnosis, Doctor, Kernel, OpenDevice, VGG19, Vgg, devices, open_device,
    write_atomically,
};

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
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => common::exit(Err(error)),
    }
}

/// Whether all devices are healthy.
fn run(arguments: &Arguments) -> Result<bool> {
    let mut out = io::stdout().lock();
    let content = common::open(arguments.content.as_ref(), "eilean_donan.webp")?;
    let style = common::open(arguments.style.as_ref(), "van_gogh_cafe_terrace.webp")?;
    let content = content.resized_to_long_side(arguments.size)?;
    let reference = vgg(arguments, &open_device(&DeviceName::Flex)?.device)?.with_kernel(Kernel::Burn);
    let doctor = Doctor::new(&reference, &content, &style)?;

    let (mut found, mut closed) = (Vec::new(), false);
    for name in names(arguments)? {
        match open_device(&name) {
            Ok(open) => {
                writeln!(out, "{}", open.info)?;
                let diagnosis = examine(arguments, &doctor, &open)?;
                writeln!(out, "{diagnosis}\n")?;
                found.push((open.info, diagnosis));
            }
            Err(error) => {
                closed = true;
                writeln!(out, "{error}\nhelp: {}\n", error.help())?;
            }
        }
    }
    for (info, diagnosis) in &found {
        writeln!(out, "{:<10} {}", info.name, diagnosis.verdict)?;
    }
    if let Some(path) = &arguments.json {
        let devices: Vec<_> =
            found.iter().map(|(name, of)| json!({ "name": name, "diagnosis": of })).collect();
        let report = json!({
            "made_by": concat!("style-transfer ", env!("CARGO_PKG_VERSION")),
            "reference": doctor.reference().describe(),
            "devices": devices,
        });
        write_atomically(path, &serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(!closed && found.iter().all(|(_, diagnosis)| diagnosis.verdict.is_healthy()))
}

fn examine(arguments: &Arguments, doctor: &Doctor, open: &OpenDevice) -> Result<Diagnosis> {
    let mut subject = vgg(arguments, &open.device)?;
    if let Some(kernel) = arguments.kernel {
        subject = subject.with_kernel(kernel);
    }
    Ok(doctor.examine(&subject)?)
}

/// The devices that are asked for, or all that there are.
fn names(arguments: &Arguments) -> Result<Vec<DeviceName>> {
    if !arguments.device.is_empty() {
        return Ok(arguments.device.clone());
    }
    devices().into_iter().map(|info| Ok(info.name.parse()?)).collect()
}

fn vgg(arguments: &Arguments, device: &Device) -> Result<Vgg> {
    Ok(match &arguments.weights {
        Some(path) => Vgg::load_file(path, device)?,
        None => Vgg::load(VGG19, device)?,
    })
}

fn kernel(name: &str) -> std::result::Result<Kernel, String> {
    match name {
        "winograd" => Ok(Kernel::Winograd),
        "direct" => Ok(Kernel::Direct),
        "burn" => Ok(Kernel::Burn),
        other => Err(format!("no kernel {other:?}, expected winograd, direct or burn")),
    }
}
