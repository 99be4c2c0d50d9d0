//! The weighted sum of losses, and its gradient with respect to the pixels.

mod term;

use std::sync::Arc;

use burn::tensor::Tensor;
use style_format::Layer;

pub use term::Term;
use term::{ContentTerm, StyleTerm};

use crate::vgg::{Derivatives, Pass, Taps, Vgg};
use crate::{ContentLoss, Error, Guide, Settings, StyleLoss, TotalVariation};

/// What is minimised: `sum_i weight_i * loss_i`, losses of features, of statistics and of the picture.
///
/// # Examples
///
/// ```no_run
/// # use style_core::*;
/// # fn f(vgg: Vgg, photo: burn::tensor::Tensor<4>) -> Result<(), Error> {
/// let target = vgg.features(photo.clone(), &[Layer::Relu4_2])?.remove(0);
/// let objective = Objective::new()
///     .with_content(Layer::Relu4_2, 1.0, ContentLoss::new(target, ContentForm::Mean))
///     .with_total_variation(1e-3, TotalVariation::MeanSquare);
/// let evaluation = objective.evaluate(&vgg, photo)?;
/// println!("{}", evaluation.losses); // weighted losses, in the order of objective.terms()
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Objective {
    content: Vec<ContentTerm>,
    style: Vec<StyleTerm>,
    total_variation: Option<(f32, TotalVariation)>,
}

/// The objective at one picture.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Every loss times its weight, in the order of [`Objective::terms`]; the objective is their sum. `[terms]`
    pub losses: Tensor<1>,
    /// The gradient of the sum with respect to the pixels, `[1, 3, H, W]`.
    pub gradient: Tensor<4>,
}

impl Objective {
    /// An objective without terms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a content loss at a layer.
    #[must_use]
    pub fn with_content(mut self, layer: Layer, weight: f32, loss: ContentLoss) -> Self {
        self.content.push(ContentTerm { layer, weight, loss });
        self
    }

    /// Adds the content losses of settings, from the content's maps at `settings.content_layers`.
    pub(crate) fn with_contents(self, settings: &Settings, maps: Vec<Tensor<4>>) -> Self {
        let weight = settings.content_weight / settings.content_layers.len() as f32;
        settings.content_layers.iter().zip(maps).fold(self, |objective, (&layer, map)| {
            objective.with_content(layer, weight, ContentLoss::new(map, settings.content_loss))
        })
    }

    /// Adds a style loss at a layer, of the whole picture.
    #[must_use]
    pub fn with_style(mut self, layer: Layer, weight: f32, loss: impl StyleLoss + 'static) -> Self {
        self.push_style(layer, weight, Arc::new(loss), None);
        self
    }

    /// Adds a style loss at a layer of the region that `guide` marks; `region` numbers it in [`Term`].
    #[must_use]
    pub fn with_guided_style(
        mut self,
        layer: Layer,
        weight: f32,
        loss: impl StyleLoss + 'static,
        (region, guide): (usize, Guide),
    ) -> Self {
        self.push_style(layer, weight, Arc::new(loss), Some((region, guide)));
        self
    }

    pub(crate) fn push_style(
        &mut self,
        layer: Layer,
        weight: f32,
        loss: Arc<dyn StyleLoss>,
        guide: Option<(usize, Guide)>,
    ) {
        self.style.push(StyleTerm { layer, weight, loss, guide });
    }

    /// Adds the total variation of the picture, in one of its forms.
    #[must_use]
    pub const fn with_total_variation(mut self, weight: f32, form: TotalVariation) -> Self {
        self.total_variation = Some((weight, form));
        self
    }

    /// The terms, in the order of their losses.
    #[must_use]
    pub fn terms(&self) -> Vec<Term> {
        let content = self.content.iter().map(|term| Term::Content(term.layer));
        let style = self.style.iter().map(StyleTerm::name);
        content.chain(style).chain(self.total_variation.map(|_| Term::TotalVariation)).collect()
    }

    /// What a forward pass has to give out for this objective.
    #[must_use]
    pub fn taps(&self) -> Taps {
        let (maps, statistics): (Vec<_>, Vec<_>) = self.style.iter().partition(|term| term.needs_map());
        let content = self.content.iter().map(|term| term.layer);
        Taps::new()
            .with_features(content.chain(maps.into_iter().map(|term| term.layer)))
            .with_statistics(statistics.into_iter().map(|term| term.layer))
    }

    /// Tells the losses that an outer step begins: [`SlicedWassersteinLoss`](crate::SlicedWassersteinLoss) draws
    /// its directions anew. The same number gives the same directions.
    pub fn begin_step(&self, step: u64) {
        for term in &self.style {
            term.loss.begin_step(step);
        }
    }

