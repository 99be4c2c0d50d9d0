//! What a run minimises, and how near a picture comes to it, without a run.

use style_image::{Image, with_long_side};

use super::StyleTransfer;
use super::ladder::Scale;
use super::targets::{Sources, Targets};
use super::task::{checked, needs_style};
use crate::convert::image_to_tensor;
use crate::vgg::Vgg;
use crate::{Error, Metrics, Objective};

impl StyleTransfer<'_> {
    /// What [`run`](Self::run) minimises at the full size, and the network as the settings want it: to measure pictures
    /// by, or to be minimised in another way. Picture and content have the size that [`run`](Self::run) would give.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(vgg: style_core::Vgg, photo: style_image::Image, painting: style_image::Image) -> Result<(), style_core::Error> {
    /// use style_core::{StyleTransfer, image_to_tensor};
    ///
    /// let (vgg, objective) = StyleTransfer::new(&vgg).style(&painting).size(320).objective(&photo)?;
    /// let picture = image_to_tensor(&photo.resized_to_long_side(320)?, vgg.device());
    /// let losses = objective.losses(&vgg, picture)?; // weighted, in the order of objective.terms()
    /// # Ok(())
    /// # }
    /// ```
    pub fn objective(&self, content: &Image) -> Result<(Vgg, Objective), Error> {
        self.targets(content).map(|(vgg, targets)| (vgg, targets.objective))
    }

    /// The targets of the full size.
    fn targets(&self, content: &Image) -> Result<(Vgg, Targets), Error> {
        needs_style(&self.styles, "a picture")?;
        let settings = &self.settings;
        let extent = with_long_side((content.width(), content.height()), settings.checked_size()?);
        let styles = if settings.style_weight > 0.0 { self.styles.as_slice() } else { &[] };
        let (vgg, _) = checked(self.vgg, settings, Some(content), styles, extent)?;
        let sources = Sources { vgg: &vgg, settings, content: Some(content), styles };
        let whole = Scale { share: 1.0, extent };
        let content = sources.content_at(&whole)?;
        let targets = sources.targets(&whole, content.as_ref())?;
        Ok((vgg, targets))
    }

    /// How near any picture comes to what [`run`](Self::run) is after, by the same metrics.
    ///
    /// # Shapes
    ///
    /// The picture is resized to the size of the result.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn measure(&self, content: &Image, picture: &Image) -> Result<Metrics, Error> {
        let (vgg, targets) = self.targets(content)?;
        let (width, height) = with_long_side((content.width(), content.height()), self.settings.size);
        let picture = picture.resized(width, height)?;
        let metrics = targets.metrics(&vgg, image_to_tensor(&picture, vgg.device()))?;
        Ok(Metrics { ssim: ssim_with(Some(content), &picture)?, ..metrics })
    }
}

/// Structural similarity of a result with its content.
pub(super) fn ssim_with(content: Option<&Image>, image: &Image) -> Result<Option<f32>, Error> {
    let Some(content) = content else { return Ok(None) };
    Ok(Some(style_image::ssim(&content.resized(image.width(), image.height())?, image)?))
}
