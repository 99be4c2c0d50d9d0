//! `style doctor`: does each device compute what the CPU computes?

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use style_transfer::{DeviceName, Doctor, Image, Kernel, devices};

use crate::arguments::RunArguments;
use crate::arguments::number::side;
use crate::bundled;
use crate::failure::{Exit, Failure, Result};
use crate::inputs::Reader;
use crate::machine::Machine;
use crate::outputs::check_place_of;
use crate::recipe::{MADE_BY, Recipe};
use crate::scraps::{Scrap, status_of};
use crate::signals;
use crate::terminal::{give, say};
use crate::writing::write_whole;

/// Compare devices with the CPU: every layer, Gram matrices, losses, gradients, and a run of 20 steps.
///
/// Each device is examined by a process of its own, since drivers crash. A GPU that compiles its kernels takes minutes
/// the first time. The exit code is 7 when a device is not healthy, or cannot be examined.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A device to examine, such as vulkan:1; again for one more [default: all that `style devices` lists]
    #[arg(long, value_name = "NAME")]
    device: Vec<DeviceName>,
    /// Long side of the picture in px; kernels may differ from size to size
    #[arg(long, value_name = "PX", default_value_t = 64, value_parser = side, allow_negative_numbers = true)]
    size: usize,
    /// A photograph [default: the one that comes with the program]
    #[arg(long, value_name = "PICTURE")]
    content: Option<PathBuf>,
    /// A painting [default: the one that comes with the program]
    #[arg(long, value_name = "PICTURE")]
    style: Option<PathBuf>,
    /// A native weights file, or the name of fetched weights [default: the bundled VGG-19]
    #[arg(long, value_name = "FILE|NAME")]
    weights: Option<PathBuf>,
    /// What computes the network: winograd, direct or burn [default: as for any run on the device]
    #[arg(long, value_name = "KERNEL")]
    kernel: Option<KernelName>,
    /// Write everything that was found to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Replace the file of --json, if it is there
    #[arg(short, long, requires = "json")]
    force: bool,
    /// In the process of one device: where its part of the report goes
    #[arg(long, hide = true)]
    part: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum KernelName {
    Winograd,
    Direct,
    Burn,
}

impl KernelName {
    const fn name(self) -> &'static str {
        match self {
            Self::Winograd => "winograd",
            Self::Direct => "direct",
            Self::Burn => "burn",
        }
    }
}

impl From<KernelName> for Kernel {
    fn from(name: KernelName) -> Self {
        match name {
            KernelName::Winograd => Self::Winograd,
            KernelName::Direct => Self::Direct,
            KernelName::Burn => Self::Burn,
        }
    }
}

/// Examines devices.
///
/// # Errors
///
/// Exit code 7 when one of them is not healthy; those of pictures, weights and the report's file.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let unhealthy = match (&arguments.part, &arguments.device[..]) {
        (Some(part), [name]) => {
            signals::help();
            arguments.examine(name, part)?
        }
        _ => arguments.examine_all()?,
    };
    match &unhealthy[..] {
        [] => Ok(()),
        names => {
            let message = format!("not healthy: {}", names.join(", "));
            Err(Failure::new(Exit::Device, message)
                .help("compute on another device, such as --device cpu; the report above says what is wrong"))
        }
    }
}

impl Arguments {
    /// The devices that are not healthy.
    fn examine_all(&self) -> Result<Vec<String>> {
        self.pictures()?; // refused once, and not by every process
        self.check_report()?;
        let names = match &self.device[..] {
            [] => {
                devices().into_iter().map(|info| info.name.parse()).collect::<std::result::Result<_, _>>()?
            }
            asked_for => asked_for.to_vec(),
        };
        let no_folder =
            |error| Failure::new(Exit::Output, format!("cannot make a temporary folder: {error}"));
        let folder = tempfile::tempdir().map_err(no_folder)?;
        let _scrap = Scrap::folder(folder.path());
        let (mut parts, mut sentences, mut unhealthy) = (Vec::new(), String::new(), Vec::new());
        for (number, name) in names.iter().enumerate() {
            let part = folder.path().join(format!("{number}.json"));
            let (found, healthy) = self.examine_apart(name, &part)?;
            let name = name.to_string();
            let _ = writeln!(sentences, "{name:<10} {}", found["sentence"].as_str().unwrap_or_default());
            parts.push(found);
            if !healthy {
                unhealthy.push(name);
            }
        }
        give(sentences.trim_end())?;
        if let Some(path) = &self.json {
            let report = json!({ "made_by": MADE_BY, "devices": parts });
            let report =
                serde_json::to_vec_pretty(&report).map_err(|error| Failure::new(Exit::Internal, error))?;
            write_whole(path, &report)?;
            signals::wrote(path);
        }
        Ok(unhealthy)
    }

