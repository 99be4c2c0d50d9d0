//! Which convolutions a VGG network has.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{FormatError, Layer};

/// A VGG configuration of Simonyan & Zisserman's table 1, convolutional part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// Configuration A: 8 convolutions.
    Vgg11,
    /// Configuration B: 10 convolutions.
    Vgg13,
    /// Configuration D: 13 convolutions.
    Vgg16,
    /// Configuration E: 16 convolutions.
    Vgg19,
}

/// Channels of the five blocks in the paper.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

const fn usual_outputs(conv: Layer) -> usize {
    CHANNELS[conv.position().0 - 1]
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
    pub const ALL: [Self; 4] = [Self::Vgg11, Self::Vgg13, Self::Vgg16, Self::Vgg19];

    /// The name used in files: `vgg11`, `vgg13`, `vgg16` or `vgg19`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vgg11 => "vgg11",
            Self::Vgg13 => "vgg13",
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
            Self::Vgg11 => [1, 1, 2, 2, 2],
            Self::Vgg13 => [2, 2, 2, 2, 2],
            Self::Vgg16 => [2, 2, 3, 3, 3],
            Self::Vgg19 => [2, 2, 4, 4, 4],
        }
    }

    /// The convolutions in network order, as wide as in the paper.
    #[must_use]
    pub fn convolutions(self) -> Vec<Convolution> {
        self.layers()
            .scan(3, |inputs, pair| Some(Convolution::after(inputs, pair, usual_outputs(pair[0]))))
            .collect()
    }

    /// The first convolutions of a network of this topology with other widths: one number of output channels each.
    ///
    /// # Examples
    ///
    /// ```
    /// use style_format::Architecture;
    ///
    /// let narrow = Architecture::Vgg19.convolutions_with_outputs(&[4, 4, 8]);
    /// assert_eq!(narrow[2].name(), "conv2_1");
    /// assert_eq!(narrow[2].weight_shape(), [8, 4, 3, 3]);
    /// ```
    #[must_use]
    pub fn convolutions_with_outputs(self, outputs: &[usize]) -> Vec<Convolution> {
        let pairs = self.layers().zip(outputs);
        pairs.scan(3, |inputs, (pair, &outputs)| Some(Convolution::after(inputs, pair, outputs))).collect()
    }

    /// Whether these are the network's first convolutions, however wide: at least one, none missing, each taking the
    /// channels that the one before gives.
    pub(crate) fn check_leading(self, found: &[Convolution]) -> Result<(), FormatError> {
        let outputs: Vec<_> = found.iter().map(Convolution::outputs).collect();
        let expected = self.convolutions_with_outputs(&outputs);
        let differs =
            (0..found.len().max(1)).find(|&i| found.get(i).is_none() || found.get(i) != expected.get(i));
        let Some(first) = differs else { return Ok(()) };
        let convolution = self.convolutions().get(first).copied().or(found.get(first).copied());
        let name = convolution.map_or_else(String::new, |convolution| convolution.name());
        Err(FormatError::Missing { name, architecture: self.name() })
    }

    /// Convolution and ReLU of each place that the network has.
    fn layers(self) -> impl Iterator<Item = [Layer; 2]> {
        Layer::ALL.as_chunks::<2>().0.iter().copied().filter(move |[conv, _]| self.contains(*conv))
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
    /// The convolution that takes `inputs` channels, which become those of its output.
    const fn after(inputs: &mut usize, [conv, relu]: [Layer; 2], outputs: usize) -> Self {
        let taken = std::mem::replace(inputs, outputs);
        Self { conv, relu, inputs: taken, outputs }
    }

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
        // The features of torchvision's vgg16, vgg13 and vgg11.
        for (architecture, parameters) in [
            (Architecture::Vgg16, 14_714_688),
            (Architecture::Vgg13, 9_404_992),
            (Architecture::Vgg11, 9_220_480),
        ] {
            let total: usize = architecture.convolutions().iter().map(Convolution::parameters).sum();
            assert_eq!(total, parameters, "{architecture}");
        }
    }

    #[test]
    fn vgg16_lacks_the_fourth_convolutions() {
        assert!(!Architecture::Vgg16.contains(Layer::Relu3_4));
        assert!(Architecture::Vgg16.contains(Layer::Relu3_3));
        assert!(Layer::ALL.iter().all(|&layer| Architecture::Vgg19.contains(layer)));
    }
}
