//! What an open GPU tells of itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::backend::DispatchDevice;
use burn::tensor::Device;

use super::{DeviceError, DeviceInfo, OpenDevice};

/// The GPUs that are open. Burn refuses to set one up twice.
static OPEN: Mutex<Vec<OpenDevice>> = Mutex::new(Vec::new());

/// Held by whoever opens a GPU, so that nobody opens it a second time meanwhile. It may take long, and nobody who only
/// looks waits for it.
static OPENING: Mutex<()> = Mutex::new(());

/// The GPU of that name where it is open, else what `make` makes of it.
pub(super) fn open_once(
    name: &str,
    make: impl FnOnce() -> Result<OpenDevice, DeviceError>,
) -> Result<OpenDevice, DeviceError> {
    let _alone = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(open) = open_gpus().iter().find(|open| open.info.name == name) {
        return Ok(open.clone());
    }
    let opened = make()?;
    open_gpus().push(opened.clone());
    Ok(opened)
}

/// The open GPUs, to look at.
pub(super) fn open_gpus() -> MutexGuard<'static, Vec<OpenDevice>> {
    // A thread that panicked has pushed a device or none.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds what the runtime of an open device knows: its name and its limits. A device that is not open is opened, which
/// panics where it cannot be.
pub(super) fn describe(device: &Device, info: &mut DeviceInfo) {
    if let DispatchDevice::Cube(device) = device.as_dispatch() {
        let client = device.client();
        let properties = client.properties();
        info.hardware.get_or_insert_with(|| properties.identity.name.clone());
        info.memory = properties.memory.max_memory();
        info.largest_buffer = Some(properties.memory.max_page_size);
    }
}
