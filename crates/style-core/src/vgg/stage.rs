//! One convolution with the pooling before it: forward, and backward to its input.

use burn::tensor::module::{
    avg_pool2d, avg_pool2d_backward, conv2d, max_pool2d, max_pool2d_with_indices,
    max_pool2d_with_indices_backward,
};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions, PadMode};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::weights::PlainConvolution;
use super::{Padding, Pooling};

/// A convolution's weights, once as trained and once as its input gradient wants them.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// `[out, in, 3, 3]`
    weight: Tensor<4>,
    /// `[in, out, 3, 3]`, turned by half a turn: the input gradient of a convolution is the convolution
    /// of the output gradient with this.
    rotated: Tensor<4>,
    /// `[out]`
    bias: Tensor<1>,
}

impl Stage {
    /// Puts weights onto a device.
    pub(super) fn new(plain: &PlainConvolution, device: &Device) -> Self {
        let data = TensorData::new(plain.weight.clone(), plain.convolution.weight_shape());
        let weight: Tensor<4> = Tensor::from_data(data, device);
        let bias = TensorData::new(plain.bias.clone(), [plain.convolution.outputs()]);
        // Times one: a copy in plain layout, which the convolution would otherwise make at every step.
        let rotated = weight.clone().swap_dims(0, 1).flip([2, 3]).mul_scalar(1.0);
        Self { weight, rotated, bias: Tensor::from_data(bias, device) }
    }

    /// `[B, in, H, W]` to `[B, out, H, W]`, before the ReLU.
    pub(super) fn convolve(&self, input: Tensor<4>, padding: Padding) -> Tensor<4> {
        let weight = self.weight.clone();
        let bias = Some(self.bias.clone());
        match padding {
            Padding::Zero => conv2d(input, weight, bias, same_size()),
            Padding::Replicate => {
                let padded = input.pad((1, 1, 1, 1), PadMode::Edge);
                conv2d(padded, weight, bias, ConvOptions::new([1, 1], [0, 0], [1, 1], 1))
            }
        }
    }

    /// The gradient with respect to the convolution's input, from the one of its output.
    pub(super) fn convolve_backward(&self, gradient: Tensor<4>, padding: Padding) -> Tensor<4> {
        let rotated = self.rotated.clone();
        match padding {
            Padding::Zero => conv2d(gradient, rotated, None, same_size()),
            Padding::Replicate => {
                let full = ConvOptions::new([1, 1], [2, 2], [1, 1], 1);
                let padded = conv2d(gradient, rotated, None, full);
                fold_border(fold_border(padded, 2), 3)
            }
        }
    }
}

/// 3 x 3, stride 1, padding 1.
fn same_size() -> ConvOptions<2> {
    ConvOptions::new([1, 1], [1, 1], [1, 1], 1)
}

/// The backward of replicating the edge along `dim`: what reached the margin belongs to the edge.
fn fold_border(padded: Tensor<4>, dim: usize) -> Tensor<4> {
    let length = padded.dims()[dim] - 2;
    let margin = |at: usize| padded.clone().narrow(dim, at, 1);
    let inner = padded.clone().narrow(dim, 1, length);
    if length == 1 {
        return inner + margin(0) + margin(2);
    }
    let first = inner.clone().narrow(dim, 0, 1) + margin(0);
    let last = inner.clone().narrow(dim, length - 1, 1) + margin(length + 1);
    let mut parts = vec![first];
    if length > 2 {
        parts.push(inner.narrow(dim, 1, length - 2));
    }
    parts.push(last);
    Tensor::cat(parts, dim)
}

/// 2 x 2 pooling in a way that a graph of Burn's autodiff can follow.
pub(super) fn pool(input: Tensor<4>, pooling: Pooling) -> Tensor<4> {
    match pooling {
        Pooling::Max => max_pool2d(input, MaxPoolOptions::new([2, 2])),
        Pooling::Average => avg_pool2d(input, AvgPoolOptions::new([2, 2])),
    }
}

/// What the backward of a pooling needs: its input, and where the largest values were.
#[derive(Debug, Clone)]
pub(super) struct Pooled {
    input: Tensor<4>,
    largest: Option<Tensor<4, Int>>,
}

impl Pooled {
    /// 2 x 2 pooling that remembers what its backward needs.
    pub(super) fn forward(input: Tensor<4>, pooling: Pooling) -> (Tensor<4>, Self) {
        match pooling {
            Pooling::Max => {
                let (output, largest) = max_pool2d_with_indices(input.clone(), MaxPoolOptions::new([2, 2]));
                (output, Self { input, largest: Some(largest) })
            }
            Pooling::Average => (pool(input.clone(), pooling), Self { input, largest: None }),
        }
    }

    /// The gradient with respect to the pooling's input.
    pub(super) fn backward(self, gradient: Tensor<4>) -> Tensor<4> {
        let (two, zero) = ([2, 2], [0, 0]);
        match self.largest {
            Some(largest) => {
                max_pool2d_with_indices_backward(self.input, two, two, zero, [1, 1], false, gradient, largest)
            }
            None => avg_pool2d_backward(self.input, gradient, two, two, zero, true, false),
        }
    }
}
