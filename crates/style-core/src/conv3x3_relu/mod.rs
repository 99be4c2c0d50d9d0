//! A frozen convolution with its ReLU as one operation of Burn, for anybody's graph.

#[cfg(any(feature = "flex", feature = "ndarray"))]
mod operation;
#[cfg(test)]
mod tests;

use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, FloatDType, Tensor};
use style_kernels::{Conv3x3, Convolution, Isa};

use crate::Error;
use crate::convert::read;
use crate::statistics::same_device;
use crate::vgg::{Kernel, default_kernel};

/// `y = max(w * x + b, 0)`: a 3 x 3 convolution, stride 1, with a pixel of zeros around and a ReLU, as one
/// operation in a graph of Burn's autodiff, its weights frozen.
///
/// On Burn's CPU devices (flex and ndarray) both ways run on this library's kernels, and the tape keeps
/// nothing but the ReLU's output. On every other device, and for tensors of another type than `f32`, the same
/// is computed by Burn's ordinary operations. Cloning is cheap: weights are shared.
///
/// The kernels pad channels to multiples of 32: this is for hidden layers. A first convolution of three
/// channels loses more by that than Winograd's way gains.
///
/// A [`Vgg`](crate::Vgg) needs none of these; they are for encoders, decoders and losses of your own, where
/// [`Objective::forward`](crate::Objective::forward) is too much.
///
/// # Memory
///
/// On the kernels' devices filters are kept once as they are and once packed for each way, 4 x 27 bytes for
/// every pair of an input and an output channel (packed ones padded to multiples of 32), and so are the two
/// maps of one picture with the transforms' scratch memory, from one pass for the next of the same size.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Distribution, Tensor};
/// use style_core::{Conv3x3Relu, Device};
///
/// # fn main() -> Result<(), style_core::Error> {
/// # #[cfg(feature = "flex")] {
/// let device = Device::flex();
/// let weight = Tensor::random([16, 8, 3, 3], Distribution::Uniform(-0.3, 0.3), &device);
/// let frozen = Conv3x3Relu::new(weight, Tensor::zeros([16], &device))?;
///
/// let x = Tensor::<4>::random([1, 8, 24, 32], Distribution::Default, &device).autodiff().require_grad();
/// let y = frozen.forward(x.clone() * 2.0)?; // anywhere in a graph
/// assert_eq!(y.dims(), [1, 16, 24, 32]);
/// let gradients = y.powi_scalar(2).mean().backward();
/// assert_eq!(x.grad(&gradients).unwrap().dims(), [1, 8, 24, 32]);
/// # }
/// # Ok(())
/// # }
/// ```
///
/// # Reference
///
/// A. Lavin and S. Gray, *Fast Algorithms for Convolutional Neural Networks*, CVPR 2016, section 4.3: the
/// kernels' way to convolve; relative error 1e-6 to 2e-6, for white noise in many channels of a large map up
/// to 1e-5.
#[derive(Debug, Clone)]
pub struct Conv3x3Relu {
    weight: Tensor<4>,
    bias: Tensor<1>,
    /// The same weights packed for the CPU kernels, on the devices where these compute.
    kernel: Option<Conv3x3>,
}

impl Conv3x3Relu {
    /// Freezes a convolution's weights, which must be finite. Any autodiff graph they are in ends here.
    ///
    /// # Shapes
    ///
    /// `weight` `[outputs, inputs, 3, 3]`, a cross-correlation as in Burn and PyTorch; `bias` `[outputs]`.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`], [`Error::OtherDevice`] when the two are not on one device, [`Error::Setting`] for
    /// values that are not finite, [`Error::Device`] when they cannot be read, [`Error::Kernel`] for want of
    /// memory.
    pub fn new(weight: Tensor<4>, bias: Tensor<1>) -> Result<Self, Error> {
        let [outputs, inputs, rows, columns] = weight.dims();
        if outputs == 0 || inputs == 0 || [rows, columns] != [3, 3] {
            return Err(shape("the weight", &weight, "[outputs, inputs, 3, 3], at least one of each".into()));
        }
        if bias.dims() != [outputs] {
            return Err(shape("the bias", &bias, format!("[{outputs}], one value for every output")));
        }
        let weight = weight.without_autodiff().cast(FloatDType::F32);
        let bias = bias.without_autodiff().cast(FloatDType::F32);
        let device = weight.device();
        same_device("the bias", &bias, &device)?;
        let plain_weight = finite("weight", read(weight.clone(), "reading the weight")?)?;
        let plain_bias = finite("bias", read(bias.clone(), "reading the bias")?)?;
        let kernel = match default_kernel(&device) {
            Kernel::Burn => None,
            Kernel::Winograd | Kernel::Direct => {
                let (weight, bias) = (&plain_weight, &plain_bias);
                let convolution = Convolution { inputs, outputs, weight, bias, pooled: false };
                Some(Conv3x3::new(&convolution, Isa::Auto)?)
            }
        };
        Ok(Self { weight, bias, kernel })
    }

    /// Input channels.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.weight.dims()[1]
    }

    /// Output channels.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.weight.dims()[0]
    }

    /// Convolves `x`, which may be part of an autodiff graph; then so is the result. The gradient goes through
    /// where the result is positive; at exactly zero it is zero.
    ///
    /// # Shapes
    ///
    /// `x` `[batch, inputs, height, width]`, the result `[batch, outputs, height, width]`, of the type of `x`.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`], [`Error::OtherDevice`] when `x` is not where the weights are, [`Error::Kernel`] for
    /// want of memory.
    pub fn forward(&self, x: Tensor<4>) -> Result<Tensor<4>, Error> {
        let [batch, channels, height, width] = x.dims();
        if channels != self.inputs() || batch * height * width == 0 {
            let expected = format!("[batch, {}, height, width], none of them zero", self.inputs());
            return Err(shape("the convolution's input", &x, expected));
        }
        same_device("the convolution's input", &x, &self.weight.device())?;
        match &self.kernel {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            Some(kernel) if x.dtype() == DType::F32 => {
                // Inside of an operation nobody could be told.
                kernel.reserve(height, width)?;
                Ok(operation::run(x, self.weight.clone(), self.bias.clone(), kernel.clone()))
            }
            _ => Ok(self.by_ordinary_operations(x)),
        }
    }

    /// The same without the kernels.
    fn by_ordinary_operations(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = match x.dtype() {
            // Burn dequantizes.
            DType::QFloat(_) => (self.weight.clone(), self.bias.clone()),
            dtype => (self.weight.clone().cast(dtype), self.bias.clone().cast(dtype)),
        };
        relu(conv2d(x, weight, Some(bias), options()))
    }
}

/// Stride 1, a pixel of zeros around.
fn options() -> ConvOptions<2> {
    ConvOptions::new([1, 1], [1, 1], [1, 1], 1)
}

fn shape<const D: usize>(what: &'static str, tensor: &Tensor<D>, expected: String) -> Error {
    Error::Shape { what, found: tensor.dims().to_vec(), expected }
}

fn finite(name: &'static str, values: Vec<f32>) -> Result<Vec<f32>, Error> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(at) => Err(Error::setting(name, format!("{} at {at}", values[at]), "finite numbers")),
    }
}
