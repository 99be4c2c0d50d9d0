//! What the engine has to know of a device: whether its tensors lie in host memory, and its largest buffer.

use burn::tensor::Device;

/// Whether tensors of a device lie in host memory, where the CPU kernels reach them and reading costs nothing.
pub(crate) fn is_in_host_memory(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return true;
    }
    #[cfg(feature = "ndarray")]
    #[expect(deprecated)] // by Burn; users still ask for it
    if *device == Device::ndarray() {
        return true;
    }
    let _ = device;
    false
}

/// Bytes of the largest buffer that a device gives out, as its driver says it; `None` where memory is the only limit,
/// and for a remote device, whose driver is not asked.
///
/// On a GPU this is the largest storage buffer that a shader may see, often far less than the memory: 128 MiB is what
/// Vulkan promises at least.
#[must_use]
pub fn largest_buffer(device: &Device) -> Option<u64> {
    #[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
    if let burn::backend::DispatchDevice::Cube(gpu) = device.clone().without_autodiff().as_dispatch() {
        return Some(gpu.client().properties().memory.max_page_size);
    }
    let _ = device;
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flex_lies_in_host_memory_and_has_no_largest_buffer() {
        assert!(is_in_host_memory(&Device::flex()));
        assert!(is_in_host_memory(&Device::flex().autodiff()));
        assert_eq!(largest_buffer(&Device::flex().autodiff()), None);
    }
}
