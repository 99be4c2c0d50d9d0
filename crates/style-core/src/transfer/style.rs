//! A style of a run: a picture, or statistics from a file, with what is to be done with it.

use style_image::{Image, Mask, with_long_side};

use super::ladder::Extent;
use super::settings::{check_layer_weights, check_range};
use super::{Colour, Settings};
use crate::checkpoint::{Mark, fingerprint, of_picture};
use crate::{Error, StyleFile, Vgg};

/// A style with its weight, brush size and region; an `&Image` becomes one by itself.
///
/// Several styles without a region are blended: each layer's target is the mean of their statistics, by their weights.
/// A style with a region is compared with that region only, beside the blend of those that have none.
///
/// # Examples
///
/// ```no_run
/// # fn f(vgg: style_core::Vgg, photo: style_image::Image, night: style_image::Image, field: style_image::Image) -> Result<(), style_core::Error> {
/// use style_core::{Style, StyleTransfer};
///
/// let outcome = StyleTransfer::new(&vgg)
///     .style(Style::new(&night).weight(0.7))
///     .style(Style::new(&field).weight(0.3).scale(2.0))
///     .run(&photo)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Style<'a> {
    pub(super) source: Source<'a>,
    pub(super) weight: f32,
    pub(super) scale: f32,
    pub(super) layer_weights: Vec<f32>,
    pub(super) region: Option<&'a Mask>,
    pub(super) part: Option<&'a Mask>,
    pub(super) known: Option<&'a StyleFile>,
}

/// Where a style comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    Picture(&'a Image),
    File(&'a StyleFile),
}

impl<'a> From<&'a Image> for Style<'a> {
    fn from(picture: &'a Image) -> Self {
        Self::new(picture)
    }
}

impl<'a> From<&'a StyleFile> for Style<'a> {
    fn from(file: &'a StyleFile) -> Self {
        Self::from_file(file)
    }
}

impl<'a> Style<'a> {
    /// The style of a picture: weight 1, brush size 1, everywhere. The picture keeps its proportions.
    #[must_use]
    pub const fn new(picture: &'a Image) -> Self {
        Self::of(Source::Picture(picture))
    }

    /// The style that a [`StyleFile`] holds: weight 1, everywhere. Its brush size was chosen when it was made.
    #[must_use]
    pub const fn from_file(file: &'a StyleFile) -> Self {
        Self::of(Source::File(file))
    }

    const fn of(source: Source<'a>) -> Self {
        Self {
            source,
            weight: 1.0,
            scale: 1.0,
            layer_weights: Vec::new(),
            region: None,
            part: None,
            known: None,
        }
    }

    /// Its share in a blend, relative to the other styles' weights, or the strength of its region; 0 to 1e6.
    #[must_use]
    pub const fn weight(mut self, weight: f32) -> Self {
        self.weight = weight;
        self
    }

    /// Size of the brush: the style picture's long side over that of the result; 0.05 to 8. Strokes grow with it,
    /// whatever the size of the result.
    #[must_use]
    pub const fn scale(mut self, scale: f32) -> Self {
        self.scale = scale;
        self
    }

    /// A factor on its weight for every style layer of the settings: so that one style gives the strokes and another
    /// the shapes. Empty for 1 everywhere.
    #[must_use]
    pub fn layer_weights(mut self, weights: impl IntoIterator<Item = f32>) -> Self {
        self.layer_weights = weights.into_iter().collect();
        self
    }

    /// The statistics of this very style, as [`StyleFile::new`] gives them for the same network and settings: runs with
    /// many contents then look at the picture once. The result is the same to the bit, and a checkpoint knows the style by
    /// its picture. They are passed over, and the picture is looked at, where they cannot serve: in the colours of a
    /// content, for a loss that needs features, for a part of the picture, and where they belong to other settings.
    #[must_use]
    pub const fn statistics(mut self, known: &'a StyleFile) -> Self {
        self.known = Some(known);
        self
    }

