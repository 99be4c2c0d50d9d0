//! Which pixels a set of weights was trained on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The transform from sRGB in `[0, 1]` to the values a network was trained on.
///
/// Channel `i` of the network's input is `scale[i] * rgb[order[i]] + shift[i]`. Mixing the two up is
/// the commonest silent error of the field, so the weights file carries its transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PixelTransform {
    /// The original Caffe weights: BGR, 0 to 255, minus (103.939, 116.779, 123.68).
    #[serde(rename = "caffe-bgr-255")]
    CaffeBgr255,
    /// torchvision's weights: RGB, 0 to 1, minus (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225).
    #[serde(rename = "torch-rgb-01")]
    TorchRgb01,
}

impl PixelTransform {
    /// Every transform that is known here.
    pub const ALL: [Self; 2] = [Self::CaffeBgr255, Self::TorchRgb01];

    /// The name used in files: `caffe-bgr-255` or `torch-rgb-01`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CaffeBgr255 => "caffe-bgr-255",
            Self::TorchRgb01 => "torch-rgb-01",
        }
    }

    /// The transform of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transform| transform.name() == name)
    }

    /// For each input channel of the network, the index of the RGB channel it reads.
    #[must_use]
    pub const fn order(self) -> [usize; 3] {
        match self {
            Self::CaffeBgr255 => [2, 1, 0],
            Self::TorchRgb01 => [0, 1, 2],
        }
    }

    /// Factor of each input channel.
    #[must_use]
    pub const fn scale(self) -> [f32; 3] {
        match self {
            Self::CaffeBgr255 => [255.0; 3],
            Self::TorchRgb01 => [1.0 / 0.229, 1.0 / 0.224, 1.0 / 0.225],
        }
    }

    /// Offset of each input channel, added after the factor.
    #[must_use]
    pub const fn shift(self) -> [f32; 3] {
        match self {
            Self::CaffeBgr255 => [-103.939, -116.779, -123.68],
            Self::TorchRgb01 => [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225],
        }
    }

    /// Factor of red, green and blue.
    #[must_use]
    pub fn scale_of_colours(self) -> [f32; 3] {
        self.by_colour(self.scale())
    }

    /// Offset of red, green and blue, added after the factor.
    #[must_use]
    pub fn shift_of_colours(self) -> [f32; 3] {
        self.by_colour(self.shift())
    }

    fn by_colour(self, by_input: [f32; 3]) -> [f32; 3] {
        let mut by_colour = [0.0; 3];
        for (input, colour) in self.order().into_iter().enumerate() {
            by_colour[colour] = by_input[input];
        }
        by_colour
    }
}

impl fmt::Display for PixelTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_colour_of_imagenet_becomes_zero() {
        for (transform, rgb) in [
            (PixelTransform::CaffeBgr255, [123.68 / 255.0, 116.779 / 255.0, 103.939 / 255.0]),
            (PixelTransform::TorchRgb01, [0.485, 0.456, 0.406]),
        ] {
            for channel in 0..3 {
                let value =
                    transform.scale()[channel] * rgb[transform.order()[channel]] + transform.shift()[channel];
                assert!(value.abs() < 1e-4, "{transform} channel {channel}: {value}");
            }
            assert_eq!(PixelTransform::from_name(transform.name()), Some(transform));
            for (colour, value) in rgb.into_iter().enumerate() {
                let value =
                    transform.scale_of_colours()[colour] * value + transform.shift_of_colours()[colour];
                assert!(value.abs() < 1e-4, "{transform} colour {colour}: {value}");
            }
        }
    }
}
