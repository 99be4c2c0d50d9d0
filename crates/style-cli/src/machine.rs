//! What computes: a device, and the network on it.

use std::path::Path;

#[cfg(feature = "bundled-weights")]
use style_transfer::available_memory;
use style_transfer::{DeviceClass, DeviceInfo, DeviceName, Error, OpenDevice, Vgg, open_device};

use crate::failure::{Exit, Failure, Result};
use crate::recipe::Recipe;
use crate::shell::quoted_path;
#[cfg(feature = "bundled-weights")]
use crate::terminal::bytes;
use crate::weights::{foreign, resolve};

/// A network on a device.
pub(crate) struct Machine {
    pub(crate) open: OpenDevice,
    pub(crate) vgg: Vgg,
}

impl Machine {
    /// Opens the device and loads the network that a recipe names.
    pub(crate) fn open(recipe: &Recipe) -> Result<Self> {
        let name: DeviceName = recipe.device.as_deref().unwrap_or("auto").parse()?;
        let open = open_device(&name)?;
        let vgg = load(recipe.weights.as_deref(), &open)?;
        Ok(Self { open, vgg })
    }

    /// `flex (2 threads)`
    pub(crate) fn name(&self) -> String {
        let DeviceInfo { name, hardware, class, .. } = &self.open.info;
        let threads = style_transfer::threads();
        match (class, hardware) {
            (DeviceClass::Cpu, _) if threads == 1 => format!("{name} (1 thread)"),
            (DeviceClass::Cpu, _) => format!("{name} ({threads} threads)"),
            (_, Some(hardware)) => format!("{name} ({hardware})"),
            (_, None) => name.clone(),
        }
    }
}

#[cfg(feature = "bundled-weights")]
fn load(weights: Option<&Path>, open: &OpenDevice) -> Result<Vgg> {
    if let Some(path) = weights {
        return load_file(&resolve(path)?, open);
    }
    check_room(BUNDLED)?;
    Ok(Vgg::load(style_transfer::VGG19, &open.device)?)
}

/// Bytes that the bundled network takes at most: 13 million numbers as they are read, and twice as many packed.
#[cfg(feature = "bundled-weights")]
const BUNDLED: usize = 156_000_000;

/// Refuses to begin where not even the network has room: what it is read with cannot fail softly.
#[cfg(feature = "bundled-weights")]
fn check_room(needed: usize) -> Result<()> {
    match available_memory() {
        Some(available) if available < needed => {
            let (needed, available) = (bytes(needed), bytes(available));
            Err(Failure::new(
                Exit::Limit,
                format!("the network needs {needed} of memory, {available} are available"),
            )
            .help("end other programs, or raise the limit of this one"))
        }
        _ => Ok(()),
    }
}

fn load_file(path: &Path, open: &OpenDevice) -> Result<Vgg> {
    Vgg::load_file(path, &open.device).map_err(|error| match (foreign(path), error) {
        (Some(kind), Error::Weights(_) | Error::WeightsFile { .. }) => not_native(path, kind),
        (None, error @ Error::Weights(_)) => {
            let failure = Failure::from(error);
            Failure { message: format!("{}: {}", path.display(), failure.message), ..failure }
        }
        (_, other) => other.into(),
    })
}

fn not_native(path: &Path, kind: &str) -> Failure {
    let (from, to) = (quoted_path(path), quoted_path(&path.with_extension("safetensors")));
    let message = format!("{} is {kind}, and --weights takes a native file", path.display());
    Failure::new(Exit::Weights, message)
        .help(format!("convert it: style weights import {from} -o {to}, then --weights {to}"))
}

#[cfg(not(feature = "bundled-weights"))]
fn load(weights: Option<&Path>, open: &OpenDevice) -> Result<Vgg> {
    let missing = || {
        Failure::new(Exit::Weights, "no weights were given, and this build has none inside")
            .help("name a file with --weights; `style weights import` makes one")
    };
    load_file(&resolve(weights.ok_or_else(missing)?)?, open)
}
