//! The network in numbers, for people and for reports.

use std::fmt;

use serde::Serialize;
use style_format::{Architecture, Convolution, PixelTransform};

use super::{Kernel, Padding, Pooling, Vgg};

/// What a loaded network is: its origin and its layers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelDescription {
    /// Which network.
    pub architecture: Architecture,
    /// The pixels it was trained on.
    pub input: PixelTransform,
    /// Pooling in use.
    pub pooling: Pooling,
    /// Factor of every pooling's output.
    pub pooling_gain: f32,
    /// Padding of the first convolution in use.
    pub padding: Padding,
    /// What computes it.
    pub kernel: Kernel,
    /// Where the weights come from.
    pub source: String,
    /// SHA-256 of the file they were read from.
    pub source_sha256: String,
    /// Licence of the weights.
    pub licence: String,
    /// Trained values in all, weights and biases.
    pub parameters: usize,
    /// The convolutions that are loaded, each with its ReLU, in network order.
    pub layers: Vec<LayerDescription>,
}

/// One convolution and its ReLU.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerDescription {
    /// Name of the convolution; its ReLU is called alike (`conv4_2`, `relu4_2`).
    pub name: String,
    /// Shape of the weight, `[out, in, 3, 3]`.
    pub weight_shape: [usize; 4],
    /// Channels of the feature map.
    pub channels: usize,
    /// How many pixels of the picture one position of the map covers, each way.
    pub stride: usize,
    /// Width of the part of the picture that one position sees, in px.
    pub receptive_field: usize,
    /// Trained values, weight and bias.
    pub parameters: usize,
}

impl Vgg {
    /// The network's origin, layers, shapes and numbers of parameters.
    #[must_use]
    pub fn describe(&self) -> ModelDescription {
        let mut receptive_field = 1;
        let describe = |convolution: Convolution| {
            let stride = 1 << (convolution.block() - 1);
            if convolution.starts_block() {
                receptive_field += stride / 2; // the pooling before it, 2 px of the finer grid
            }
            receptive_field += 2 * stride;
            LayerDescription {
                name: convolution.name(),
                weight_shape: convolution.weight_shape(),
                channels: convolution.outputs(),
                stride,
                receptive_field,
                parameters: convolution.parameters(),
            }
        };
        let layers: Vec<_> = self.weights.convolutions().map(describe).collect();
        ModelDescription {
            architecture: self.weights.file().info().architecture,
            input: self.weights.file().info().input,
            pooling: self.pooling,
            pooling_gain: self.pooling_gain,
            padding: self.padding,
            kernel: self.kernel,
            source: self.weights.file().info().source.clone(),
            source_sha256: self.weights.file().info().source_sha256.clone(),
            licence: self.weights.file().info().licence.clone(),
            parameters: layers.iter().map(|layer| layer.parameters).sum(),
            layers,
        }
    }
}

impl fmt::Display for ModelDescription {
    /// A table, one line a layer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, pixels {}, {} parameters", self.architecture, self.input, self.parameters)?;
        writeln!(f, "source:  {}", self.source)?;
        writeln!(f, "licence: {}", self.licence)?;
        writeln!(
            f,
            "{:<9} {:<18} {:>8} {:>7} {:>10} {:>11}",
            "layer", "weight", "channels", "stride", "sees (px)", "parameters"
        )?;
        for layer in &self.layers {
            let shape = format!("{:?}", layer.weight_shape);
            writeln!(
                f,
                "{:<9} {shape:<18} {:>8} {:>7} {:>10} {:>11}",
                layer.name, layer.channels, layer.stride, layer.receptive_field, layer.parameters
            )?;
        }
        Ok(())
    }
}
