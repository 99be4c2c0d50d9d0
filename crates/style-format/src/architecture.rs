//! Which convolutions a VGG network has.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Layer;

/// A VGG configuration of Simonyan & Zisserman's table 1, convolutional part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// Configuration D: 13 convolutions.
    Vgg16,
    /// Configuration E: 16 convolutions.
    Vgg19,
}

/// One 3 x 3 convolution of a network, with the ReLU after it: its place and its channel counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Convolution {
    conv: Layer,
    relu: Layer,
    inputs: usize,
    outputs: usize,
}

impl Architecture {
    /// Every architecture that is known here.
    pub const ALL: [Self; 2] = [Self::Vgg16, Self::Vgg19];

    /// The name used in files: `vgg16` or `vgg19`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vgg16 => "vgg16",
            Self::Vgg19 => "vgg19",
        }
    }

    /// The architecture of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|architecture| architecture.name() == name)
    }

    /// Number of convolutions in each of the five blocks.
    #[must_use]
    pub const fn blocks(self) -> [usize; 5] {
        match self {
            Self::Vgg16 => [2, 2, 3, 3, 3],
            Self::Vgg19 => [2, 2, 4, 4, 4],
        }
    }

    /// The convolutions in network order.
    #[must_use]
    pub fn convolutions(self) -> Vec<Convolution> {
        const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];
        let mut inputs = 3;
        let pairs = Layer::ALL.as_chunks::<2>().0.iter().filter(|[conv, _]| self.contains(*conv));
        let convolution = |&[conv, relu]: &[Layer; 2]| {
            let outputs = CHANNELS[conv.position().0 - 1];
            Convolution { conv, relu, inputs: std::mem::replace(&mut inputs, outputs), outputs }
        };
        pairs.map(convolution).collect()
    }

    /// Whether the network has this layer.
    #[must_use]
    pub fn contains(self, layer: Layer) -> bool {
        let (block, index) = layer.position();
        index <= self.blocks()[block - 1]
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Convolution {
    /// Its output before the ReLU: `convB_N`.
    #[must_use]
    pub const fn conv_layer(&self) -> Layer {
        self.conv
    }

    /// Its output after the ReLU: `reluB_N`.
    #[must_use]
    pub const fn relu_layer(&self) -> Layer {
        self.relu
    }

    /// The name of the convolution, for example `conv4_2`.
    #[must_use]
    pub fn name(&self) -> String {
        self.conv.to_string()
    }

    /// Block, 1 to 5. A 2 x 2 pooling stands between blocks.
    #[must_use]
    pub const fn block(&self) -> usize {
        self.conv.position().0
    }

    /// Number within the block, from 1.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.conv.position().1
    }

    /// Input channels.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Output channels.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Shape of the weight: `[out, in, 3, 3]`.
    #[must_use]
    pub const fn weight_shape(&self) -> [usize; 4] {
        [self.outputs, self.inputs, 3, 3]
    }

    /// Number of trained values, weight and bias.
    #[must_use]
    pub const fn parameters(&self) -> usize {
        self.outputs * self.inputs * 9 + self.outputs
    }

    /// Whether a 2 x 2 pooling stands before it.
    #[must_use]
    pub const fn starts_block(&self) -> bool {
        self.block() > 1 && self.index() == 1
    }

    /// Whether `layer` is this convolution's output or its ReLU's.
    #[must_use]
    pub fn is_at(&self, layer: Layer) -> bool {
        layer == self.conv || layer == self.relu
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vgg19_has_the_published_number_of_parameters() {
        // 20,024,384: torchvision's vgg19().features, counted with PyTorch 2.15.
        let total: usize = Architecture::Vgg19.convolutions().iter().map(Convolution::parameters).sum();
        assert_eq!(total, 20_024_384);
        let total: usize = Architecture::Vgg16.convolutions().iter().map(Convolution::parameters).sum();
        assert_eq!(total, 14_714_688);
    }

    #[test]
    fn vgg16_lacks_the_fourth_convolutions() {
        assert!(!Architecture::Vgg16.contains(Layer::Relu3_4));
        assert!(Architecture::Vgg16.contains(Layer::Relu3_3));
        assert!(Layer::ALL.iter().all(|&layer| Architecture::Vgg19.contains(layer)));
    }
}
