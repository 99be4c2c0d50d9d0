//! The GPUs of this machine, whatever reaches them.

use super::{DeviceError, DeviceInfo};

/// How good a choice an adapter is; less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(feature = "wgpu"), allow(dead_code))] // who else finds GPUs finds cards only
pub(super) enum Rank {
    Discrete,
    Integrated,
    Virtual,
    Unclassified,
    Software,
}

/// A GPU that is there; it may not have been opened.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) info: DeviceInfo,
    pub(super) rank: Rank,
}

/// Every GPU that the backends of this build find, software GPUs too: through their makers' interfaces first.
#[cfg_attr(
    not(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    expect(clippy::unnecessary_wraps) // other builds ask drivers, which may not answer
)]
pub(super) fn gpus() -> Result<Vec<Found>, DeviceError> {
    Ok([
        #[cfg(feature = "cuda")]
        super::makers::found(super::makers::Maker::Cuda)?,
        #[cfg(feature = "rocm")]
        super::makers::found(super::makers::Maker::Rocm)?,
        #[cfg(feature = "wgpu")]
        super::gpu::found(None)?,
        Vec::new(),
    ]
    .concat())
}

/// What an error says that there is: these GPUs, and the CPU.
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
pub(super) fn listed(gpus: &[Found]) -> Vec<String> {
    let cpus = super::local::all().into_iter().map(|open| open.info.name);
    gpus.iter().map(|gpu| gpu.info.to_string()).chain(cpus).collect()
}
