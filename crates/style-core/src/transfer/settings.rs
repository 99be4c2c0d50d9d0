//! Everything that can be set, with defaults and ranges.

use serde::{Deserialize, Serialize};
use style_format::Layer;
use style_image::ColourMatch;

use super::Style;
use crate::error::in_one_line;
use crate::{ContentForm, Error, GramScale, Optimizer, Padding, Pooling, StyleForm, TotalVariation, Vgg};

/// The settings of a run, apart from its pictures: data, as TOML or JSON. What is left out has the value of the
/// preset `balanced`, see [`Preset`](crate::Preset).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Long side of the result, px, 16 to 16384.
    pub size: usize,
    /// Coarse to fine: the run begins at the smallest of the sizes `size / scale_factor^i` that is at least this,
    /// px, 16 to 16384. From `size` on there is one scale only. Scales at which a picture is too small for the deepest
    /// layer are left out.
    pub smallest_scale: usize,
    /// Ratio of the long sides of neighbouring scales, 1.05 to 16.
    pub scale_factor: f32,
    /// Updates at every scale, from the smallest on, 1 to 1,000,000 each. More scales than numbers: the last one holds
    /// for all further scales. Fewer: the last numbers count.
    pub steps: Vec<usize>,
    /// Seed of the noise, and of random directions; at most 2^63 - 1.
    pub seed: u64,
    /// Where the optimisation starts, unless the run was given a picture: by default `run` at the content,
    /// `reconstruct` and `texture` at noise.
    pub start: Option<Start>,
    /// Weight of the content loss, the mean over `content_layers`; 0 to 1e12.
    pub content_weight: f32,
    /// Where content is compared.
    pub content_layers: Vec<Layer>,
    /// How it is compared.
    pub content_loss: ContentForm,
    /// Weight of the style loss, `sum_l w_l loss_l`; 0 to 1e12.
    pub style_weight: f32,
    /// Where style is compared.
    pub style_layers: Vec<Layer>,
    /// The factor `w_l` of every style layer, 0 to 1e12; empty for equal ones that add up to 1.
    pub style_layer_weights: Vec<f32>,
    /// How it is compared.
    pub style_loss: StyleForm,
    /// Weight of the total variation, 0 to 1e12.
    pub tv_weight: f32,
    /// Its form; an exponent is 0.5 to 4.
    pub tv_form: TotalVariation,
    /// Which pooling the network uses.
    pub pooling: Pooling,
    /// Factor on the output of every pooling, 0.01 to 100.
    pub pooling_gain: f32,
    /// What stands around the picture.
    pub padding: Padding,
    /// Which optimiser.
    pub optimizer: Optimizer,
    /// Decay of the averaged iterates, which are the result of a scale, up to 0.9999; 0 for the last iterate, or for
    /// the best with a line search, whose iterates are trials.
    pub averaging: f32,
    /// When pixels are brought back into `[0, 1]`.
    pub clamp: Clamp,
    /// Whose colours the result has.
    pub colour: Colour,
}

impl Default for Settings {
    /// Those of the preset `balanced`.
    fn default() -> Self {
        Self {
            size: 320,
            smallest_scale: 128,
            scale_factor: std::f32::consts::SQRT_2,
            steps: vec![25, 25, 50],
            seed: 0,
            start: None,
            content_weight: 0.03,
            content_layers: vec![Layer::Relu4_2],
            content_loss: ContentForm::Relative,
            style_weight: 1.0,
            style_layers: vec![
                Layer::Relu1_1,
                Layer::Relu2_1,
                Layer::Relu3_1,
                Layer::Relu4_1,
                Layer::Relu5_1,
            ],
            style_layer_weights: Vec::new(),
            style_loss: StyleForm::Gram { scale: GramScale::Relative },
            tv_weight: 0.3,
            tv_form: TotalVariation::MeanSquare,
            pooling: Pooling::Max,
            pooling_gain: 1.0,
            padding: Padding::Replicate,
            optimizer: Optimizer::LBFGS,
            averaging: 0.0,
            clamp: Clamp::EveryStep,
            colour: Colour::Free,
        }
    }
}

/// Where the optimisation starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At the content picture.
    Content,
    /// At seeded noise around mid-grey.
    Noise,
}

/// When pixels are brought back into `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clamp {
    /// After every update: a projection onto the pictures that can be shown.
    #[default]
    EveryStep,
    /// Between scales and in the end only.
    End,
}

