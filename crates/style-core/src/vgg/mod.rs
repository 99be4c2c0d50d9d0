//! The frozen network: pictures to features, and derivatives of features back to pixels.

mod buffers;
mod describe;
mod features;
mod fused;
mod generic;
mod memory;
mod pass;
mod stage;
mod taps;
mod weights;

use std::path::Path;
use std::sync::PoisonError;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use style_format::{Layer, VggFile};

pub use describe::{LayerDescription, ModelDescription};
pub use pass::{Derivatives, Pass};
pub use style_format::Pooling;
pub use taps::Taps;

use crate::Error;
use crate::device::{is_in_host_memory, largest_buffer};
use crate::statistics::same_device;
use fused::SparePlan;
use weights::Weights;
pub(crate) use weights::default_kernel;

/// What stands around the picture for the first convolution. All others are zero-padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Zeros, as the network was trained; for Caffe's weights zero is the mean colour.
    #[default]
    Zero,
    /// The edge pixels repeated: no false edge along the border, hence no frame in the picture.
    Replicate,
    /// The picture mirrored at its edge pixels, which are not repeated, as PyTorch's `reflect`; a picture one pixel wide
    /// or high has nothing to mirror there, and its edge is repeated.
    Reflect,
}

/// Largest weights file that is read: a whole VGG-19 in `f32` has 80 MB.
const LARGEST_FILE: u64 = 512 << 20;

/// What computes the network.
///
/// Pictures that are in a graph of Burn's autodiff always go through Burn's own operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// This library's CPU kernels with Winograd's convolutions: the default on Burn's CPU devices (flex and
    /// ndarray). On another device pictures travel to the CPU and back.
    Winograd,
    /// The same kernels with convolutions summed as they are written: for the last bits, and slower.
    Direct,
    /// Burn's tensor operations: the default on every other device.
    Burn,
}

/// A pre-trained VGG network, frozen, on a device.
///
/// Cloning is cheap: weights are shared. On the CPU kernels a network keeps the buffers of its last pass for the next
/// one of the same size, for all its clones together.
///
/// # Examples
///
/// ```no_run
/// use style_core::{Device, Layer, Vgg, image_to_tensor};
/// use style_image::Image;
///
/// let device = Device::flex();
/// let vgg = Vgg::load(&std::fs::read("vgg19.safetensors")?, &device)?;
/// let photo = image_to_tensor(&Image::open("photo.jpg")?, &device);
/// let features = vgg.features(photo, &[Layer::Relu4_2])?;
/// println!("{:?}", features[0].dims()); // [1, 512, height / 8, width / 8]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Vgg {
    weights: Weights,
    pooling: Pooling,
    pooling_gain: f32,
    padding: Padding,
    kernel: Kernel,
    spare: SparePlan,
    /// Factor and offset of every colour channel, `[1, 3, 1, 1]`: the pixel transform of the weights.
    scale: Tensor<4>,
    shift: Tensor<4>,
    device: Device,
    /// Bytes of the device's largest buffer.
    largest_buffer: Option<u64>,
}

