//! `style devices`: what can compute here.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};
use style_transfer::{DeviceClass, DeviceError, DeviceInfo, DeviceName, devices, open_device};

use crate::commands::give_json;
use crate::failure::{Failure, Result};
use crate::terminal::{give, say};

/// List what can compute here. Each device is opened, as its memory is not known before.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A device of a server (remote:ws://HOST:PORT) or of a kind that is not looked for, to be listed too; again for one
    /// more
    #[arg(long, value_name = "NAME")]
    device: Vec<DeviceName>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A device that was asked for, or found.
struct Found {
    name: DeviceName,
    opened: std::result::Result<DeviceInfo, DeviceError>,
}

/// Prints the devices.
///
/// # Errors
///
/// Exit code 7 when a device that was named does not open.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut names = Vec::new();
    for info in devices() {
        names.push(info.name.parse()?);
    }
    let found = names.len();
    names.extend(arguments.device.iter().cloned());
    let open = |name: DeviceName| Found { opened: open_device(&name).map(|open| open.info), name };
    let all: Vec<Found> = names.into_iter().map(open).collect();
    if arguments.json {
        give_json(&all.iter().map(Found::json).collect::<Vec<_>>())?;
    } else {
        give(table(&all).trim_end())?;
        for (name, error) in all.iter().filter_map(Found::error) {
            say(format!("{name} does not open: {error}\n  help: {}", error.help()));
        }
    }
    match all.into_iter().skip(found).find_map(|found| found.opened.err()) {
        Some(error) => Err(Failure::from(error)),
        None => Ok(()),
    }
}

impl Found {
    fn error(&self) -> Option<(&DeviceName, &DeviceError)> {
        self.opened.as_ref().err().map(|error| (&self.name, error))
    }

    fn json(&self) -> Value {
        match &self.opened {
            Ok(info) => json!(info),
            Err(error) => {
                json!({ "name": self.name.to_string(), "error": error.to_string(), "help": error.help() })
            }
        }
    }
}

fn table(all: &[Found]) -> String {
    let row = |name: &str, class: &str, memory: &str, buffer: &str, about: &str| {
        format!("{name:<12} {class:<13} {memory:>10} {buffer:>15}  {about}\n")
    };
    let mut text = row("name", "kind", "memory", "largest buffer", "hardware and driver");
    for info in all.iter().filter_map(|found| found.opened.as_ref().ok()) {
        let about: Vec<_> =
            [&info.hardware, &info.driver].into_iter().flatten().map(String::as_str).collect();
        let (memory, buffer) = (mebibytes(info.memory), mebibytes(info.largest_buffer));
        let _ = write!(text, "{}", row(&info.name, class(info.class), &memory, &buffer, &about.join(", ")));
    }
    text
}

const fn class(class: DeviceClass) -> &'static str {
    match class {
        DeviceClass::Cpu => "CPU",
        DeviceClass::Gpu => "GPU",
        DeviceClass::SoftwareGpu => "software GPU",
        DeviceClass::Remote => "server",
        _ => "other",
    }
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{} MiB", bytes >> 20))
}