/// Whose colours the result has.
///
/// # Reference
///
/// L. A. Gatys et al., *Controlling Perceptual Factors in Neural Style Transfer*, CVPR 2017, section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colour {
    /// Those that the style brings.
    #[default]
    Free,
    /// The content's: only luminance is transferred. The run works on grey pictures, so its losses and distances are
    /// those of grey pictures; the content's chroma is put back in the end.
    Luminance,
    /// The style's pictures get the content's mean and covariance first, by Cholesky factors.
    Cholesky,
    /// The same by symmetric square roots (principal axes).
    Pca,
    /// The same by the symmetric optimal transport, which changes colours least.
    Transport,
}

impl Colour {
    /// How style pictures are matched to the content beforehand.
    pub(super) const fn matching(self) -> Option<ColourMatch> {
        match self {
            Self::Free | Self::Luminance => None,
            Self::Cholesky => Some(ColourMatch::Cholesky),
            Self::Pca => Some(ColourMatch::Pca),
            Self::Transport => Some(ColourMatch::Transport),
        }
    }
}

impl Settings {
    pub(super) const SIZES: std::ops::RangeInclusive<usize> = 16..=style_image::MAX_SIDE;

    /// These settings with what `toml` says instead.
    ///
    /// # Errors
    ///
    /// [`Error::PresetFile`] says where and what is wrong.
    ///
    /// # Examples
    ///
    /// ```
    /// use style_core::{Colour, Settings};
    ///
    /// let settings = Settings::default().with_toml("size = 256\ncolour = 'luminance'")?;
    /// assert_eq!((settings.size, settings.colour), (256, Colour::Luminance));
    /// # Ok::<(), style_core::Error>(())
    /// ```
    pub fn with_toml(&self, toml: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::PresetFile { reason: reason.trim_end().to_owned() };
        let changes: toml::Table = toml.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
        let mut table = toml::Table::try_from(self).map_err(|error| wrong(error.to_string()))?;
        merge(&mut table, changes);
        table.try_into().map_err(|error: toml::de::Error| wrong(in_plain_words(&error.to_string())))
    }

    /// Number of updates at the scale of that index, from 0 for the smallest of so many `scales`.
    #[must_use]
    pub fn steps_at(&self, scale: usize, scales: usize) -> usize {
        let index = scale + self.steps.len().saturating_sub(scales);
        self.steps.get(index).or(self.steps.last()).copied().unwrap_or(0)
    }

    /// The factor of every style layer.
    pub(super) fn layer_weights(&self) -> Vec<f32> {
        if self.style_layer_weights.is_empty() {
            return vec![1.0 / self.style_layers.len() as f32; self.style_layers.len()];
        }
        self.style_layer_weights.clone()
    }

    /// The deepest layer that counts.
    pub(super) fn deepest_layer(&self) -> Option<Layer> {
        let style = self.style_layers.iter().filter(|_| self.style_weight > 0.0);
        let content = self.content_layers.iter().filter(|_| self.content_weight > 0.0);
        style.chain(content).max().copied()
    }

    /// The network as these settings want it.
    pub(crate) fn configure(&self, vgg: &Vgg) -> Vgg {
        vgg.clone().with_pooling(self.pooling).with_pooling_gain(self.pooling_gain).with_padding(self.padding)
    }

    /// The size, when it is in range: needed before pictures are resized.
    pub(super) fn checked_size(&self) -> Result<usize, Error> {
        Self::check_pixels("size", self.size).map(|()| self.size)
    }

    /// Checks the side of a picture that would be made.
    pub(super) fn check_pixels(name: &'static str, pixels: usize) -> Result<(), Error> {
        let found = format!("{pixels} px");
        let allowed = format!("{} to {} px", Self::SIZES.start(), Self::SIZES.end());
        match pixels {
            _ if Self::SIZES.contains(&pixels) => Ok(()),
            _ if pixels > *Self::SIZES.end() => Err(Error::SizeTooLarge { name, found, allowed }),
            _ => Err(Error::setting(name, found, allowed)),
        }
    }

    /// The smallest scale has the range of a size, and makes no picture larger.
    fn check_smallest_scale(&self) -> Result<(), Error> {
        Self::check_pixels("smallest_scale", self.smallest_scale).map_err(|error| match error {
            Error::SizeTooLarge { name, found, allowed } => Error::Setting { name, found, allowed },
            error => error,
        })
    }

