//! The golden files, and how numbers are compared with them.
#![allow(dead_code)] // every test program compiles this module for itself and uses a part of it
#![allow(clippy::unwrap_used, clippy::panic)] // a test may panic

use std::collections::HashMap;

use burn::tensor::{Device, Tensor, TensorData};
use style_core::Kernel;
use style_image::Image;

/// The device that is compared with PyTorch: flex, or the one that `STYLE_TEST_DEVICE` names (`ndarray`, or `wgpu` for
/// the GPU that is taken by default), where the build has its feature.
pub(crate) fn device() -> Device {
    let name = std::env::var("STYLE_TEST_DEVICE").unwrap_or_default();
    match name.as_str() {
        "" | "flex" => Device::flex(),
        #[cfg(feature = "ndarray")]
        #[expect(deprecated)] // by Burn; users still ask for it
        "ndarray" => Device::ndarray(),
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        _ => panic!("STYLE_TEST_DEVICE={name}: this build has no such device"),
    }
}

/// Everything that computes the network on that device; the default is the last one. On ndarray a pass by Burn's
/// operations takes minutes, and on a GPU the CPU kernels would test the CPU.
pub(crate) fn kernels() -> &'static [Kernel] {
    match std::env::var("STYLE_TEST_DEVICE").unwrap_or_default().as_str() {
        "" | "flex" => &[Kernel::Burn, Kernel::Direct, Kernel::Winograd],
        "ndarray" => &[Kernel::Direct, Kernel::Winograd],
        _ => &[Kernel::Burn],
    }
}

/// Tensors of one golden file by name, with their shapes.
pub(crate) struct Golden(pub(crate) HashMap<String, (Vec<usize>, Vec<f32>)>);

impl Golden {
    pub(crate) fn load(name: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
        let bytes = std::fs::read(format!("{folder}/{name}.safetensors")).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let read = |view: safetensors::tensor::TensorView<'_>| {
            let values = view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
            (view.shape().to_vec(), values.collect())
        };
        Self(file.iter().map(|(name, view)| (name.to_owned(), read(view))).collect())
    }

    pub(crate) fn values(&self, name: &str) -> &[f32] {
        &self.0.get(name).unwrap_or_else(|| panic!("no golden {name}")).1
    }

    /// A picture `[3, H, W]` as `[1, 3, H, W]`.
    pub(crate) fn picture(&self, name: &str) -> Tensor<4> {
        let (shape, values) = &self.0[name];
        let shape = [1, shape[0], shape[1], shape[2]];
        Tensor::from_data(TensorData::new(values.clone(), shape), &device())
    }

    /// A picture `[3, H, W]`.
    pub(crate) fn image(&self, name: &str) -> Image {
        let (shape, values) = &self.0[name];
        Image::from_planar(shape[2], shape[1], values).unwrap()
    }
}

/// `|found - expected| / |expected|`.
pub(crate) fn relative_error(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let sum = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let difference = sum(&mut found.iter().zip(expected).map(|(&a, &b)| f64::from(a) - f64::from(b)));
    difference / sum(&mut expected.iter().map(|&b| f64::from(b)))
}

/// `1 - cos` of the angle between two vectors.
pub(crate) fn cosine_distance(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
