//! The frozen network: pictures to features, and derivatives of features back to pixels.

mod describe;
mod features;
mod pass;
mod stage;
mod taps;

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use style_format::{FileInfo, Layer, VggFile};

pub use describe::{LayerDescription, ModelDescription};
pub use pass::{Derivatives, Pass};
pub use taps::Taps;

use crate::Error;
use stage::Stage;

/// What shrinks feature maps between blocks (2 x 2, stride 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The largest of four: what the network was trained with.
    #[default]
    Max,
    /// The mean of four: Gatys et al. 2016 found its pictures slightly smoother.
    Average,
}

/// What stands around the picture for the first convolution. All others are zero-padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Zeros, as the network was trained; for Caffe's weights zero is the mean colour.
    #[default]
    Zero,
    /// The edge pixels repeated: no false edge along the border, hence no frame in the picture.
    Replicate,
}

/// A pre-trained VGG network, frozen, on a device.
///
/// Cloning is cheap: tensors are shared.
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
    info: FileInfo,
    stages: Vec<Stage>,
    pooling: Pooling,
    padding: Padding,
    /// Factor and offset of every colour channel, `[1, 3, 1, 1]`: the pixel transform of the weights.
    scale: Tensor<4>,
    shift: Tensor<4>,
    device: Device,
}

impl Vgg {
    /// Loads a network from the bytes of a native weights file, as it was trained: max pooling, zero
    /// padding.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] says what is wrong with the bytes.
    pub fn load(bytes: &[u8], device: &Device) -> Result<Self, Error> {
        Ok(Self::from_weights(&VggFile::parse(bytes)?, device))
    }

    /// Loads a network from a native weights file.
    ///
    /// # Errors
    ///
    /// [`Error::WeightsFile`] when it cannot be read, [`Error::Weights`] when it cannot be used.
    pub fn load_file(path: impl AsRef<Path>, device: &Device) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path)
            .map_err(|error| Error::WeightsFile { path: path.into(), reason: error.to_string() })?;
        Self::load(&bytes, device)
    }

    /// Puts weights that are already in memory onto a device.
    #[must_use]
    pub fn from_weights(file: &VggFile, device: &Device) -> Self {
        // Weights are constants: they stay off any tape, whatever device the caller has.
        let device = device.clone().without_autodiff();
        let info = file.info().clone();
        let order = info.input.order();
        let stages = file
            .convolutions()
            .iter()
            .enumerate()
            .map(|(i, weights)| Stage::new(weights, (i == 0).then_some(order), &device))
            .collect();
        let per_colour = |by_input: [f32; 3]| {
            let mut by_colour = [0.0; 3];
            for (input, colour) in order.into_iter().enumerate() {
                by_colour[colour] = by_input[input];
            }
            Tensor::from_data(TensorData::new(by_colour.to_vec(), [1, 3, 1, 1]), &device)
        };
        Self {
            scale: per_colour(info.input.scale()),
            shift: per_colour(info.input.shift()),
            info,
            stages,
            pooling: Pooling::default(),
            padding: Padding::default(),
            device,
        }
    }

    /// The same network with another pooling.
    #[must_use]
    pub const fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }

    /// The same network with another padding of its first convolution.
    #[must_use]
    pub const fn with_padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
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

    /// The padding of the first convolution in use.
    #[must_use]
    pub const fn padding(&self) -> Padding {
        self.padding
    }

    /// Whether the loaded weights reach `layer`.
    #[must_use]
    pub fn contains(&self, layer: Layer) -> bool {
        self.stages.iter().any(|stage| stage.convolution.is_at(layer))
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
        let name = |stage: Option<&Stage>| stage.map_or_else(String::new, |stage| stage.convolution.name());
        let (first, last) = (name(self.stages.first()), name(self.stages.last()));
        format!("{}, {first} to {last}", self.info.architecture)
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
        if batch == 0 || channels != 3 {
            let found = image.dims().to_vec();
            return Err(Error::Shape {
                what: "the picture",
                found,
                expected: "[batch, 3, height, width]".into(),
            });
        }
        let found = image.device().without_autodiff();
        if found != self.device {
            let (found, expected) = (format!("{found:?}"), format!("{:?}", self.device));
            return Err(Error::OtherDevice { what: "the picture", found, expected });
        }
        self.check_layers(layers.iter().copied())?;
        let Some(&deepest) = layers.iter().max() else { return Ok(0) };
        self.check_size(width, height, deepest)?;
        Ok(self.stages.iter().position(|stage| stage.convolution.is_at(deepest)).map_or(0, |last| last + 1))
    }

    /// sRGB in `[0, 1]` to the values the network was trained on. The order of the colours is folded
    /// into the first convolution's weights.
    fn transform_pixels(&self, image: Tensor<4>) -> Tensor<4> {
        image * self.scale.clone() + self.shift.clone()
    }
}

#[cfg(test)]
mod tests;
