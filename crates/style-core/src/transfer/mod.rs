//! The whole job: settings, the loop, and what comes out.

mod memory;
mod outcome;
mod report;
mod run;
mod settings;
mod start;
mod step;

pub use outcome::{Losses, Outcome, Times};
pub use report::Report;
pub use settings::{Settings, Start};
pub use step::Step;

use std::ops::ControlFlow;

use style_format::Layer;
use style_image::Image;

use crate::{ContentForm, Error, Optimizer, Padding, Pooling, StyleForm, Vgg};

type Observer<'a> = Box<dyn FnMut(&Step<'_>) -> ControlFlow<()> + 'a>;

/// A style transfer: settings first, then one of [`run`](Self::run), [`reconstruct`](Self::reconstruct)
/// and [`texture`](Self::texture). Nothing is computed before all settings have been checked.
///
/// # Examples
///
/// ```no_run
/// use std::ops::ControlFlow;
/// use style_core::{Device, StyleTransfer, Vgg};
/// use style_image::Image;
///
/// let vgg = Vgg::load(&std::fs::read("vgg19.safetensors")?, &Device::flex())?;
/// let outcome = StyleTransfer::new(&vgg)
///     .style(&Image::open("cafe_terrace.jpg")?)
///     .size(512)
///     .on_step(|step| {
///         println!("{step}");
///         ControlFlow::Continue(())
///     })
///     .run(&Image::open("photo.jpg")?)?;
/// outcome.image().save("out.png")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a style transfer does nothing until it is run"]
pub struct StyleTransfer<'a> {
    vgg: &'a Vgg,
    settings: Settings,
    style: Option<&'a Image>,
    start: Option<Start<'a>>,
    observer: Option<Observer<'a>>,
}

impl std::fmt::Debug for StyleTransfer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StyleTransfer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<'a> StyleTransfer<'a> {
    /// A transfer with the default [`Settings`].
    pub fn new(vgg: &'a Vgg) -> Self {
        Self { vgg, settings: Settings::default(), style: None, start: None, observer: None }
    }

    /// All settings at once.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The picture whose textures are wanted. It keeps its proportions; its long side becomes
    /// [`size`](Self::size), so that brush strokes have the size they have in the painting.
    pub const fn style(mut self, style: &'a Image) -> Self {
        self.style = Some(style);
        self
    }

    /// The long side of the result, in px; 16 to 8192.
    pub const fn size(mut self, size: usize) -> Self {
        self.settings.size = size;
        self
    }

    /// Number of updates, 1 to 1,000,000.
    pub const fn steps(mut self, steps: usize) -> Self {
        self.settings.steps = steps;
        self
    }

    /// Seed of the noise.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Weight of the content loss, at least 0.
    pub const fn content_weight(mut self, weight: f32) -> Self {
        self.settings.content_weight = weight;
        self
    }

    /// Weight of the style loss, at least 0.
    pub const fn style_weight(mut self, weight: f32) -> Self {
        self.settings.style_weight = weight;
        self
    }

    /// Weight of the total variation, at least 0.
    pub const fn tv_weight(mut self, weight: f32) -> Self {
        self.settings.tv_weight = weight;
        self
    }

    /// Where content is compared.
    pub fn content_layers(mut self, layers: impl IntoIterator<Item = Layer>) -> Self {
        self.settings.content_layers = layers.into_iter().collect();
        self
    }

    /// Where style is compared.
    pub fn style_layers(mut self, layers: impl IntoIterator<Item = Layer>) -> Self {
        self.settings.style_layers = layers.into_iter().collect();
        self
    }

    /// How the differences of features become one number.
    pub const fn content_loss(mut self, form: ContentForm) -> Self {
        self.settings.content_loss = form;
        self
    }

    /// Which style loss.
    pub const fn style_loss(mut self, form: StyleForm) -> Self {
        self.settings.style_loss = form;
        self
    }

    /// Which optimiser.
    pub const fn optimizer(mut self, optimizer: Optimizer) -> Self {
        self.settings.optimizer = optimizer;
        self
    }

    /// Which pooling the run uses, whatever the network was set to.
    pub const fn pooling(mut self, pooling: Pooling) -> Self {
        self.settings.pooling = pooling;
        self
    }

    /// What stands around the picture in this run, whatever the network was set to.
    pub const fn padding(mut self, padding: Padding) -> Self {
        self.settings.padding = padding;
        self
    }

    /// Where the optimisation starts: by default [`run`](Self::run) at the content,
    /// [`reconstruct`](Self::reconstruct) and [`texture`](Self::texture) at noise.
    pub fn start(mut self, start: Start<'a>) -> Self {
        self.start = Some(start);
        self
    }

    /// Called after every step; [`ControlFlow::Break`] ends the run with the picture so far.
    ///
    /// An observer makes the engine read the loss back from the device at every step.
    pub fn on_step(mut self, observer: impl FnMut(&Step<'_>) -> ControlFlow<()> + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Redraws `content` in the textures of the style picture.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for settings out of range or without a style; [`Error::LayerUnavailable`],
    /// [`Error::PictureTooSmall`]; [`Error::NotEnoughMemory`] where the system says that the kernels' buffers
    /// cannot be had; [`Error::Diverged`] when the loss becomes NaN; [`Error::Device`].
    pub fn run(mut self, content: &Image) -> Result<Outcome, Error> {
        if self.style.is_none() {
            return Err(Error::setting("style", "missing", "a picture; without one use `reconstruct`"));
        }
        self.start.get_or_insert(Start::Content);
        let settings = self.settings.clone();
        let content = content.resized_to_long_side(settings.checked_size()?)?;
        self.optimise(settings, Some(&content), (content.width(), content.height()))
    }

    /// Rebuilds `content` from its features alone, starting from noise: what the content layers keep of
    /// a photograph, and what they let go. The weights of content and total variation are those of the
    /// settings; with a content weight of 1 the total variation only takes the noise away.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn reconstruct(self, content: &Image) -> Result<Outcome, Error> {
        let settings = Settings { style_weight: 0.0, ..self.settings.clone() };
        let content = content.resized_to_long_side(settings.checked_size()?)?;
        self.optimise(settings, Some(&content), (content.width(), content.height()))
    }

    /// Makes a texture of `width` x `height` px from the style picture alone, starting from noise.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn texture(self, width: usize, height: usize) -> Result<Outcome, Error> {
        if self.style.is_none() {
            return Err(Error::setting("style", "missing", "a picture"));
        }
        let settings = Settings { content_weight: 0.0, ..self.settings.clone() };
        Settings::check_pixels("width", width)?;
        Settings::check_pixels("height", height)?;
        self.optimise(settings, None, (width, height))
    }
}

#[cfg(test)]
mod tests;
