//! The whole job: settings, the loop, and what comes out.

mod cancel;
mod descent;
mod ladder;
mod lost;
mod measure;
mod memory;
mod outcome;
mod plan;
mod recorder;
mod report;
mod resume;
mod run;
mod settings;
mod start;
mod step;
mod style;
mod targets;
mod task;

pub use cancel::CancelToken;
pub use outcome::{Losses, Outcome, ScaleRun, Times};
pub use plan::{Plan, PlannedScale};
pub use report::Report;
pub use settings::{Clamp, Colour, Settings, Start};
pub use step::Step;
pub use style::Style;
pub use task::Task;

use std::ops::ControlFlow;

use style_format::Layer;
use style_image::Image;

use crate::{
    Checkpoint, ContentForm, Error, Objective, Optimizer, Padding, Pooling, StyleForm, TotalVariation, Vgg,
};

type Observer<'a> = dyn FnMut(&Step<'_>) -> ControlFlow<()> + 'a;

/// A style transfer: settings first, then one of [`run`](Self::run), [`reconstruct`](Self::reconstruct)
/// and [`texture`](Self::texture), or [`perform`](Self::perform), which is all three. Nothing is computed before all settings have been checked.
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
    styles: Vec<Style<'a>>,
    start_image: Option<&'a Image>,
    observer: Option<Box<Observer<'a>>>,
    cancel: Option<CancelToken>,
    checkpoint: Option<Checkpoint>,
}

impl std::fmt::Debug for StyleTransfer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StyleTransfer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<'a> StyleTransfer<'a> {
    /// A transfer with the default [`Settings`].
    pub fn new(vgg: &'a Vgg) -> Self {
        Self {
            vgg,
            settings: Settings::default(),
            styles: Vec::new(),
            start_image: None,
            observer: None,
            cancel: None,
            checkpoint: None,
        }
    }

    /// All settings at once.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// A picture whose textures are wanted, or a [`Style`] with more to it; called again, one more. A picture keeps
    /// its proportions, and its long side becomes that of the result, so that brush strokes have the size they
    /// have in the painting.
    pub fn style(mut self, style: impl Into<Style<'a>>) -> Self {
        self.styles.push(style.into());
        self
    }

    /// The long side of the result, in px; 16 to 16384.
    pub const fn size(mut self, size: usize) -> Self {
        self.settings.size = size;
        self
    }

    /// Number of updates at every scale, 1 to 1,000,000; for other numbers at other scales see
    /// [`Settings::steps`].
    pub fn steps(mut self, steps: usize) -> Self {
        self.settings.steps = vec![steps];
        self
    }

    /// The smallest scale of the run, px; from [`size`](Self::size) on there is one scale only.
    pub const fn smallest_scale(mut self, px: usize) -> Self {
        self.settings.smallest_scale = px;
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

    /// How content is compared.
    pub const fn content_loss(mut self, form: ContentForm) -> Self {
        self.settings.content_loss = form;
        self
    }

    /// How style is compared.
    pub const fn style_loss(mut self, form: StyleForm) -> Self {
        self.settings.style_loss = form;
        self
    }

    /// The form of the total variation.
    pub const fn tv_form(mut self, form: TotalVariation) -> Self {
        self.settings.tv_form = form;
        self
    }

    /// Whose colours the result has.
    pub const fn colour(mut self, colour: Colour) -> Self {
        self.settings.colour = colour;
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
    pub const fn start(mut self, start: Start) -> Self {
        self.settings.start = Some(start);
        self.start_image = None;
        self
    }

    /// Starts the optimisation at this picture, resized to the size of the first scale.
    pub const fn start_at(mut self, image: &'a Image) -> Self {
        self.start_image = Some(image);
        self
    }

    /// Called after every step; [`ControlFlow::Break`] ends the run with the picture so far.
    ///
    /// An observer makes the engine read the loss back from the device at every step.
    pub fn on_step(mut self, observer: impl FnMut(&Step<'_>) -> ControlFlow<()> + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Lets another thread end the run, after the step it is at, with the picture so far.
    pub fn cancel_with(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Goes on from a checkpoint of the same run: same settings, pictures, network, kernel and version of this library. The
    /// outcome is that of the run that never stopped, with the history and the times of both parts; see [`Checkpoint`]. The
    /// checkpoint may go before the run begins.
    ///
    /// Another run's checkpoint is refused by [`perform`](Self::perform) with [`Error::CheckpointMismatch`], one that cannot
    /// be gone on from with [`Error::Checkpoint`].
    pub fn resume_from(mut self, checkpoint: &Checkpoint) -> Self {
        self.checkpoint = Some(checkpoint.clone());
        self
    }
}

/// The statistics of a style for runs with these settings.
pub(crate) fn style_statistics(
    vgg: &Vgg,
    settings: &Settings,
    style: &Style<'_>,
) -> Result<targets::StyleAtScales, Error> {
    // Statistics, whatever the loss of the settings looks at.
    let settings = Settings { style_loss: StyleForm::default(), colour: Colour::Free, ..settings.clone() };
    settings.validate(vgg)?;
    style.validate(&settings, vgg)?;
    let vgg = settings.configure(vgg);
    let Some(extent) = style.extent(settings.size) else {
        return Err(Error::setting("the style", "a style file already", "a picture"));
    };
    if let Some(&layer) = settings.style_layers.iter().max() {
        vgg.check_size(extent.0, extent.1, layer)?;
    }
    let sources = targets::Sources { vgg: &vgg, settings: &settings, content: None, styles: &[] };
    sources.style_statistics(style)
}

/// The network as the settings want it, and the part of a run's objective that no content belongs to.
pub(crate) fn style_objective(
    vgg: &Vgg,
    settings: &Settings,
    styles: &[Style<'_>],
) -> Result<(Vgg, Objective), Error> {
    settings.validate_with(styles, vgg)?;
    if styles.iter().any(|style| style.region.is_some()) {
        return Err(Error::setting(
            "the region of a style",
            "a mask",
            "none: a region belongs to one picture",
        ));
    }
    if settings.style_weight > 0.0 && styles.is_empty() {
        return Err(Error::setting("style", "missing", "at least one, or a style weight of 0"));
    }
    if settings.colour != Colour::Free {
        return Err(Error::setting("colour", "that of a content", "free: every picture has another content"));
    }
    let vgg = settings.configure(vgg);
    let sources = targets::Sources { vgg: &vgg, settings, content: None, styles };
    let whole = ladder::Scale { share: 1.0, extent: (settings.size, settings.size) };
    let objective = sources.targets(&whole, None)?.objective;
    Ok((vgg, objective))
}

#[cfg(test)]
mod control_tests;
#[cfg(test)]
mod course_tests;
#[cfg(test)]
mod descent_tests;
#[cfg(test)]
mod known_tests;
#[cfg(test)]
mod lost_tests;
#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod test_runs;
#[cfg(test)]
mod tests;
