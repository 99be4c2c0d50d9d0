//! Names of the places in a VGG network.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Declares the enum and its name table from one list, in network order.
macro_rules! layers {
    ($($conv:ident, $relu:ident, $conv_name:literal, $relu_name:literal, $block:literal, $index:literal;)*) => {
        /// A place in a VGG network where features can be read.
        ///
        /// `convB_N` is the output of convolution `N` of block `B` before its ReLU, `reluB_N` after it.
        /// The order (`Ord`) is the order of computation. `conv3_4`, `conv4_4` and `conv5_4` exist in
        /// VGG-19 only, `conv3_3`, `conv4_3` and `conv5_3` in VGG-16 and VGG-19.
        ///
        /// # Examples
        ///
        /// ```
        /// use style_format::Layer;
        ///
        /// let layer: Layer = "relu4_2".parse()?;
        /// assert_eq!(layer, Layer::Relu4_2);
        /// assert!(layer > Layer::Conv4_2);
        /// # Ok::<(), style_format::UnknownLayer>(())
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum Layer {
            $(
                #[doc = concat!("`", $conv_name, "`: the convolution's output, before the ReLU.")]
                $conv,
                #[doc = concat!("`", $relu_name, "`: after the ReLU.")]
                $relu,
            )*
        }

        impl Layer {
            /// Every layer of VGG-19, in network order.
            pub const ALL: &'static [Self] = &[$(Self::$conv, Self::$relu),*];

            /// The layer's name, for example `relu4_2`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$conv => $conv_name, Self::$relu => $relu_name,)* }
            }

            /// Block (1 to 5) and number within the block (from 1).
            #[must_use]
            pub const fn position(self) -> (usize, usize) {
                match self { $(Self::$conv | Self::$relu => ($block, $index),)* }
            }

            /// Whether this is the output of a ReLU (otherwise it is the convolution's own).
            #[must_use]
            pub const fn is_relu(self) -> bool {
                match self { $(Self::$conv => false, Self::$relu => true,)* }
            }
        }
    };
}

layers! {
    Conv1_1, Relu1_1, "conv1_1", "relu1_1", 1, 1;
    Conv1_2, Relu1_2, "conv1_2", "relu1_2", 1, 2;
    Conv2_1, Relu2_1, "conv2_1", "relu2_1", 2, 1;
    Conv2_2, Relu2_2, "conv2_2", "relu2_2", 2, 2;
    Conv3_1, Relu3_1, "conv3_1", "relu3_1", 3, 1;
    Conv3_2, Relu3_2, "conv3_2", "relu3_2", 3, 2;
    Conv3_3, Relu3_3, "conv3_3", "relu3_3", 3, 3;
    Conv3_4, Relu3_4, "conv3_4", "relu3_4", 3, 4;
    Conv4_1, Relu4_1, "conv4_1", "relu4_1", 4, 1;
    Conv4_2, Relu4_2, "conv4_2", "relu4_2", 4, 2;
    Conv4_3, Relu4_3, "conv4_3", "relu4_3", 4, 3;
    Conv4_4, Relu4_4, "conv4_4", "relu4_4", 4, 4;
    Conv5_1, Relu5_1, "conv5_1", "relu5_1", 5, 1;
    Conv5_2, Relu5_2, "conv5_2", "relu5_2", 5, 2;
    Conv5_3, Relu5_3, "conv5_3", "relu5_3", 5, 3;
    Conv5_4, Relu5_4, "conv5_4", "relu5_4", 5, 4;
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<Layer> for &'static str {
    fn from(layer: Layer) -> Self {
        layer.name()
    }
}

/// A text that names no layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown layer {found:?}: did you mean {nearest}? Layers are conv1_1, relu1_1, ... relu5_4")]
pub struct UnknownLayer {
    /// What was written.
    pub found: String,
    /// The layer whose name is nearest.
    pub nearest: Layer,
}

impl FromStr for Layer {
    type Err = UnknownLayer;

    /// Reads a layer's name; upper case, `-` and a missing `_` are forgiven (`ReLU4-2`, `relu42`).
    fn from_str(text: &str) -> Result<Self, UnknownLayer> {
        let plain = |name: &str| {
            let kept = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
            kept.take(64).collect::<String>().to_ascii_lowercase()
        };
        let wanted = plain(text);
        if let Some(layer) = Self::ALL.iter().copied().find(|layer| plain(layer.name()) == wanted) {
            return Ok(layer);
        }
        let distance = |layer: &Self| strsim::damerau_levenshtein(&plain(layer.name()), &wanted);
        let nearest = Self::ALL.iter().copied().min_by_key(distance).unwrap_or(Self::Relu1_1);
        Err(UnknownLayer { found: text.chars().take(64).collect(), nearest })
    }
}

impl TryFrom<String> for Layer {
    type Error = UnknownLayer;

    fn try_from(text: String) -> Result<Self, UnknownLayer> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_to_its_layer() {
        for &layer in Layer::ALL {
            assert_eq!(layer.to_string().parse::<Layer>().unwrap(), layer);
        }
        assert_eq!(Layer::ALL.len(), 32);
    }

    #[test]
    fn spelling_is_forgiven_where_only_one_layer_can_be_meant() {
        for text in ["RELU4_2", "relu42", "ReLU4-2", " relu4_2"] {
            assert_eq!(text.parse::<Layer>(), Ok(Layer::Relu4_2), "{text}");
        }
    }

    #[test]
    fn an_unknown_layer_names_the_nearest_one() {
        let error = "rely4_2".parse::<Layer>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown layer \"rely4_2\": did you mean relu4_2? Layers are conv1_1, relu1_1, ... relu5_4"
        );
        assert!("relu6_1".parse::<Layer>().is_err());
        assert!("".parse::<Layer>().is_err());
        assert!("\u{1F3F0}".repeat(10_000).parse::<Layer>().is_err());
    }

    #[test]
    fn layers_are_ordered_as_they_are_computed() {
        assert!(Layer::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