    /// What a process of its own finds, and whether the device is healthy.
    fn examine_apart(&self, name: &DeviceName, part: &Path) -> Result<(Value, bool)> {
        let cannot = |error| Failure::new(Exit::Internal, format!("cannot run this program again: {error}"));
        let program = std::env::current_exe().map_err(cannot)?;
        let status = status_of(Command::new(program).args(self.again(name, part))).map_err(cannot)?;
        let found = std::fs::read(part).ok().and_then(|part| serde_json::from_slice::<Value>(&part).ok());
        if let (None, Some(exit)) = (&found, status.code().and_then(refusal)) {
            return Err(Failure::new(exit, format!("the examination of {name} was refused, as said above")));
        }
        let found = found.unwrap_or_else(|| {
            let sentence = format!("could not be examined, its process ended with {status}");
            json!({ "device": { "name": name.to_string() }, "sentence": sentence })
        });
        Ok((found, status.success()))
    }

    /// The arguments of the process of one device.
    fn again(&self, name: &DeviceName, part: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["doctor".into()];
        let mut add = |option: &str, value: OsString| arguments.extend([option.into(), value]);
        add("--device", name.to_string().into());
        add("--size", self.size.to_string().into());
        add("--part", part.into());
        let paths = [("--content", &self.content), ("--style", &self.style)];
        for (option, path) in paths.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?))) {
            add(option, path.into());
        }
        if let Some(weights) = &self.weights {
            add("--weights", weights.into());
        }
        if let Some(kernel) = self.kernel {
            add("--kernel", kernel.name().into());
        }
        arguments
    }

    /// The device, if it is not healthy.
    fn examine(&self, name: &DeviceName, part: &Path) -> Result<Vec<String>> {
        let Machine { open, vgg: mut subject } = self.machine(name)?;
        let (content, style) = self.pictures()?;
        let reference = self.machine(&DeviceName::Flex)?.vgg.with_kernel(Kernel::Burn);
        let doctor = Doctor::new(&reference, &content, &style)?;
        say(&open.info);
        if let Some(kernel) = self.kernel {
            subject = subject.with_kernel(kernel.into());
        }
        let bar = ProgressBar::new_spinner();
        let diagnosis = doctor.examine_with(&subject, |doing| bar.set_message(doing.to_owned()))?;
        bar.finish_and_clear();
        say(format!("{diagnosis}\n"));
        let sentence = diagnosis.verdict.to_string();
        let report = json!({ "device": open.info, "diagnosis": diagnosis, "sentence": sentence });
        let report = serde_json::to_vec(&report).map_err(|error| Failure::new(Exit::Internal, error))?;
        write_whole(part, &report)?;
        Ok(if diagnosis.verdict.is_healthy() { Vec::new() } else { vec![name.to_string()] })
    }

    fn machine(&self, name: &DeviceName) -> Result<Machine> {
        let device = Some(name.to_string());
        Machine::open(&Recipe { device, weights: self.weights.clone(), ..Recipe::default() })
    }

    /// The photograph at the size of the examination, and the painting.
    fn pictures(&self) -> Result<(Image, Image)> {
        let reader = Reader::new(&RunArguments::default());
        let open = |path: &Option<PathBuf>, inside: &str| {
            reader.picture(path.as_deref().unwrap_or(Path::new(inside))).map(|picture| picture.image)
        };
        let content = open(&self.content, bundled::CASTLE)?;
        let style = open(&self.style, bundled::PAINTING)?;
        Ok((content.resized_to_long_side(self.size)?, style))
    }

    /// Refuses a report that could not be written: better now than after the work.
    fn check_report(&self) -> Result<()> {
        let Some(path) = &self.json else { return Ok(()) };
        let inputs = [&self.content, &self.style, &self.weights];
        let inputs: Vec<&Path> = inputs.into_iter().filter_map(Option::as_deref).collect();
        check_place_of("--json", path, self.force, &inputs)?;
        let refused = |why: String| {
            Failure::new(Exit::Output, format!("cannot write {}: {why}", path.display()))
                .help("name another file with --json")
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::tempfile_in(folder).map(drop))
            .map_err(|error| refused(error.to_string()))
    }
}

/// Exit codes that say nothing about the device.
const fn refusal(code: i32) -> Option<Exit> {
    match code {
        2 => Some(Exit::Usage),
        3 => Some(Exit::Input),
        4 => Some(Exit::Weights),
        5 => Some(Exit::Output),
        6 => Some(Exit::Limit),
        _ => None,
    }
}
