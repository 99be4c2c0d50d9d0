//! The CPU.

use burn::tensor::Device;

use super::{DeviceClass, DeviceError, DeviceInfo, DeviceName, OpenDevice, not_built};

/// The CPU's backends that this build has, the preferred first.
pub(super) fn all() -> Vec<OpenDevice> {
    let devices: Vec<(&str, Device)> = Vec::from([
        #[cfg(feature = "flex")]
        ("flex", Device::flex()),
        #[cfg(feature = "ndarray")]
        ("ndarray", ndarray()),
    ]);
    let (hardware, memory) = (processor(), memory());
    let open = |(name, device)| {
        let mut info = DeviceInfo::new(name, DeviceClass::Cpu);
        info.hardware.clone_from(&hardware);
        info.memory = memory;
        OpenDevice { device, info, reason: None }
    };
    devices.into_iter().map(open).collect()
}

pub(super) fn open(name: &DeviceName) -> Result<OpenDevice, DeviceError> {
    let wanted = name.to_string();
    all().into_iter().find(|open| open.info.name == wanted).ok_or_else(|| not_built(name))
}

/// Burn calls this backend deprecated; users still ask for it.
#[cfg(feature = "ndarray")]
#[expect(deprecated)]
fn ndarray() -> Device {
    Device::ndarray()
}

/// What the processor calls itself, where the system tells.
fn processor() -> Option<String> {
    named(&std::fs::read_to_string("/proc/cpuinfo").ok()?, "model name").map(str::to_owned)
}

/// The memory of the machine, in bytes, where the system tells.
fn memory() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    named(&meminfo, "MemTotal")?.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The value of the first line `name : value`.
fn named<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim()).filter(|value| !value.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_name_and_not_by_a_part_of_it() {
        let text = "model\t\t: 79\nmodel name\t: A Processor\nMemTotal:  16 kB\nempty :\n";
        assert_eq!(named(text, "model name"), Some("A Processor"));
        assert_eq!(named(text, "MemTotal"), Some("16 kB"));
        assert_eq!(named(text, "empty"), None);
        assert_eq!(named(text, "name"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells_how_much_memory_there_is() {
        assert!(memory().is_some_and(|bytes| bytes > 64 << 20));
    }
}