    /// Where in the result the style counts; the mask is stretched over the result.
    #[must_use]
    pub const fn region(mut self, mask: &'a Mask) -> Self {
        self.region = Some(mask);
        self
    }

    /// Which part of the style picture counts; the mask is stretched over the picture.
    #[must_use]
    pub const fn part(mut self, mask: &'a Mask) -> Self {
        self.part = Some(mask);
        self
    }

    /// What tells this style from any other, for the style of that number, from 1.
    pub(super) fn marks(&self, number: usize) -> Vec<Mark> {
        let of_mask = |mask: Option<&Mask>| match mask {
            None => "everything".to_owned(),
            Some(mask) => {
                let hash = fingerprint([mask.values()]);
                format!("{} x {} px, sha256 {hash}", mask.width(), mask.height())
            }
        };
        let source = match self.source {
            Source::Picture(picture) => of_picture(picture),
            Source::File(file) => format!("a style file, sha256 {}", file.fingerprint()),
        };
        vec![
            Mark::new(format!("style {number}"), source),
            Mark::new(format!("the weight of style {number}"), self.weight),
            Mark::new(format!("the scale of style {number}"), self.scale),
            Mark::new(format!("the layer weights of style {number}"), format!("{:?}", self.layer_weights)),
            Mark::new(format!("the region of style {number}"), of_mask(self.region)),
            Mark::new(format!("the part of style {number}"), of_mask(self.part)),
        ]
    }

    /// The statistics of its picture for a result of that long side, where they are known and serve.
    pub(super) fn known_at(
        &self,
        settings: &Settings,
        configured: &Vgg,
        side: usize,
    ) -> Option<&'a StyleFile> {
        let plain =
            settings.colour == Colour::Free && !settings.style_loss.needs_features() && self.part.is_none();
        let fits = |known: &&StyleFile| {
            known.sizes().contains(&side) && known.check(configured, &settings.style_layers).is_ok()
        };
        self.known.filter(|_| plain).filter(fits)
    }

    /// Its weight at the style layer of that index.
    pub(super) fn weight_at(&self, layer: usize) -> f32 {
        self.weight * self.layer_weights.get(layer).copied().unwrap_or(1.0)
    }

    /// Whether it has no weight at all.
    pub(super) const fn counts_nowhere(&self) -> bool {
        self.weight == 0.0
    }

    /// Extent of the style picture beside a result of long side `size` px; `None` for a file.
    pub(super) fn extent(&self, size: usize) -> Option<Extent> {
        let Source::Picture(picture) = self.source else { return None };
        let long = (size as f64 * f64::from(self.scale)).round().max(1.0) as usize;
        Some(with_long_side((picture.width(), picture.height()), long))
    }

    pub(super) fn validate(&self, settings: &Settings, vgg: &Vgg) -> Result<(), Error> {
        check_range("the weight of a style", self.weight, 0.0..=1e6, "0 to 1e6")?;
        check_range("the scale of a style", self.scale, 0.05..=8.0, "0.05 to 8")?;
        let layers = settings.style_layers.len();
        check_layer_weights("the layer weights of a style", &self.layer_weights, layers)?;
        if let Some(side) = self.extent(settings.size).map(|(width, height)| width.max(height)) {
            Settings::check_pixels("the size of a style picture", side)?;
        }
        let Source::File(file) = self.source else { return Ok(()) };
        let refuse = |name, found: &str| {
            Err(Error::setting(name, found, "a style picture: a style file holds statistics only"))
        };
        if self.scale != 1.0 {
            return refuse("the scale of a style", "another than 1 on a style file");
        }
        if self.part.is_some() {
            return refuse("the part of a style", "a mask on a style file");
        }
        if settings.colour != Colour::Free {
            return refuse("colour", "changing the colours of a style file");
        }
        if settings.style_loss.needs_features() {
            return refuse("style_loss", "sliced-wasserstein with a style file");
        }
        file.check(&settings.configure(vgg), &settings.style_layers)
    }
}
