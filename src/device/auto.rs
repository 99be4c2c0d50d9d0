//! The device for those who do not care, and the reason for it.

use super::found::{Found, Rank, gpus};
use super::{BUILT, DeviceError, OpenDevice, local, open_device};

/// A real GPU, else the CPU.
pub(super) fn open() -> Result<OpenDevice, DeviceError> {
    let found = gpus();
    let (real, why_not) = real_gpus(&found);
    let mut failure = None;
    for gpu in real {
        match gpu.info.name.parse().and_then(|name| open_device(&name)) {
            Ok(open) => return Ok(OpenDevice { reason: Some(why(gpu).to_owned()), ..open }),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let reason = failure.as_ref().map_or(why_not, |error| format!("no GPU, as {error}"));
    match local::all().into_iter().next() {
        Some(cpu) => Ok(OpenDevice { reason: Some(reason), ..cpu }),
        None => Err(failure.or(found.err()).unwrap_or_else(|| {
            let there = gpus().unwrap_or_default().into_iter().map(|gpu| gpu.info.to_string()).collect();
            DeviceError::NotThere { name: "auto".to_owned(), there }
        })),
    }
}

/// The real GPUs, the best first, and why there is none where there is none.
fn real_gpus(found: &Result<Vec<Found>, DeviceError>) -> (Vec<&Found>, String) {
    let all = match found {
        Ok(found) => found,
        Err(error) => return (Vec::new(), format!("no GPU, as {error}")),
    };
    let mut real: Vec<_> = all.iter().filter(|gpu| gpu.rank < Rank::Software).collect();
    real.sort_by_key(|gpu| gpu.rank);
    let built = BUILT.iter().any(|(name, built)| *built && ["wgpu", "cuda", "rocm"].contains(name));
    let why_not = match (built, all.as_slice()) {
        (false, _) => "no GPU, as this build has no backend for one".to_owned(),
        (true, []) => "no GPU, as no driver shows one".to_owned(),
        (true, [only]) => format!("no GPU, as the only one, {}, computes on the CPU", only.info),
        (true, [first, ..]) => {
            format!("no GPU, as all {} compute on the CPU, {} first", all.len(), first.info)
        }
    };
    (real, why_not)
}

const fn why(gpu: &Found) -> &'static str {
    match gpu.rank {
        Rank::Discrete => "the best GPU, a graphics card",
        Rank::Integrated => "the best GPU, a part of the processor",
        Rank::Virtual => "the best GPU, a virtual one",
        Rank::Unclassified | Rank::Software => "the best GPU, of unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DeviceClass, DeviceInfo};
    use super::*;

    fn gpu(name: &str, rank: Rank) -> Found {
        let class = if rank == Rank::Software { DeviceClass::SoftwareGpu } else { DeviceClass::Gpu };
        Found { info: DeviceInfo::new(name, class), rank }
    }

    #[test]
    fn cards_come_before_integrated_and_virtual_gpus_and_software_never() {
        let ranks = [Rank::Software, Rank::Virtual, Rank::Integrated, Rank::Discrete, Rank::Discrete];
        let found =
            ranks.into_iter().enumerate().map(|(n, rank)| gpu(&format!("vulkan:{n}"), rank)).collect();
        let found = Ok(found);
        let (real, _) = real_gpus(&found);
        let names: Vec<_> = real.iter().map(|gpu| gpu.info.name.as_str()).collect();
        assert_eq!(names, ["vulkan:3", "vulkan:4", "vulkan:2", "vulkan:1"]);
    }

    #[test]
    #[cfg(feature = "wgpu")]
    fn a_machine_with_software_gpus_only_says_so() {
        let found = Ok(vec![gpu("vulkan:0", Rank::Software)]);
        let (real, why_not) = real_gpus(&found);
        assert!(real.is_empty());
        assert_eq!(why_not, "no GPU, as the only one, vulkan:0 (a software GPU), computes on the CPU");
        let none = Ok(vec![]);
        assert_eq!(real_gpus(&none).1, "no GPU, as no driver shows one");
    }

    #[test]
    fn drivers_that_do_not_answer_are_a_reason() {
        let found = Err(DeviceError::TimedOut { name: "gpu".to_owned(), seconds: 4 });
        let (real, why_not) = real_gpus(&found);
        assert!(real.is_empty());
        assert_eq!(why_not, "no GPU, as device gpu did not answer within 4 s");
    }
}
