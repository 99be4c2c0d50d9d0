//! Examines a device: does it compute what the CPU computes?
//!
//! `cargo run --release --example doctor -- --device vulkan` takes half a minute; a GPU that compiles its kernels takes
//! minutes the first time. The exit code is 1 if the device is not healthy. A driver that crashes takes its process along:
//! `style doctor` examines every device of the machine, each in a process of its own.

mod common;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::{DeviceArguments, Result};
use serde_json::json;
use style_transfer::{DeviceName, Doctor, Kernel, open_device, write_atomically};

/// Compare a device with the CPU: every layer, Gram matrices, losses, gradients, and a run of 20 steps.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    device: DeviceArguments,
    /// Long side of the picture, px; kernels may differ from size to size
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Write everything that was found to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match examine(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => common::exit(Err(error)),
    }
}

/// Whether the device is healthy.
fn examine(arguments: &Arguments) -> Result<bool> {
    if let Some(path) = &arguments.json {
        common::check_place(path, &[])?;
        common::check_report(path)?;
    }
    let content = common::open(None, "eilean_donan.webp")?.resized_to_long_side(arguments.size)?;
    let style = common::open(None, "van_gogh_cafe_terrace.webp")?;
    let reference = common::load(None, &open_device(&DeviceName::Flex)?.device)?.with_kernel(Kernel::Burn);
    let open = arguments.device.open()?;
    let subject = common::load(None, &open.device)?;
    let diagnosis = Doctor::new(&reference, &content, &style)?.examine(&subject)?;
    writeln!(io::stdout(), "{}\n{diagnosis}", open.info)?;
    if let Some(path) = &arguments.json {
        let made_by = concat!("style-transfer ", env!("CARGO_PKG_VERSION"));
        let report = json!({ "made_by": made_by, "device": open.info, "diagnosis": diagnosis });
        write_atomically(path, &serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(diagnosis.verdict.is_healthy())
}
