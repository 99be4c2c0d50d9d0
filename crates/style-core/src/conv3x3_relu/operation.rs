//! The operation inside of Burn: an extension of its CPU backends, with a backward pass of its own.
//!
//! ```text
//!  Tensor ──> Dispatch ──┬── plain ───> Flex, NdArray: the kernels' way forward
//!                        └── tracked ─> Autodiff: the same, and a node on the tape with the output
//!                                       way back: the kernels again, told the output
//! ```
//!
//! The trait is private: which backends there are is Burn's to say, so nobody outside could add one.
#![cfg_attr(feature = "ndarray", expect(deprecated))] // by Burn; users still ask for it

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::ops::ConvTransposeOptions;
use burn::tensor::{Shape, Tensor, TensorData};
use style_kernels::{Conv3x3, KernelError};

use super::options;

/// Runs the operation on a device of a CPU backend; `x` is `f32`, shapes fit.
pub(super) fn run(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, kernel: Conv3x3) -> Tensor<4> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::conv3x3_relu(x, weight, bias, kernel))
}

/// What a backend must know. The bodies are made of ordinary operations; backends in host memory replace them
/// and fall back on them.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Autodiff
)]
trait Conv3x3ReluOps: Backend {
    /// `max(weight * x + bias, 0)`; `kernel` holds the same weights, packed.
    #[allow(unused_variables)] // ordinary operations need no kernel
    fn conv3x3_relu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        kernel: Conv3x3,
    ) -> FloatTensor<Self> {
        ordinary_forward::<Self>(x, weight, bias)
    }

    /// The gradient of `x` from the output and its gradient.
    #[allow(unused_variables)] // ordinary operations need no kernel
    fn conv3x3_relu_backward(
        output: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        kernel: Conv3x3,
    ) -> FloatTensor<Self> {
        ordinary_backward::<Self>(output, gradient, weight)
    }
}

fn ordinary_forward<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
) -> FloatTensor<B> {
    B::relu(B::conv2d(x, weight, Some(bias), options()))
}

fn ordinary_backward<B: Backend>(
    output: FloatTensor<B>,
    gradient: FloatTensor<B>,
    weight: FloatTensor<B>,
) -> FloatTensor<B> {
    let gradient = B::relu_backward(output, gradient);
    // With stride 1 and this padding the gradient of a convolution is its transpose.
    B::conv_transpose2d(gradient, weight, None, ConvTransposeOptions::new([1, 1], [1, 1], [0, 0], [1, 1], 1))
}

impl<B: Conv3x3ReluOps, C: CheckpointStrategy> Conv3x3ReluOps for Autodiff<B, C> {
    fn conv3x3_relu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        kernel: Conv3x3,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Conv3x3Relu;

        impl<B: Conv3x3ReluOps> Backward<B, 1> for Conv3x3Relu {
            /// The output, the weight, and the weight again, packed.
            type State = (FloatTensor<B>, FloatTensor<B>, Conv3x3);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let (output, weight, kernel) = ops.state;
                unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
                    B::conv3x3_relu_backward(output, gradient, weight, kernel)
                });
            }
        }

        let (x, node) = x.into_parts();
        let (weight, bias) = (weight.into_primitive(), bias.into_primitive());
        match Conv3x3Relu.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(tracked) => {
                let output = B::conv3x3_relu(x, weight.clone(), bias, kernel.clone());
                tracked.finish((output.clone(), weight, kernel), output)
            }
            OpsKind::UnTracked(untracked) => untracked.finish(B::conv3x3_relu(x, weight, bias, kernel)),
        }
    }
}

/// A backend whose tensors lie in host memory.
trait Host: Backend {
    /// Shows the values of an `f32` tensor, row-major, to `read`; copies them only where they lie otherwise.
    /// `None` for other types.
    fn values<R>(tensor: &FloatTensor<Self>, read: impl FnOnce(&[f32]) -> R) -> Option<R>;
}

