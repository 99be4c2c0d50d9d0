//! GPUs through wgpu.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use burn::backend::WgpuDeviceKind;
use burn::backend::wgpu::graphics::AutoGraphicsApi;
use burn::backend::wgpu::{RuntimeOptions, WgpuBackend, WgpuDevice, WgpuInitError, try_init_setup, wgpu};
use burn::tensor::Device;

use super::cube::{describe, open_gpus, open_once};
use super::found::{Found, Rank, gpus, listed};
use super::limit::{ASKING, OPENING, within};
use super::{DeviceClass, DeviceError, DeviceInfo, DeviceName, GraphicsApi, OpenDevice};

/// An adapter, as its driver describes it.
#[derive(Debug, Clone)]
struct Adapter {
    api: GraphicsApi,
    /// How Burn counts it: among its own kind. It reaches the first software adapter of an API only.
    kind: Option<WgpuDeviceKind>,
    found: Found,
}

/// What was asked, with the instance through which it was: the Vulkan loader crashes when instances come and go on
/// several threads, so none of these goes.
static ASKED: Mutex<Vec<(GraphicsApi, wgpu::Instance, Vec<Adapter>)>> = Mutex::new(Vec::new());

/// The adapters of one graphics API, or of all that need not be asked for by name, in the order of the system.
pub(super) fn found(api: Option<GraphicsApi>) -> Result<Vec<Found>, DeviceError> {
    Ok(adapters(api)?.into_iter().map(|adapter| adapter.found).collect())
}

/// Opens the adapter of that number, or the best.
pub(super) fn open(
    name: &DeviceName,
    api: Option<GraphicsApi>,
    index: Option<usize>,
) -> Result<OpenDevice, DeviceError> {
    let adapters = adapters(api)?;
    let chosen = match index {
        // The numbers of one API are the places in its list, those of any API the places in the list of all.
        Some(index) => adapters.get(index),
        None => adapters.iter().min_by_key(|adapter| adapter.found.rank),
    };
    let Some(adapter) = chosen.cloned() else {
        // Those of its own API, and where that has none, of all others.
        let own: Vec<_> = adapters.into_iter().map(|adapter| adapter.found).collect();
        let there = if own.is_empty() { gpus().unwrap_or_default() } else { own };
        return Err(DeviceError::NotThere { name: name.to_string(), there: listed(&there) });
    };
    within(OPENING, &name.to_string(), move || {
        open_once(&adapter.found.info.name.clone(), || set_up(adapter))
    })
}

fn adapters(api: Option<GraphicsApi>) -> Result<Vec<Adapter>, DeviceError> {
    // OpenGL shows the same hardware again, and its libraries write to the terminal when there is no screen.
    const UNASKED: [GraphicsApi; 3] = [GraphicsApi::Vulkan, GraphicsApi::Metal, GraphicsApi::Dx12];
    let name = DeviceName::Gpu { api, index: None }.to_string();
    within(ASKING, &name, move || {
        let apis = api.as_ref().map_or(&UNASKED[..], std::slice::from_ref);
        let mut all: Vec<_> = apis.iter().flat_map(|&api| ask(api)).collect();
        let open = open_gpus();
        for adapter in &mut all {
            if let Some(open) = open.iter().find(|open| open.info.name == adapter.found.info.name) {
                adapter.found.info = open.info.clone();
            }
        }
        Ok(all)
    })
}

