//! The device that an example computes on.

use clap::Args;
use style_transfer::{DeviceName, OpenDevice, open_device};

use super::Result;

#[derive(Args)]
pub(crate) struct DeviceArguments {
    /// What computes: auto, cpu, ndarray, gpu, vulkan:1, cuda or remote:ws://HOST:PORT, where the build has it; the
    /// example `devices` lists what there is
    #[arg(long, default_value_t, value_name = "NAME")]
    device: DeviceName,
}

impl DeviceArguments {
    /// Opens the device, and says on stderr which it is and why.
    pub(crate) fn open(&self) -> Result<OpenDevice> {
        let open = open_device(&self.device)?;
        match &open.reason {
            Some(reason) => eprintln!("computing on {}: {reason}", open.info),
            None => eprintln!("computing on {}", open.info),
        }
        if open.info.compiles_kernels {
            eprintln!("the first step compiles programs for it, which may take minutes");
        }
        Ok(open)
    }
}
