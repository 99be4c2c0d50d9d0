//! What several test modules need: the real network, and comparisons.

use burn::tensor::{Device, Tensor, TensorData};
use style_format::{Layer, VggFile};

use crate::Vgg;
pub(crate) use crate::doctor::relative_error;

/// The bundled VGG-19, down to `layer`.
pub(crate) fn vgg(layer: Layer) -> Vgg {
    let file = VggFile::parse(style_weights::VGG19).unwrap().cut_after(layer).unwrap();
    Vgg::from_weights(file, &Device::flex())
}

/// Numbers without pattern in `[0, 1)`, the same for the same seed.
pub(crate) fn numbers(length: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    (0..length).map(|_| next()).collect()
}

/// A tensor of such numbers.
pub(crate) fn tensor<const D: usize>(shape: [usize; D], seed: u32) -> Tensor<D> {
    let data = TensorData::new(numbers(shape.iter().product(), seed), shape);
    Tensor::from_data(data, &Device::flex())
}

/// Values that PyTorch computed, by name.
pub(crate) struct Golden(Vec<u8>);

impl Golden {
    /// The file of that name in `tests/golden`.
    pub(crate) fn load(name: &str) -> Self {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        Self(std::fs::read(folder.join(name).with_extension("safetensors")).unwrap())
    }

    pub(crate) fn values(&self, name: &str) -> Vec<f32> {
        let file = safetensors::SafeTensors::deserialize(&self.0).unwrap();
        let bytes = file.tensor(name).unwrap().data();
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    }

    /// A tensor with ones in front of its shape.
    pub(crate) fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let file = safetensors::SafeTensors::deserialize(&self.0).unwrap();
        let shape = file.tensor(name).unwrap().shape().to_vec();
        let mut padded = [1; D];
        padded[D - shape.len()..].copy_from_slice(&shape);
        Tensor::from_data(TensorData::new(self.values(name), padded), &Device::flex())
    }
}

pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().unwrap()
}

/// Compares the gradient of `loss` at `at` with central differences along every coordinate.
pub(crate) fn check_gradient<const D: usize>(at: &Tensor<D>, loss: impl Fn(Tensor<D>) -> Tensor<1>) {
    check_gradient_near(at, 0.03, loss);
}

/// As [`check_gradient`], with differences over `reach` either way: small where the loss has kinks.
pub(crate) fn check_gradient_near<const D: usize>(
    at: &Tensor<D>,
    reach: f32,
    loss: impl Fn(Tensor<D>) -> Tensor<1>,
) {
    let leaf = at.clone().autodiff().require_grad();
    let gradient = values(leaf.grad(&loss(leaf.clone()).backward()).unwrap());
    let (shape, here) = (at.dims(), values(at.clone()));
    let value_at = |position: usize, change: f32| {
        let mut there = here.clone();
        there[position] += change;
        let moved = f64::from(there[position]) - f64::from(here[position]);
        let there = Tensor::from_data(TensorData::new(there, shape), &at.device());
        (f64::from(values(loss(there))[0]), moved)
    };
    let numeric: Vec<f32> = (0..here.len())
        .map(|position| {
            let ((up, right), (down, left)) = (value_at(position, reach), value_at(position, -reach));
            ((up - down) / (right - left)) as f32
        })
        .collect();
    let error = relative_error(&gradient, &numeric);
    assert!(error < 3e-3, "relative error {error}: {gradient:?} against {numeric:?}");
}