/// The adapters of a graphics API. The system is asked once.
fn ask(api: GraphicsApi) -> Vec<Adapter> {
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((.., adapters)) = asked.iter().find(|(known, ..)| *known == api) {
        return adapters.clone();
    }
    let backends = backends(api);
    if !wgpu::Instance::enabled_backend_features().contains(backends) {
        return Vec::new();
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let found = at_once(instance.enumerate_adapters(backends)).unwrap_or_default();
    let mut before = Vec::new();
    let adapters: Vec<_> = found
        .iter()
        .enumerate()
        .map(|(index, adapter)| describe_adapter(api, index, adapter, &mut before))
        .collect();
    asked.push((api, instance, adapters.clone()));
    adapters
}

/// `before`: the types of the adapters that came before.
fn describe_adapter(
    api: GraphicsApi,
    index: usize,
    adapter: &wgpu::Adapter,
    before: &mut Vec<wgpu::DeviceType>,
) -> Adapter {
    let (said, limits) = (adapter.get_info(), adapter.limits());
    let number = before.iter().filter(|&&before| before == said.device_type).count();
    before.push(said.device_type);
    let (rank, kind) = match said.device_type {
        wgpu::DeviceType::DiscreteGpu => (Rank::Discrete, Some(WgpuDeviceKind::DiscreteGpu(number))),
        wgpu::DeviceType::IntegratedGpu => (Rank::Integrated, Some(WgpuDeviceKind::IntegratedGpu(number))),
        wgpu::DeviceType::VirtualGpu => (Rank::Virtual, Some(WgpuDeviceKind::VirtualGpu(number))),
        wgpu::DeviceType::Other => (Rank::Unclassified, Some(WgpuDeviceKind::Other(number))),
        wgpu::DeviceType::Cpu => (Rank::Software, (number == 0).then_some(WgpuDeviceKind::Cpu)),
    };
    let class = if rank == Rank::Software { DeviceClass::SoftwareGpu } else { DeviceClass::Gpu };
    let mut info = DeviceInfo::new(DeviceName::Gpu { api: Some(api), index: Some(index) }.to_string(), class);
    let driver = format!("{} {}", said.driver, said.driver_info);
    info.hardware = Some(said.name).filter(|name| !name.is_empty());
    info.driver = Some(driver.trim().to_owned()).filter(|driver| !driver.is_empty());
    info.largest_buffer = Some(limits.max_storage_buffer_binding_size.min(limits.max_buffer_size));
    Adapter { api, kind, found: Found { info, rank } }
}

/// Sets Burn's runtime up on an adapter, under the name that tells both its API and its kind.
fn set_up(adapter: Adapter) -> Result<OpenDevice, DeviceError> {
    let mut info = adapter.found.info;
    let failed = |reason: String| DeviceError::Failed { name: info.name.clone(), reason };
    let Some(kind) = adapter.kind else {
        return Err(failed("Burn reaches the first software adapter of a graphics API only".to_owned()));
    };
    if cfg!(feature = "vulkan")
        && adapter.api == GraphicsApi::Vulkan
        && info.driver.as_deref().is_some_and(crashes_on_spirv)
    {
        let reason = "this driver crashes on shaders in SPIR-V, which the feature vulkan makes of them: build with \
                      --features wgpu, or take the device gl";
        return Err(failed(reason.to_owned()));
    }
    let device = WgpuDevice::new(kind).on(pinned(adapter.api));
    let options = RuntimeOptions::try_default().map_err(|error| failed(error.to_string()))?;
    match try_init_setup::<AutoGraphicsApi>(&device, options) {
        // Somebody made it without this module.
        Ok(_) | Err(WgpuInitError::Registration { .. }) => {}
        Err(error) => return Err(failed(error.to_string())),
    }
    let device = Device::from(device);
    describe(&device, &mut info);
    Ok(OpenDevice { device, info, reason: None })
}

/// Whether a driver is Mesa's llvmpipe before version 23. That of 22.3.6 ends the process while it builds Burn's first
/// pipeline; older ones were not tried.
fn crashes_on_spirv(driver: &str) -> bool {
    let version = |rest: &str| rest.split('.').next()?.parse::<u32>().ok();
    let mesa = driver.split_once("Mesa ").and_then(|(_, rest)| version(rest));
    driver.contains("llvmpipe") && mesa.is_some_and(|major| major < 23)
}

const fn backends(api: GraphicsApi) -> wgpu::Backends {
    match api {
        GraphicsApi::Vulkan => wgpu::Backends::VULKAN,
        GraphicsApi::Metal => wgpu::Backends::METAL,
        GraphicsApi::Dx12 => wgpu::Backends::DX12,
        GraphicsApi::Gl => wgpu::Backends::GL,
        GraphicsApi::WebGpu => wgpu::Backends::BROWSER_WEBGPU,
    }
}

const fn pinned(api: GraphicsApi) -> WgpuBackend {
    match api {
        GraphicsApi::Vulkan => WgpuBackend::Vulkan,
        GraphicsApi::Metal => WgpuBackend::Metal,
        GraphicsApi::Dx12 => WgpuBackend::Dx12,
        GraphicsApi::Gl => WgpuBackend::Gl,
        GraphicsApi::WebGpu => WgpuBackend::WebGpu,
    }
}

/// The value of a future that has nothing to wait for, as wgpu's lists of adapters have outside of browsers.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_software_drivers_are_known_to_crash_on_spirv() {
        assert!(crashes_on_spirv("llvmpipe Mesa 22.3.6 (LLVM 15.0.6)"));
        assert!(!crashes_on_spirv("llvmpipe Mesa 25.0.7 (LLVM 19.1.7)"));
        assert!(!crashes_on_spirv("radv Mesa 22.3.6"));
        assert!(!crashes_on_spirv("NVIDIA 550.54"));
    }
}
