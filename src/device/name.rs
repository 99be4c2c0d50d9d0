//! What people write for a device.

use std::fmt;
use std::str::FromStr;

use super::DeviceError;

/// The names that are not malformed, for an error message.
pub(super) const KNOWN: &str = "auto, cpu, flex, ndarray, gpu, wgpu, vulkan, metal, dx12, gl, webgpu, cuda, rocm \
                                and remote:ws://HOST:PORT; a number may follow a GPU, such as vulkan:1";

/// A graphics API, through which wgpu computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GraphicsApi {
    /// Vulkan: Linux, Windows, Android; on macOS where a portability driver is installed.
    Vulkan,
    /// Metal: macOS.
    Metal,
    /// DirectX 12: Windows.
    Dx12,
    /// OpenGL, which is never taken unless it is asked for.
    Gl,
    /// WebGPU, which only browsers have.
    WebGpu,
}

impl GraphicsApi {
    /// All, the preferred first.
    pub const ALL: [Self; 5] = [Self::Vulkan, Self::Metal, Self::Dx12, Self::Gl, Self::WebGpu];

    /// The name that [`DeviceName`] knows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Dx12 => "dx12",
            Self::Gl => "gl",
            Self::WebGpu => "webgpu",
        }
    }
}

impl fmt::Display for GraphicsApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name of a device, as people write it; [`open_device`](crate::open_device) opens it.
///
/// | written | means |
/// |---|---|
/// | `auto` | a real GPU where there is one, else the CPU |
/// | `cpu`, `flex` | the CPU |
/// | `ndarray` | the CPU, tensors in Burn's ndarray backend |
/// | `gpu`, `wgpu`, `gpu:1` | the best adapter of any graphics API; the second of [`devices`](crate::devices) that is one |
/// | `vulkan`, `vulkan:1`, `metal`, `dx12`, `gl`, `webgpu` | the best, or the second adapter of that API |
/// | `cuda`, `cuda:1`, `rocm`, `rocm:1` | a card through the interface of its maker |
/// | `remote:ws://host:3000`, `remote:ws://host:3000#1` | the first, or the second device of a server |
///
/// Capitals do not matter but in a URL. Numbers count from 0 in the order of the system, software adapters included;
/// the best adapter is a real GPU where there is one, discrete before integrated before virtual.
///
/// # Examples
///
/// ```
/// use style_transfer::{DeviceName, GraphicsApi};
///
/// let name: DeviceName = "Vulkan:1".parse()?;
/// assert_eq!(name, DeviceName::Gpu { api: Some(GraphicsApi::Vulkan), index: Some(1) });
/// assert_eq!(name.to_string(), "vulkan:1");
/// # Ok::<(), style_transfer::DeviceError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum DeviceName {
    /// A real GPU where there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU, with Burn's flex backend.
    Flex,
    /// The CPU, with Burn's ndarray backend.
    NdArray,
    /// An adapter of wgpu.
    Gpu {
        /// The graphics API, or any.
        api: Option<GraphicsApi>,
        /// Which of its adapters, or the best.
        index: Option<usize>,
    },
    /// A card of NVIDIA, through CUDA.
    Cuda(Option<usize>),
    /// A card of AMD, through `ROCm`.
    Rocm(Option<usize>),
    /// A device of a server.
    Remote {
        /// The server, such as `ws://host:3000`.
        url: String,
        /// Which of its devices.
        index: usize,
    },
}

impl FromStr for DeviceName {
    type Err = DeviceError;

    /// # Errors
    ///
    /// [`DeviceError::Unknown`] for a name that means nothing, [`DeviceError::Malformed`] for a known one whose number
    /// or URL cannot be.
    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let written = text.trim();
        let (word, rest) = match written.split_once(':') {
            Some((word, rest)) => (word.to_ascii_lowercase(), Some(rest)),
            None => (written.to_ascii_lowercase(), None),
        };
        let malformed = |reason| DeviceError::Malformed { found: shorten(text), reason };
        let index = || rest.map(number).transpose().map_err(malformed);
        let gpu = |api| Ok(Self::Gpu { api, index: index()? });
        let cpu = |name: Self| match rest {
            None => Ok(name),
            Some(_) => Err(malformed("there is only one, which takes no number")),
        };
        match word.as_str() {
            "auto" => cpu(Self::Auto),
            "cpu" | "flex" => cpu(Self::Flex),
            "ndarray" => cpu(Self::NdArray),
            "gpu" | "wgpu" => gpu(None),
            "cuda" => Ok(Self::Cuda(index()?)),
            "rocm" => Ok(Self::Rocm(index()?)),
            "remote" => remote(rest.unwrap_or_default()).map_err(malformed),
            other => match GraphicsApi::ALL.into_iter().find(|api| api.name() == other) {
                Some(api) => gpu(Some(api)),
                None => Err(DeviceError::Unknown { found: shorten(text), known: KNOWN }),
            },
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, index) = match self {
            Self::Auto => ("auto", None),
            Self::Flex => ("flex", None),
            Self::NdArray => ("ndarray", None),
            Self::Gpu { api, index } => (api.map_or("gpu", GraphicsApi::name), *index),
            Self::Cuda(index) => ("cuda", *index),
            Self::Rocm(index) => ("rocm", *index),
            Self::Remote { url, index: 0 } => return write!(f, "remote:{url}"),
            Self::Remote { url, index } => return write!(f, "remote:{url}#{index}"),
        };
        match index {
            None => f.pad(word),
            Some(index) => f.pad(&format!("{word}:{index}")),
        }
    }
}

/// The number of a device. A plus sign, which Rust would read, is nothing that people mean.
fn number(digits: &str) -> Result<usize, &'static str> {
    let digit = |byte: u8| byte.is_ascii_digit();
    match digits.parse::<u16>() {
        Ok(number) if digits.bytes().all(digit) => Ok(number.into()),
        _ => Err("expected a number from 0 to 65535 after the colon"),
    }
}

/// `ws://HOST:PORT` and perhaps `#N`. What Burn would leave out without a word, such as a path, is refused.
fn remote(written: &str) -> Result<DeviceName, &'static str> {
    const EXPECTED: &str = "expected remote:ws://HOST:PORT, and #1 behind it for the server's second device";
    let (url, index) = match written.split_once('#') {
        Some((url, digits)) => {
            (url, number(digits).map_err(|_| "expected a number from 0 to 65535 after the #")?)
        }
        None => (written, 0),
    };
    let (scheme, place) = url.split_once("://").ok_or(EXPECTED)?;
    let place = place.strip_suffix('/').unwrap_or(place);
    let (host, port) = place.rsplit_once(':').ok_or("a server's URL ends with its port, such as :3000")?;
    if !scheme.eq_ignore_ascii_case("ws") {
        return Err("a server's URL begins with ws://");
    }
    if !number(port).is_ok_and(|port| port > 0) {
        return Err("expected a port from 1 to 65535");
    }
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let allowed = |host: &str, more: &str| {
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    if !in_brackets.map_or_else(|| allowed(host, ".-_"), |host| allowed(host, ".:%")) {
        return Err("a server's host is a name or an address, an IPv6 address in brackets");
    }
    Ok(DeviceName::Remote { url: format!("ws://{place}"), index })
}

/// Enough of what was written to recognise it.
fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;
