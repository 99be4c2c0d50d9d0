//! What is known of a device.

use std::fmt;

use serde::Serialize;

/// What kind of device computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DeviceClass {
    /// The processor, without a driver in between.
    Cpu,
    /// A graphics card or another accelerator.
    Gpu,
    /// A driver that computes what a GPU would on the processor: right, and slow.
    SoftwareGpu,
    /// A device of a server.
    Remote,
}

/// What is known of a device; shown as one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// The name, which [`DeviceName`](crate::DeviceName) understands, such as `vulkan:0`.
    pub name: String,
    /// What kind of device it is.
    pub class: DeviceClass,
    /// What the hardware calls itself, such as `NVIDIA H100 PCIe`.
    pub hardware: Option<String>,
    /// The driver and its version.
    pub driver: Option<String>,
    /// Its memory, in bytes. A graphics card tells when it is opened, the newer APIs only.
    pub memory: Option<u64>,
    /// The largest buffer that its driver gives, in bytes; `None` where only the memory is a limit.
    pub largest_buffer: Option<u64>,
    /// Whether the first step compiles programs for the device, which may take minutes.
    pub compiles_kernels: bool,
}

impl DeviceInfo {
    /// A device of which nothing more is known.
    pub(super) fn new(name: impl Into<String>, class: DeviceClass) -> Self {
        Self {
            name: name.into(),
            class,
            hardware: None,
            driver: None,
            memory: None,
            largest_buffer: None,
            compiles_kernels: matches!(class, DeviceClass::Gpu | DeviceClass::SoftwareGpu),
        }
    }
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            DeviceClass::Cpu => "the CPU",
            DeviceClass::Gpu => "a GPU",
            DeviceClass::SoftwareGpu => "a software GPU",
            DeviceClass::Remote => "a device of a server",
        };
        write!(f, "{} ({class}", self.name)?;
        for more in [&self.hardware, &self.driver].into_iter().flatten() {
            write!(f, ", {more}")?;
        }
        if let Some(memory) = self.memory {
            write!(f, ", {}", gibibytes(memory))?;
        }
        f.write_str(")")
    }
}

/// Bytes for people: MiB below one GiB.
pub(super) fn gibibytes(bytes: u64) -> String {
    const MEBI: f64 = 1024.0 * 1024.0;
    let mebi = bytes as f64 / MEBI;
    if mebi < 1024.0 { format!("{mebi:.0} MiB") } else { format!("{:.1} GiB", mebi / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_shown_in_one_line_with_what_is_known() {
        let mut info = DeviceInfo::new("vulkan:0", DeviceClass::Gpu);
        assert_eq!(info.to_string(), "vulkan:0 (a GPU)");
        info.hardware = Some("NVIDIA H100".to_owned());
        info.driver = Some("NVIDIA 550.54".to_owned());
        info.memory = Some(80 << 30);
        assert_eq!(info.to_string(), "vulkan:0 (a GPU, NVIDIA H100, NVIDIA 550.54, 80.0 GiB)");
        assert!(info.compiles_kernels);
    }

    #[test]
    fn bytes_are_shown_in_the_unit_that_fits() {
        assert_eq!(gibibytes(128 << 20), "128 MiB");
        assert_eq!(gibibytes(3 << 29), "1.5 GiB");
    }
}