/// Forward on the kernels; where these refuse, by ordinary operations.
fn forward<B: Host>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    kernel: &Conv3x3,
) -> FloatTensor<B> {
    let shape = x.shape();
    let size = [shape[0], shape[2], shape[3]];
    let mut y = vec![0.0; size.iter().product::<usize>() * kernel.outputs()];
    let done = B::values(&x, |x| kernel.forward(size, x, &mut y));
    finish::<B>(done, y, [shape[0], kernel.outputs(), shape[2], shape[3]], &x)
        .unwrap_or_else(|| ordinary_forward::<B>(x, weight, bias))
}

/// Backward on the kernels; where these refuse, by ordinary operations.
fn backward<B: Host>(
    output: FloatTensor<B>,
    gradient: FloatTensor<B>,
    weight: FloatTensor<B>,
    kernel: &Conv3x3,
) -> FloatTensor<B> {
    let shape = output.shape();
    let size = [shape[0], shape[2], shape[3]];
    let mut d_x = vec![0.0; size.iter().product::<usize>() * kernel.inputs()];
    let done = B::values(&output, |y| B::values(&gradient, |d_y| kernel.backward(size, y, d_y, &mut d_x)));
    finish::<B>(done.flatten(), d_x, [shape[0], kernel.inputs(), shape[2], shape[3]], &gradient)
        .unwrap_or_else(|| ordinary_backward::<B>(output, gradient, weight))
}

/// What the kernels computed, as a tensor beside `neighbour`.
fn finish<B: Backend>(
    done: Option<Result<(), KernelError>>,
    values: Vec<f32>,
    shape: [usize; 4],
    neighbour: &FloatTensor<B>,
) -> Option<FloatTensor<B>> {
    done?.ok()?;
    Some(B::float_from_data(TensorData::new(values, Shape::from(shape)), &neighbour.device()))
}

/// Lets a backend in host memory use the kernels.
macro_rules! on_the_kernels {
    ($backend:ty) => {
        impl Conv3x3ReluOps for $backend {
            fn conv3x3_relu(
                x: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                kernel: Conv3x3,
            ) -> FloatTensor<Self> {
                forward::<Self>(x, weight, bias, &kernel)
            }

            fn conv3x3_relu_backward(
                output: FloatTensor<Self>,
                gradient: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                kernel: Conv3x3,
            ) -> FloatTensor<Self> {
                backward::<Self>(output, gradient, weight, &kernel)
            }
        }
    };
}

#[cfg(feature = "flex")]
mod flex {
    use burn::backend::Flex;
    use burn::backend::tensor::FloatTensor;
    use burn::tensor::DType;
    use style_kernels::Conv3x3;

    use super::{Conv3x3ReluOps, Host, backward, forward};

    on_the_kernels!(Flex);

    impl Host for Flex {
        fn values<R>(tensor: &FloatTensor<Self>, read: impl FnOnce(&[f32]) -> R) -> Option<R> {
            (tensor.dtype() == DType::F32).then(|| read(tensor.to_contiguous().storage()))
        }
    }
}

#[cfg(feature = "ndarray")]
mod ndarray {
    use burn::backend::NdArray;
    use burn::backend::ndarray::NdArrayTensor;
    use burn::backend::tensor::FloatTensor;
    use style_kernels::Conv3x3;

    use super::{Conv3x3ReluOps, Host, backward, forward};

    on_the_kernels!(NdArray);

    impl Host for NdArray {
        fn values<R>(tensor: &FloatTensor<Self>, read: impl FnOnce(&[f32]) -> R) -> Option<R> {
            let NdArrayTensor::F32(values) = tensor else { return None };
            let values = values.view();
            Some(match values.as_slice() {
                Some(values) => read(values),
                None => read(&values.iter().copied().collect::<Vec<_>>()),
            })
        }
    }
}
