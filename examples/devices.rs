//! Lists what can compute here: name, kind, hardware, driver, memory, largest buffer.
//!
//! `cargo run --release --features vulkan --example devices` opens each of them, and says what does not open.

mod common;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use common::Result;
use style_transfer::{DeviceClass, DeviceInfo, DeviceName, devices, open_device};

/// List the devices that this build and this machine have. They are opened, as their memory is not known before.
#[derive(Parser)]
struct Arguments {
    /// A device of a server, to be listed too; again for one more
    #[arg(long, value_name = "remote:ws://HOST:PORT")]
    device: Vec<DeviceName>,
    /// Prints a line of JSON for each
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    common::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let mut out = io::stdout().lock();
    let mut failed = Vec::new();
    if !arguments.json {
        let [name, class, memory, buffer] = ["name", "kind", "memory", "largest buffer"];
        writeln!(out, "{name:<12} {class:<13} {memory:>10} {buffer:>15}  hardware and driver")?;
    }
    let mut names = Vec::new();
    for info in devices() {
        names.push(info.name.parse()?);
    }
    for name in names.iter().chain(&arguments.device) {
        match open_device(name) {
            Ok(open) if arguments.json => writeln!(out, "{}", serde_json::to_string(&open.info)?)?,
            Ok(open) => writeln!(out, "{}", row(&open.info))?,
            Err(error) => failed.push(error),
        }
    }
    for error in failed {
        eprintln!("{error}\nhelp: {}", error.help());
    }
    Ok(())
}

fn row(info: &DeviceInfo) -> String {
    let class = match info.class {
        DeviceClass::Cpu => "CPU",
        DeviceClass::Gpu => "GPU",
        DeviceClass::SoftwareGpu => "software GPU",
        DeviceClass::Remote => "server",
        _ => "other",
    };
    let (memory, buffer) = (mebibytes(info.memory), mebibytes(info.largest_buffer));
    let about: Vec<_> = [&info.hardware, &info.driver].into_iter().flatten().map(String::as_str).collect();
    format!("{:<12} {class:<13} {memory:>10} {buffer:>15}  {}", info.name, about.join(", "))
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{} MiB", bytes >> 20))
}
