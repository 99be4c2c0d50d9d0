//! Names of devices, as people write them.

use burn::tensor::Device;

/// A device that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// A name that means no device.
    #[error("unknown device {found:?}: known are {known}")]
    Unknown {
        /// What was written.
        found: String,
        /// The names that this library knows.
        known: &'static str,
    },
    /// A device whose backend was not compiled in.
    #[error("device {name} is not in this build: this build has {built}")]
    NotBuilt {
        /// The device.
        name: String,
        /// What this build has.
        built: String,
    },
}

impl DeviceError {
    /// The next thing to do.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "choose one of the known devices",
            Self::NotBuilt { .. } => {
                "build with the feature of that name: --features ndarray or --features wgpu"
            }
        }
    }
}

/// Makes a device.
type Make = fn() -> Device;

/// Every name, with what makes the device where its backend is compiled in.
const DEVICES: &[(&str, Option<Make>)] = &[
    #[cfg(feature = "flex")]
    ("flex", Some(Device::flex)),
    #[cfg(not(feature = "flex"))]
    ("flex", None),
    #[cfg(feature = "ndarray")]
    ("ndarray", Some(ndarray)),
    #[cfg(not(feature = "ndarray"))]
    ("ndarray", None),
    #[cfg(feature = "wgpu")]
    ("wgpu", Some(wgpu)),
    #[cfg(not(feature = "wgpu"))]
    ("wgpu", None),
];

/// Burn calls this backend deprecated; users still ask for it.
#[cfg(feature = "ndarray")]
#[expect(deprecated)]
fn ndarray() -> Device {
    Device::ndarray()
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Device {
    Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)
}

/// The device of a name: `flex` (or `cpu`), `ndarray`, `wgpu` (or `gpu`), each where its feature is on.
///
/// # Errors
///
/// [`DeviceError::Unknown`] for another name, [`DeviceError::NotBuilt`] when the feature is off.
///
/// # Examples
///
/// ```
/// let device = style_transfer::device("cpu")?;
/// let error = style_transfer::device("tpu").unwrap_err();
/// assert_eq!(error.to_string(), "unknown device \"tpu\": known are cpu, flex, ndarray, gpu, wgpu");
/// # Ok::<(), style_transfer::DeviceError>(())
/// ```
pub fn device(name: &str) -> Result<Device, DeviceError> {
    let wanted = match name.to_ascii_lowercase().as_str() {
        "cpu" => "flex".to_owned(),
        "gpu" => "wgpu".to_owned(),
        other => other.to_owned(),
    };
    match DEVICES.iter().find(|(known, _)| *known == wanted) {
        Some((_, Some(make))) => Ok(make()),
        Some((name, None)) => {
            let built: Vec<_> =
                DEVICES.iter().filter(|(_, make)| make.is_some()).map(|&(name, _)| name).collect();
            let built = if built.is_empty() { "none".to_owned() } else { built.join(", ") };
            Err(DeviceError::NotBuilt { name: (*name).to_owned(), built })
        }
        None => {
            let found = name.chars().take(64).collect();
            Err(DeviceError::Unknown { found, known: "cpu, flex, ndarray, gpu, wgpu" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "flex")]
    fn the_cpu_is_flex() {
        assert_eq!(device("CPU"), Ok(Device::flex()));
    }

    #[test]
    #[cfg(all(feature = "flex", not(feature = "wgpu"), not(feature = "ndarray")))]
    fn a_device_that_was_not_compiled_in_says_what_was() {
        let error = device("gpu").unwrap_err();
        assert_eq!(error.to_string(), "device wgpu is not in this build: this build has flex");
        assert!(error.help().contains("--features wgpu"));
    }
}
