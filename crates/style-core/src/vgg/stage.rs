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
        let inside = || ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        match padding {
            Padding::Zero => conv2d(input, weight, bias, same_size()),
            Padding::Replicate => conv2d(input.pad((1, 1, 1, 1), PadMode::Edge), weight, bias, inside()),
            Padding::Reflect => conv2d(reflect(reflect(input, 2), 3), weight, bias, inside()),
        }
    }

    /// The gradient with respect to the convolution's input, from the one of its output.
    pub(super) fn convolve_backward(&self, gradient: Tensor<4>, padding: Padding) -> Tensor<4> {
        let rotated = self.rotated.clone();
        match padding {
            Padding::Zero => conv2d(gradient, rotated, None, same_size()),
            Padding::Replicate | Padding::Reflect => {
                let full = ConvOptions::new([1, 1], [2, 2], [1, 1], 1);
                let padded = conv2d(gradient, rotated, None, full);
                fold_border(fold_border(padded, 2, padding), 3, padding)
            }
        }
    }
}

/// 3 x 3, stride 1, padding 1.
fn same_size() -> ConvOptions<2> {
    ConvOptions::new([1, 1], [1, 1], [1, 1], 1)
}

/// Mirrors along `dim`; a single line has nothing to mirror and is repeated.
fn reflect(input: Tensor<4>, dim: usize) -> Tensor<4> {
    let length = input.dims()[dim];
    let (before, after) = if length > 1 { (1, length - 2) } else { (0, 0) };
    let margin = |at: usize| input.clone().narrow(dim, at, 1);
    Tensor::cat(vec![margin(before), input.clone(), margin(after)], dim)
}

/// The backward of padding along `dim`: what reached the margin belongs to the lines that were put there.
fn fold_border(padded: Tensor<4>, dim: usize, padding: Padding) -> Tensor<4> {
    let length = padded.dims()[dim] - 2;
    let (before, after) = match padding {
        Padding::Reflect if length > 1 => (1, length - 2),
        _ => (0, length - 1),
    };
    let margin = |at: usize| padded.clone().narrow(dim, at, 1);
    let fold = |inner: Tensor<4>, at: usize, margin: Tensor<4>| {
        let mut parts = vec![inner.clone().narrow(dim, at, 1) + margin];
        if at > 0 {
            parts.insert(0, inner.clone().narrow(dim, 0, at));
        }
        if at + 1 < length {
            parts.push(inner.narrow(dim, at + 1, length - at - 1));
        }
        Tensor::cat(parts, dim)
    };
    let inner = padded.clone().narrow(dim, 1, length);
    fold(fold(inner, before, margin(0)), after, margin(length + 1))
}

/// 2 x 2 pooling times `gain`, in a way that a graph of Burn's autodiff can follow.
pub(super) fn pool(input: Tensor<4>, pooling: Pooling, gain: f32) -> Tensor<4> {
    let pooled = match pooling {
        Pooling::Max => max_pool2d(input, MaxPoolOptions::new([2, 2])),
        Pooling::Average => avg_pool2d(input, AvgPoolOptions::new([2, 2])),
        Pooling::L2 => {
            let squares = sum_of_squares(input);
            // The root's slope is infinite at 0; filled, the graph has a slope of 0 there.
            let nothing = squares.clone().equal_scalar(0.0);
            squares.mask_fill(nothing.clone(), 1.0).sqrt().mask_fill(nothing, 0.0)
        }
    };
    times(pooled, gain)
}

/// The sum of the squares of every 2 x 2 values.
fn sum_of_squares(input: Tensor<4>) -> Tensor<4> {
    avg_pool2d(input.clone() * input, AvgPoolOptions::new([2, 2])) * 4.0
}

/// Most gains are 1, and a multiplication would copy a map.
fn times(map: Tensor<4>, gain: f32) -> Tensor<4> {
    #[allow(clippy::float_cmp)] // exactly 1 changes nothing
    if gain == 1.0 { map } else { map * gain }
}

/// What the backward of a pooling needs.
#[derive(Debug, Clone)]
pub(super) struct Pooled {
    input: Tensor<4>,
    gain: f32,
    kept: Kept,
}

/// What a pooling found out, besides its input.
#[derive(Debug, Clone)]
enum Kept {
    /// Where the largest values are.
    Largest(Tensor<4, Int>),
    /// The norms, before the gain.
    Norms(Tensor<4>),
    Nothing,
}

impl Pooled {
    /// 2 x 2 pooling that remembers what its backward needs.
    pub(super) fn forward(input: Tensor<4>, pooling: Pooling, gain: f32) -> (Tensor<4>, Self) {
        let (output, kept) = match pooling {
            Pooling::Max => {
                let (output, largest) = max_pool2d_with_indices(input.clone(), MaxPoolOptions::new([2, 2]));
                (output, Kept::Largest(largest))
            }
            Pooling::Average => (pool(input.clone(), pooling, 1.0), Kept::Nothing),
            Pooling::L2 => {
                let norms = sum_of_squares(input.clone()).sqrt();
                (norms.clone(), Kept::Norms(norms))
            }
        };
        (times(output, gain), Self { input, gain, kept })
    }

    /// The gradient with respect to the pooling's input.
    pub(super) fn backward(self, gradient: Tensor<4>) -> Tensor<4> {
        let (two, zero) = ([2, 2], [0, 0]);
        let gradient = times(gradient, self.gain);
        let spread = |input, gradient| avg_pool2d_backward(input, gradient, two, two, zero, true, false);
        match self.kept {
            Kept::Largest(largest) => {
                max_pool2d_with_indices_backward(self.input, two, two, zero, [1, 1], false, gradient, largest)
            }
            Kept::Nothing => spread(self.input, gradient),
            Kept::Norms(norms) => {
                let nothing = norms.clone().equal_scalar(0.0);
                let slope = (gradient / norms).mask_fill(nothing, 0.0);
                // An average spreads a quarter of its gradient to each of the four.
                spread(self.input.clone(), slope * 4.0) * self.input
            }
        }
    }
}
