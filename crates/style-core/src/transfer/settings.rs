//! Everything that can be set, with defaults and ranges.

use serde::{Deserialize, Serialize};
use style_format::Layer;
use style_image::Image;

use crate::{ContentForm, Error, Optimizer, Padding, Pooling, StyleForm, Vgg};

/// The settings of a run, apart from its pictures.
///
/// The defaults were chosen by eye and by numbers on the bundled pictures and weights; they are relative
/// losses, so that they suit other styles and networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Long side of the result, px.
    pub size: usize,
    /// Number of updates.
    pub steps: usize,
    /// Seed of the noise.
    pub seed: u64,
    /// Weight of the content loss, the mean over `content_layers`.
    pub content_weight: f32,
    /// Weight of the style loss, the mean over `style_layers`.
    pub style_weight: f32,
    /// Weight of the total variation.
    pub tv_weight: f32,
    /// Where content is compared.
    pub content_layers: Vec<Layer>,
    /// Where style is compared.
    pub style_layers: Vec<Layer>,
    /// How the differences of features become one number.
    pub content_loss: ContentForm,
    /// Which style loss.
    pub style_loss: StyleForm,
    /// Which optimiser.
    pub optimizer: Optimizer,
    /// Which pooling the network uses.
    pub pooling: Pooling,
    /// What stands around the picture.
    pub padding: Padding,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            size: 320,
            steps: 200,
            seed: 0,
            content_weight: 0.03,
            style_weight: 1.0,
            tv_weight: 1.0,
            content_layers: vec![Layer::Relu4_2],
            style_layers: vec![
                Layer::Relu1_1,
                Layer::Relu2_1,
                Layer::Relu3_1,
                Layer::Relu4_1,
                Layer::Relu5_1,
            ],
            content_loss: ContentForm::Relative,
            style_loss: StyleForm::default(),
            optimizer: Optimizer::LBFGS,
            pooling: Pooling::Max,
            padding: Padding::Replicate,
        }
    }
}

/// Where the optimisation starts.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// At the content picture.
    Content,
    /// At seeded noise around mid-grey.
    Noise,
    /// At this picture, resized to the working size.
    Image(&'a Image),
}

impl Settings {
    pub(super) const SIZES: std::ops::RangeInclusive<usize> = 16..=8192;

    /// The size, when it is in range: needed before pictures are resized.
    pub(super) fn checked_size(&self) -> Result<usize, Error> {
        Self::check_pixels("size", self.size).map(|()| self.size)
    }

    pub(super) fn check_pixels(name: &'static str, pixels: usize) -> Result<(), Error> {
        if Self::SIZES.contains(&pixels) {
            return Ok(());
        }
        let allowed = format!("{} to {} px", Self::SIZES.start(), Self::SIZES.end());
        Err(Error::setting(name, format!("{pixels} px"), allowed))
    }

    /// Checks every setting against its range and against the network.
    pub(super) fn validate(&self, vgg: &Vgg) -> Result<(), Error> {
        self.checked_size()?;
        if !(1..=1_000_000).contains(&self.steps) {
            return Err(Error::setting("steps", self.steps, "1 to 1000000"));
        }
        for (name, weight) in [
            ("content_weight", self.content_weight),
            ("style_weight", self.style_weight),
            ("tv_weight", self.tv_weight),
        ] {
            if !(0.0..=1e12).contains(&weight) {
                return Err(Error::setting(name, weight, "0 to 1e12"));
            }
        }
        if self.content_weight == 0.0 && self.style_weight == 0.0 {
            let found = "0, as is content_weight";
            return Err(Error::setting("style_weight", found, "above 0 for at least one of the two"));
        }
        if self.content_weight > 0.0 {
            check_layers("content_layers", &self.content_layers, vgg)?;
        }
        if self.style_weight > 0.0 {
            check_layers("style_layers", &self.style_layers, vgg)?;
        }
        self.optimizer.validate()
    }
}

fn check_layers(name: &'static str, layers: &[Layer], vgg: &Vgg) -> Result<(), Error> {
    if layers.is_empty() {
        return Err(Error::setting(name, "empty", "at least one layer"));
    }
    let twice = layers.iter().enumerate().find(|&(i, layer)| layers[..i].contains(layer));
    if let Some((_, layer)) = twice {
        return Err(Error::setting(name, format!("naming {layer} twice"), "every layer once"));
    }
    vgg.check_layers(layers.iter().copied())
}
