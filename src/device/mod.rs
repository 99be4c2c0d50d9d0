//! Choosing a device: what people write, what there is, and why one was taken.
//!
//! ```text
//!  "vulkan:1" ──> DeviceName ──> open_device ──┬── local ──> flex, ndarray
//!                                  │           ├── gpu ────> an adapter of wgpu    ┐ asked and opened
//!                                  └── auto    ├── makers ─> cuda, rocm            │ on a thread of their
//!                                              └── remote ─> a device of a server  ┘ own, with a limit of time
//! ```
//!
//! Burn makes most devices lazily, panics where one is not there, and refuses to set one up twice. Here a device is
//! opened when it is asked for, the failure is a value, and what is open is kept for the next one who asks.

mod auto;
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
mod cube;
mod error;
mod found;
#[cfg(feature = "wgpu")]
mod gpu;
mod info;
#[cfg(any(test, feature = "wgpu", feature = "cuda", feature = "rocm", feature = "remote"))]
mod limit;
mod local;
#[cfg(any(feature = "cuda", feature = "rocm"))]
mod makers;
mod name;
#[cfg(feature = "remote")]
mod remote;

pub use error::DeviceError;
pub use info::{DeviceClass, DeviceInfo};
pub use name::{DeviceName, GraphicsApi};

use burn::tensor::Device;

/// A device that answered, and what is known of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenDevice {
    /// The device.
    pub device: Device,
    /// What it is.
    pub info: DeviceInfo,
    /// Why it was taken, where that was left to the library ([`DeviceName::Auto`]).
    pub reason: Option<String>,
}

/// The device of a name, such as `auto`, `cpu`, `vulkan:1` or `remote:ws://127.0.0.1:3000`; [`open_device`] also tells
/// what it is.
///
/// # Errors
///
/// As [`open_device`], and those of [`DeviceName`]'s parser.
///
/// # Examples
///
/// ```
/// let device = style_transfer::device("cpu")?;
/// let error = style_transfer::device("cpu:1").unwrap_err();
/// assert_eq!(error.to_string(), "device \"cpu:1\" cannot be: there is only one, which takes no number");
/// # Ok::<(), style_transfer::DeviceError>(())
/// ```
pub fn device(name: &str) -> Result<Device, DeviceError> {
    open_device(&name.parse()?).map(|open| open.device)
}

/// Opens a device, or tells why it cannot be had. A device opened before is returned again.
///
/// A device that is not there is told within 5 s, a driver or a server that says nothing included; one that is there
/// may take up to 30 s to open.
///
/// # Errors
///
/// * [`DeviceError::NotBuilt`]: its feature is off.
/// * [`DeviceError::NotThere`]: the machine, or the server, does not have it.
/// * [`DeviceError::TimedOut`]: its driver does not answer.
/// * [`DeviceError::Failed`]: it is there and its driver does not open it.
/// * [`DeviceError::Unreachable`]: no server answers at the URL.
///
/// # Examples
///
/// ```
/// use style_transfer::{DeviceName, open_device};
///
/// let open = open_device(&DeviceName::Auto)?;
/// println!("computing on {}: {}", open.info, open.reason.unwrap_or_default());
/// # Ok::<(), style_transfer::DeviceError>(())
/// ```
pub fn open_device(name: &DeviceName) -> Result<OpenDevice, DeviceError> {
    match name {
        DeviceName::Auto => auto::open(),
        DeviceName::Flex | DeviceName::NdArray => local::open(name),
        #[cfg(feature = "wgpu")]
        &DeviceName::Gpu { api, index } => gpu::open(name, api, index),
        #[cfg(feature = "cuda")]
        &DeviceName::Cuda(index) => makers::open(name, makers::Maker::Cuda, index),
        #[cfg(feature = "rocm")]
        &DeviceName::Rocm(index) => makers::open(name, makers::Maker::Rocm, index),
        #[cfg(feature = "remote")]
        DeviceName::Remote { url, index } => remote::open(url, *index),
        #[allow(unreachable_patterns)] // with every feature on, nothing is left
        _ => Err(not_built(name)),
    }
}

/// Everything that this build and this machine have: the CPU first, then the GPUs. Devices of servers are not among
/// them, nor adapters of OpenGL, which must be asked for by name. A driver that does not answer is left out after 5 s.
///
/// The memory of a GPU is known once it was opened.
///
/// # Examples
///
/// ```
/// for device in style_transfer::devices() {
///     println!("{device}");
/// }
/// ```
#[must_use]
pub fn devices() -> Vec<DeviceInfo> {
    let gpus = found::gpus().unwrap_or_default();
    local::all().into_iter().map(|open| open.info).chain(gpus.into_iter().map(|gpu| gpu.info)).collect()
}

/// The refusal of a device whose feature is off.
fn not_built(name: &DeviceName) -> DeviceError {
    let feature = match name {
        DeviceName::NdArray => "ndarray",
        DeviceName::Cuda(_) => "cuda",
        DeviceName::Rocm(_) => "rocm",
        DeviceName::Remote { .. } => "remote",
        DeviceName::Gpu { api: Some(GraphicsApi::Metal), .. } => "metal",
        DeviceName::Gpu { .. } => "vulkan",
        DeviceName::Auto | DeviceName::Flex => "flex",
    };
    let built: Vec<_> = BUILT.iter().filter(|(_, built)| *built).map(|&(name, _)| name).collect();
    let built = if built.is_empty() { "none".to_owned() } else { built.join(", ") };
    DeviceError::NotBuilt { name: name.to_string(), feature, built }
}

/// The features of backends.
const BUILT: [(&str, bool); 6] = [
    ("flex", cfg!(feature = "flex")),
    ("ndarray", cfg!(feature = "ndarray")),
    ("wgpu", cfg!(feature = "wgpu")),
    ("cuda", cfg!(feature = "cuda")),
    ("rocm", cfg!(feature = "rocm")),
    ("remote", cfg!(feature = "remote")),
];

#[cfg(test)]
mod tests;