impl Vgg {
    /// Loads a network from the bytes of a native weights file, as it was trained: zero padding, and the
    /// pooling that the file names (max where it names none).
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] says what is wrong with the bytes.
    pub fn load(bytes: &[u8], device: &Device) -> Result<Self, Error> {
        Ok(Self::from_weights(VggFile::parse(bytes)?, device))
    }

    /// Loads a network from a native weights file.
    ///
    /// # Errors
    ///
    /// [`Error::WeightsFile`] when it cannot be read, [`Error::Weights`] when it cannot be used.
    pub fn load_file(path: impl AsRef<Path>, device: &Device) -> Result<Self, Error> {
        let path = path.as_ref();
        let refuse = |reason: String| Error::WeightsFile { path: path.into(), reason };
        let metadata = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
        if !metadata.is_file() {
            return Err(refuse("it is no regular file".into()));
        }
        if metadata.len() > LARGEST_FILE {
            return Err(refuse(format!("it has {} bytes, at most {LARGEST_FILE} are read", metadata.len())));
        }
        let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        Self::load(&bytes, device)
    }

    /// Puts weights that are already in memory onto a device.
    #[must_use]
    pub fn from_weights(file: VggFile, device: &Device) -> Self {
        // Weights are constants: they stay off any tape, whatever device the caller has.
        let device = device.clone().without_autodiff();
        let input = file.info().input;
        let per_colour =
            |values: [f32; 3]| Tensor::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device);
        Self {
            scale: per_colour(input.scale_of_colours()),
            shift: per_colour(input.shift_of_colours()),
            pooling: file.info().pooling.unwrap_or_default(),
            pooling_gain: 1.0,
            weights: Weights::new(file),
            padding: Padding::default(),
            kernel: default_kernel(&device),
            spare: SparePlan::default(),
            largest_buffer: largest_buffer(&device),
            device,
        }
    }

    /// Gives back the buffers that were kept for the next pass.
    pub(crate) fn release_buffers(&self) {
        *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether buffers are kept for the next pass.
    #[cfg(test)]
    pub(crate) fn keeps_buffers(&self) -> bool {
        self.spare.lock().unwrap().is_some()
    }

    /// The same network with another pooling. On the CPU kernels [`Pooling::L2`] takes more memory, which
    /// [`Vgg::memory`] knows: its way back needs the maps.
    #[must_use]
    pub fn with_pooling(self, pooling: Pooling) -> Self {
        Self { pooling, ..self }
    }

    /// The same network with every pooling's output multiplied by `gain`, 1 unless it is set here.
    ///
    /// The network was trained with one pooling (max, nearly always). Behind another the maps are weaker (averages) or
    /// stronger (norms), and the biases of the next convolution weigh more or less; the factor makes up for that.
    ///
    /// # Reference
    ///
    /// crowsonkb/style-transfer-pytorch multiplies averages by 2.0 and norms by 0.78.
    #[must_use]
    pub fn with_pooling_gain(self, gain: f32) -> Self {
        Self { pooling_gain: gain, ..self }
    }

    /// The same network with another padding of its first convolution.
    #[must_use]
    pub fn with_padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// The same network computed in another way.
    #[must_use]
    pub fn with_kernel(self, kernel: Kernel) -> Self {
        Self { kernel, ..self }
    }

    /// Where the network and all its results live; without autodiff.
    #[must_use]
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// The pooling in use.
    #[must_use]
    pub const fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// The factor of every pooling's output.
    #[must_use]
    pub const fn pooling_gain(&self) -> f32 {
        self.pooling_gain
    }

    /// The padding of the first convolution in use.
    #[must_use]
    pub const fn padding(&self) -> Padding {
        self.padding
    }

    /// What computes the network.
    #[must_use]
    pub const fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// What tells these weights, and the pixels that they want, from any others.
    pub(crate) fn identity(&self) -> String {
        let info = self.weights.file().info();
        format!("{}, pixels {}, sha256 {}", self.extent(), info.input, self.weights.fingerprint())
    }

    /// Whether results must be fetched from a device before the host can look at them. Where Burn computes that is
    /// assumed, wherever its tensors lie.
    pub(crate) fn is_far(&self) -> bool {
        self.kernel == Kernel::Burn || !is_in_host_memory(&self.device)
    }

    /// Whether the loaded weights reach `layer`.
    #[must_use]
    pub fn contains(&self, layer: Layer) -> bool {
        self.weights.position(layer).is_some()
    }

    /// Checks that every layer is there.
    ///
    /// # Errors
    ///
    /// [`Error::LayerUnavailable`] names the first that is not.
    pub fn check_layers(&self, layers: impl IntoIterator<Item = Layer>) -> Result<(), Error> {
        match layers.into_iter().find(|&layer| !self.contains(layer)) {
            Some(layer) => Err(Error::LayerUnavailable { layer, available: self.extent() }),
            None => Ok(()),
        }
    }

    /// Architecture and reach in words: `vgg19, conv1_1 to conv5_1`.
    fn extent(&self) -> String {
        let file = self.weights.file();
        format!("{}, {}", file.info().architecture, file.extent())
    }

    /// Checks that a picture of this size leaves at least one position at `layer`.
    ///
    /// # Errors
    ///
    /// [`Error::PictureTooSmall`] with the smallest size that works.
    pub fn check_size(&self, width: usize, height: usize, layer: Layer) -> Result<(), Error> {
        let smallest = 1 << (layer.position().0 - 1);
        if width.min(height) < smallest {
            return Err(Error::PictureTooSmall { width, height, layer, smallest });
        }
        Ok(())
    }

    /// Checks a picture tensor and returns the number of stages to run for `layers`.
    fn check_input(&self, image: &Tensor<4>, layers: &[Layer]) -> Result<usize, Error> {
        let [batch, channels, height, width] = image.dims();
        if batch == 0 || channels != 3 || height == 0 || width == 0 {
            let found = image.dims().to_vec();
            return Err(Error::Shape {
                what: "the picture",
                found,
                expected: "[batch, 3, height, width]".into(),
            });
        }
        same_device("the picture", image, &self.device)?;
        self.check_layers(layers.iter().copied())?;
        let Some(&deepest) = layers.iter().max() else { return Ok(0) };
        self.check_size(width, height, deepest)?;
        self.check_buffers(batch, (width, height), deepest)?;
        Ok(self.weights.position(deepest).map_or(0, |last| last + 1))
    }

    /// sRGB in `[0, 1]` to the values the network was trained on. The order of the colours is folded
    /// into the first convolution's weights.
    fn transform_pixels(&self, image: Tensor<4>) -> Tensor<4> {
        image * self.scale.clone() + self.shift.clone()
    }
}

#[cfg(test)]
mod tests;
