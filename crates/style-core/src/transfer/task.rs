//! What a run makes, and everything that is checked before it.

use style_image::{Image, MAX_PIXELS, with_long_side};

use super::ladder::{Extent, Scale, scales};
use super::memory::{Forecast, Run};
use super::targets::Sources;
use super::{Colour, Outcome, Settings, Start, Style, StyleTransfer};
use crate::Error;
use crate::vgg::Vgg;

/// What [`StyleTransfer::perform`] makes.
#[derive(Debug, Clone, Copy)]
pub enum Task<'a> {
    /// This content, redrawn in the textures of the styles: [`StyleTransfer::run`].
    Transfer(&'a Image),
    /// This content from its features alone: [`StyleTransfer::reconstruct`].
    Reconstruct(&'a Image),
    /// The textures of the styles alone: [`StyleTransfer::texture`].
    Texture {
        /// Width of the result, px.
        width: usize,
        /// Height of the result, px.
        height: usize,
    },
}

/// A run that can begin.
pub(super) struct Prepared<'p> {
    /// As the settings want it.
    pub(super) vgg: Vgg,
    /// Those in force.
    pub(super) settings: Settings,
    pub(super) content: Option<&'p Image>,
    /// Those that count.
    pub(super) styles: &'p [Style<'p>],
    /// Of the result.
    pub(super) extent: Extent,
    pub(super) scales: Vec<Scale>,
    pub(super) forecast: Forecast,
}

impl StyleTransfer<'_> {
    /// Redraws `content` in the textures of the style pictures.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for settings out of range or without a style; [`Error::LayerUnavailable`],
    /// [`Error::PictureTooSmall`]; [`Error::NotEnoughMemory`] where the system says that there is less memory than the
    /// forecast asks for; [`Error::BufferTooLarge`] where the device has no buffer for the maps; [`Error::Diverged`] when
    /// the loss becomes NaN; [`Error::DeviceLost`] when the device fails on the way.
    pub fn run(self, content: &Image) -> Result<Outcome, Error> {
        self.perform(Task::Transfer(content))
    }

    /// Rebuilds `content` from its features alone, starting from noise: what the content layers keep of
    /// a photograph, and what they let go. The weights of content and total variation are those of the
    /// settings; with a content weight of 1 the total variation only takes the noise away.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn reconstruct(self, content: &Image) -> Result<Outcome, Error> {
        self.perform(Task::Reconstruct(content))
    }

    /// Makes a texture of `width` x `height` px from the style pictures alone, starting from noise.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn texture(self, width: usize, height: usize) -> Result<Outcome, Error> {
        self.perform(Task::Texture { width, height })
    }

    /// Checks everything that can be before the first step.
    pub(super) fn prepare<'p>(&self, styles: &'p [Style<'p>], task: Task<'p>) -> Result<Prepared<'p>, Error> {
        let (settings, extent) = self.in_force(styles, task)?;
        let content = match task {
            Task::Transfer(content) | Task::Reconstruct(content) => Some(content),
            Task::Texture { .. } => None,
        };
        let styles = if settings.style_weight > 0.0 { styles } else { &[] };
        let (vgg, forecast) = checked(self.vgg, &settings, content, styles, extent)?;
        if content.is_none() && settings.start == Some(Start::Content) && self.start_image.is_none() {
            return Err(Error::setting("start", "the content, and there is none", "noise or a picture"));
        }
        let scales = scales(&settings, extent, &extents(&settings, styles), &vgg);
        Ok(Prepared { vgg, settings, content, styles, extent, scales, forecast })
    }

    /// The settings as a task wants them, and the extent of its result.
    fn in_force(&self, styles: &[Style<'_>], task: Task<'_>) -> Result<(Settings, Extent), Error> {
        let settings = self.settings.clone();
        let extent_of = |content: &Image| {
            let size = self.settings.checked_size()?;
            Ok::<Extent, Error>(with_long_side((content.width(), content.height()), size))
        };
        match task {
            Task::Transfer(content) => {
                needs_style(styles, "a picture; without one use `reconstruct`")?;
                let start = Some(settings.start.unwrap_or(Start::Content));
                Ok((Settings { start, ..settings }, extent_of(content)?))
            }
            Task::Reconstruct(content) => {
                Ok((Settings { style_weight: 0.0, ..settings }, extent_of(content)?))
            }
            Task::Texture { width, height } => {
                needs_style(styles, "a picture")?;
                Settings::check_pixels("width", width)?;
                Settings::check_pixels("height", height)?;
                if settings.colour != Colour::Free {
                    let allowed = "free: a texture has no content";
                    return Err(Error::setting("colour", "that of a content", allowed));
                }
                let size = width.max(height);
                Ok((Settings { content_weight: 0.0, size, ..settings }, (width, height)))
            }
        }
    }
}

pub(super) fn needs_style(styles: &[Style<'_>], allowed: &str) -> Result<(), Error> {
    if styles.is_empty() { Err(Error::setting("style", "missing", allowed)) } else { Ok(()) }
}

impl Prepared<'_> {
    pub(super) fn sources(&self) -> Sources<'_> {
        let Self { vgg, settings, content, styles, .. } = self;
        Sources { vgg, settings, content: *content, styles }
    }
}

/// The network as the settings want it, and the memory of the run, after everything has been checked that can be before
/// a picture is looked at.
pub(super) fn checked(
    vgg: &Vgg,
    settings: &Settings,
    content: Option<&Image>,
    styles: &[Style<'_>],
    extent: Extent,
) -> Result<(Vgg, Forecast), Error> {
    settings.validate_with(styles, vgg)?;
    let vgg = settings.configure(vgg);
    check_sizes(&vgg, settings, extent, &extents(settings, styles))?;
    let forecast = Run { vgg: &vgg, settings, content: content.is_some(), styles }.check(extent)?;
    Ok((vgg, forecast))
}

/// Extents of the style pictures at full size.
fn extents(settings: &Settings, styles: &[Style<'_>]) -> Vec<Extent> {
    styles.iter().filter_map(|style| style.extent(settings.size)).collect()
}

/// Every picture can be made, and leaves something at the deepest layer it is compared at.
fn check_sizes(vgg: &Vgg, settings: &Settings, extent: Extent, styles: &[Extent]) -> Result<(), Error> {
    for &(width, height) in styles.iter().chain([&extent]) {
        if width * height > MAX_PIXELS {
            let allowed = format!("at most {MAX_PIXELS} pixels");
            let found = format!("{width} x {height} px");
            return Err(Error::SizeTooLarge { name: "the picture", found, allowed });
        }
    }
    if let Some(layer) = settings.deepest_layer() {
        vgg.check_size(extent.0, extent.1, layer)?;
    }
    let of_style = settings.style_layers.iter().max().filter(|_| settings.style_weight > 0.0);
    for &(width, height) in styles {
        if let Some(&layer) = of_style {
            vgg.check_size(width, height, layer)?;
        }
    }
    Ok(())
}
