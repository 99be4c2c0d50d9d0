//! The engine of neural style transfer, tensors in and tensors out.
//!
//! A frozen [`Vgg`] turns pictures into features. A [`ContentLoss`] compares feature maps, a
//! [`StyleLoss`] compares statistics such as Gram matrices, [`TotalVariation`] keeps neighbours alike; their weighted sum
//! is minimised with respect to the picture's own pixels. [`StyleTransfer`] does the whole job; every
//! part also works alone, and in a graph of Burn's autodiff.
//!
//! Pictures are tensors `[batch, 3, height, width]`, RGB, sRGB values in `[0, 1]`. Everything runs on
//! the [`Device`] that the network was loaded to. The engine opens no picture file and prints nothing.
//!
//! # Reference
//!
//! L. A. Gatys, A. S. Ecker and M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*,
//! CVPR 2016.

mod checkpoint;
mod conv3x3_relu;
mod convert;
mod device;
mod doctor;
mod error;
mod guide;
mod loss;
mod memory;
mod metrics;
mod objective;
mod optimizer;
mod perceptual;
mod preset;
mod statistics;
mod style_file;
mod transfer;
mod vgg;
mod wait;

pub use burn::tensor::Device;
pub use checkpoint::Checkpoint;
pub use conv3x3_relu::Conv3x3Relu;
pub use convert::{image_to_tensor, tensor_to_image};
pub use device::largest_buffer;
pub use doctor::{Check, CheckKind, Diagnosis, Doctor, Precision, Verdict};
pub use error::Error;
pub use guide::Guide;
pub use loss::{
    ContentForm, ContentLoss, GramLoss, GramScale, MeanVarianceLoss, Seen, SlicedWassersteinLoss, Slope,
    StyleForm, StyleLoss, TotalVariation, WassersteinLoss,
};
pub use memory::{Memory, available_memory, peak_memory, resident_memory};
pub use metrics::{LayerDistance, Metrics, normalised_distance};
pub use objective::{Evaluation, Objective, Term};
pub use optimizer::{Adam, Average, ImageOptimizer, Lbfgs, LineSearch, Optimizer};
pub use perceptual::PerceptualLoss;
pub use preset::{Preset, TunedOn};
pub use statistics::{Statistics, gram_matrix};
pub use style_file::StyleFile;
pub use style_format::{Architecture, FormatError, Layer, PixelTransform, UnknownLayer, VggFile};
pub use style_kernels::{KernelError, threads};
pub use transfer::{
    CancelToken, Clamp, Colour, Losses, Outcome, Plan, PlannedScale, Report, ScaleRun, Settings, Start, Step,
    Style, StyleTransfer, Task, Times,
};
pub use vgg::{Derivatives, Kernel, LayerDescription, ModelDescription, Padding, Pass, Pooling, Taps, Vgg};

#[cfg(test)]
mod test_support;
