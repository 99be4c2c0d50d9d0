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

/// Every GPU that the backends of this build find, software GPUs too: through their makers' interfaces first. A backend
/// whose drivers do not answer is an error only where no other finds any.
pub(super) fn gpus() -> Result<Vec<Found>, DeviceError> {
    first_error_or_all(vec![
        #[cfg(feature = "cuda")]
        super::makers::found(super::makers::Maker::Cuda),
        #[cfg(feature = "rocm")]
        super::makers::found(super::makers::Maker::Rocm),
        #[cfg(feature = "wgpu")]
        super::gpu::found(None),
    ])
}

fn first_error_or_all(answers: Vec<Result<Vec<Found>, DeviceError>>) -> Result<Vec<Found>, DeviceError> {
    let (mut gpus, mut failure) = (Vec::new(), None);
    for answer in answers {
        match answer {
            Ok(found) => gpus.extend(found),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.filter(|_| gpus.is_empty()).map_or(Ok(gpus), Err)
}

/// What an error says that there is: these GPUs, and the CPU.
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
pub(super) fn listed(gpus: &[Found]) -> Vec<String> {
    let cpus = super::local::all().into_iter().map(|open| open.info.name);
    gpus.iter().map(|gpu| gpu.info.to_string()).chain(cpus).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{DeviceClass, DeviceInfo};
    use super::*;

    #[test]
    fn a_backend_that_fails_hides_no_gpu_of_another() {
        let gpu = Found { info: DeviceInfo::new("vulkan:0", DeviceClass::Gpu), rank: Rank::Discrete };
        let error = DeviceError::TimedOut { name: "cuda".to_owned(), seconds: 4 };
        let found = first_error_or_all(vec![Err(error.clone()), Ok(vec![gpu])]).unwrap();
        assert_eq!(found[0].info.name, "vulkan:0");
        assert_eq!(first_error_or_all(vec![Ok(vec![]), Err(error.clone())]).unwrap_err(), error);
        assert!(first_error_or_all(vec![]).unwrap().is_empty());
    }
}