    /// Checks every setting and every style of a run.
    pub(super) fn validate_with(&self, styles: &[Style<'_>], vgg: &Vgg) -> Result<(), Error> {
        self.validate(vgg)?;
        styles.iter().try_for_each(|style| style.validate(self, vgg))?;
        if self.style_weight > 0.0 && !styles.is_empty() && styles.iter().all(Style::counts_nowhere) {
            let name = "the weight of a style";
            return Err(Error::setting(name, "0, as is that of every other", "above 0 for at least one"));
        }
        Ok(())
    }

    /// Checks every setting against its range and against the network.
    pub(super) fn validate(&self, vgg: &Vgg) -> Result<(), Error> {
        self.checked_size()?;
        self.check_smallest_scale()?;
        check_range("scale_factor", self.scale_factor, 1.05..=16.0, "1.05 to 16")?;
        self.check_steps()?;
        for (name, weight) in [
            ("content_weight", self.content_weight),
            ("style_weight", self.style_weight),
            ("tv_weight", self.tv_weight),
        ] {
            check_range(name, weight, 0.0..=1e12, "0 to 1e12")?;
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
            check_layer_weights("style_layer_weights", &self.style_layer_weights, self.style_layers.len())?;
        }
        check_range("pooling_gain", self.pooling_gain, 0.01..=100.0, "0.01 to 100")?;
        check_range("averaging", self.averaging, 0.0..=0.9999, "0 to 0.9999")?;
        if let TotalVariation::Power(exponent) = self.tv_form {
            check_range("tv_form's exponent", exponent, 0.5..=4.0, "0.5 to 4")?;
        }
        if i64::try_from(self.seed).is_err() {
            return Err(Error::setting("seed", self.seed, "0 to 9223372036854775807"));
        }
        self.check_combinations()?;
        self.optimizer.validate()
    }

    /// What does not go together.
    fn check_combinations(&self) -> Result<(), Error> {
        let searches = self.optimizer.searches();
        if self.style_weight > 0.0
            && self.style_loss.needs_features()
            && matches!(self.optimizer, Optimizer::Lbfgs { .. })
        {
            let found = "lbfgs with the sliced Wasserstein distance";
            return Err(Error::setting(
                "optimizer",
                found,
                "adam: the distance looks along new directions every step",
            ));
        }
        if searches && self.averaging > 0.0 {
            let found = format!("{} with a line search", self.averaging);
            return Err(Error::setting("averaging", found, "0: the iterates of a line search are trials"));
        }
        Ok(())
    }

    fn check_steps(&self) -> Result<(), Error> {
        if self.steps.is_empty() {
            return Err(Error::setting("steps", "empty", "at least one number"));
        }
        match self.steps.iter().find(|steps| !(1..=1_000_000).contains(*steps)) {
            Some(steps) => Err(Error::setting("steps", steps, "1 to 1000000")),
            None => Ok(()),
        }
    }
}

/// A mistake in a value that stands in no text, in one line and without the names of Rust's types.
fn in_plain_words(said: &str) -> String {
    let mut line = in_one_line(said);
    for (name, words) in
        [("usize", "a whole number"), ("u64", "a whole number"), ("f32", "a number"), ("f64", "a number")]
    {
        line = line.replace(&format!("expected {name}"), &format!("expected {words}"));
    }
    line
}

/// Puts changes into a table, field by field; a table of another name takes the place of the old one.
fn merge(table: &mut toml::Table, changes: toml::Table) {
    for (key, change) in changes {
        match (table.get_mut(&key), change) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new))
                if new.get("name").is_none_or(|name| old.get("name") == Some(name)) =>
            {
                merge(old, new);
            }
            (_, change) => {
                table.insert(key, change);
            }
        }
    }
}

pub(super) fn check_range(
    name: &'static str,
    value: f32,
    range: std::ops::RangeInclusive<f32>,
    allowed: &str,
) -> Result<(), Error> {
    if range.contains(&value) { Ok(()) } else { Err(Error::setting(name, value, allowed)) }
}

/// One weight for every layer, none negative, not all 0.
pub(super) fn check_layer_weights(name: &'static str, weights: &[f32], layers: usize) -> Result<(), Error> {
    if weights.is_empty() {
        return Ok(());
    }
    if weights.len() != layers {
        let found = format!("a list of {}", weights.len());
        return Err(Error::setting(
            name,
            found,
            format!("one for each of the {layers} style layers, or none"),
        ));
    }
    for &weight in weights {
        check_range(name, weight, 0.0..=1e12, "0 to 1e12")?;
    }
    if weights.iter().all(|&weight| weight == 0.0) {
        return Err(Error::setting(name, "0 everywhere", "at least one above 0"));
    }
    Ok(())
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