    /// The weighted losses of a picture, without the gradient. `[terms]`
    ///
    /// # Errors
    ///
    /// Those of [`Vgg::forward`], and [`Error::Setting`] for an objective without terms.
    pub fn losses(&self, vgg: &Vgg, image: Tensor<4>) -> Result<Tensor<1>, Error> {
        let image = image.without_autodiff();
        let pass = vgg.forward(image.clone(), &self.taps())?;
        self.losses_of_pass(&pass, image)
    }

    /// The weighted losses of a pass that was run with [`Objective::taps`] on `image`. `[terms]`
    pub(crate) fn losses_of_pass(&self, pass: &Pass, image: Tensor<4>) -> Result<Tensor<1>, Error> {
        let mut losses = Vec::new();
        for term in &self.content {
            losses.push(term.loss.forward(pass.features(term.layer)?.clone())?.mul_scalar(term.weight));
        }
        for term in &self.style {
            losses.push(term.loss.forward(term.see(pass)?)?.mul_scalar(term.weight));
        }
        let smooth = |(weight, form): (f32, TotalVariation)| form.forward(image).mul_scalar(weight);
        losses.extend(self.total_variation.map(smooth));
        in_one_tensor(losses)
    }

    /// The weighted losses of a picture and the gradient of their sum with respect to its pixels.
    ///
    /// No tape is recorded through the network: every loss gives its derivative with respect to what it looks at,
    /// and [`Pass::backward`] takes these to the pixels.
    ///
    /// # Shapes
    ///
    /// `image` is `[1, 3, height, width]`; any autodiff graph it is in ends here.
    ///
    /// # Errors
    ///
    /// Those of [`Vgg::forward`], and [`Error::Setting`] for an objective without terms.
    pub fn evaluate(&self, vgg: &Vgg, image: Tensor<4>) -> Result<Evaluation, Error> {
        let image = image.without_autodiff();
        let mut pass = vgg.forward(image.clone(), &self.taps())?;
        let (mut losses, mut derivatives) = (Vec::new(), Derivatives::new());
        for (index, ContentTerm { layer, weight, loss }) in self.content.iter().enumerate() {
            let again = self.content[index + 1..].iter().any(|other| other.layer == *layer)
                || self.style.iter().any(|other| other.needs_map() && other.layer == *layer);
            let features = if again { pass.features(*layer)?.clone() } else { pass.take_features(*layer)? };
            let (value, derivative) = loss.evaluate(features, *weight)?;
            losses.push(value);
            derivatives.add_features(*layer, derivative);
        }
        for term in &self.style {
            losses.push(term.evaluate(&pass, &mut derivatives)?);
        }
        let smooth = |(weight, form): (f32, TotalVariation)| form.evaluate(image.clone(), weight);
        let (smoothness, direct) = self.total_variation.map(smooth).unzip();
        losses.extend(smoothness);
        let losses = in_one_tensor(losses)?;
        let gradient = match (pass.backward(derivatives)?, direct) {
            (Some(a), Some(b)) => a + b,
            (a, b) => a.or(b).unwrap_or_else(|| image.zeros_like()),
        };
        Ok(Evaluation { losses, gradient })
    }

    /// The objective as one operation in a graph of Burn's autodiff: a perceptual loss to train another
    /// network with. `[1]`
    ///
    /// The gradient of the pixels is computed at once, by [`Objective::evaluate`], and enters the graph as
    /// the slope of `value + <gradient, image - image's value>`: the same value, the same gradient, and of
    /// the big network nothing on the tape.
    ///
    /// # Shapes
    ///
    /// `image` is `[1, 3, height, width]`, tracked.
    ///
    /// # Errors
    ///
    /// Those of [`Objective::evaluate`].
    ///
    /// # Reference
    ///
    /// J. Johnson, A. Alahi and L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and
    /// Super-Resolution*, ECCV 2016, section 3.2.
    pub fn forward(&self, vgg: &Vgg, image: Tensor<4>) -> Result<Tensor<1>, Error> {
        let here = image.clone().without_autodiff();
        let Evaluation { losses, gradient } = self.evaluate(vgg, here.clone())?;
        Ok(((image - here) * gradient).sum() + losses.sum())
    }
}

fn in_one_tensor(losses: Vec<Tensor<1>>) -> Result<Tensor<1>, Error> {
    if losses.is_empty() {
        return Err(Error::setting("objective", "without terms", "at least one loss"));
    }
    Ok(Tensor::cat(losses, 0))
}
