//! The weighted sum of losses, and its gradient with respect to the pixels.

use std::fmt;

use burn::tensor::Tensor;
use style_format::Layer;

use crate::vgg::{Derivatives, Pass, Taps, Vgg};
use crate::{ContentLoss, Error, StyleLoss, TotalVariation};

/// The name of one summand of the objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(into = "String")]
pub enum Term {
    /// A content loss at a layer.
    Content(Layer),
    /// A style loss at a layer.
    Style(Layer),
    /// The total variation of the picture.
    TotalVariation,
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(layer) => write!(f, "content {layer}"),
            Self::Style(layer) => write!(f, "style {layer}"),
            Self::TotalVariation => f.write_str("total variation"),
        }
    }
}

impl From<Term> for String {
    fn from(term: Term) -> Self {
        term.to_string()
    }
}

/// What is minimised: `sum_i weight_i * loss_i`, losses of features, of statistics and of the picture.
///
/// # Examples
///
/// ```no_run
/// # use style_core::*;
/// # fn f(vgg: Vgg, photo: burn::tensor::Tensor<4>) -> Result<(), Error> {
/// let target = vgg.features(photo.clone(), &[Layer::Relu4_2])?.remove(0);
/// let objective = Objective::new()
///     .with_content(Layer::Relu4_2, 1.0, ContentLoss::new(target, Reduction::Mean))
///     .with_total_variation(1e-3);
/// let evaluation = objective.evaluate(&vgg, photo)?;
/// println!("{}", evaluation.losses); // weighted losses, in the order of objective.terms()
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Objective {
    content: Vec<(Layer, f32, ContentLoss)>,
    style: Vec<(Layer, f32, StyleLoss)>,
    total_variation: Option<f32>,
}

/// The objective at one picture.
#[derive(Debug)]
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
        self.content.push((layer, weight, loss));
        self
    }

    /// Adds a style loss at a layer.
    #[must_use]
    pub fn with_style(mut self, layer: Layer, weight: f32, loss: StyleLoss) -> Self {
        self.style.push((layer, weight, loss));
        self
    }

    /// Adds the total variation of the picture.
    #[must_use]
    pub const fn with_total_variation(mut self, weight: f32) -> Self {
        self.total_variation = Some(weight);
        self
    }

    /// The terms, in the order of their losses.
    #[must_use]
    pub fn terms(&self) -> Vec<Term> {
        let content = self.content.iter().map(|&(layer, ..)| Term::Content(layer));
        let style = self.style.iter().map(|&(layer, ..)| Term::Style(layer));
        content.chain(style).chain(self.total_variation.map(|_| Term::TotalVariation)).collect()
    }

    /// What a forward pass has to give out for this objective.
    #[must_use]
    pub fn taps(&self) -> Taps {
        Taps::new()
            .with_features(self.content.iter().map(|&(layer, ..)| layer))
            .with_statistics(self.style.iter().map(|&(layer, ..)| layer))
    }

    /// The weighted losses of a picture, without the gradient. `[terms]`
    ///
    /// # Errors
    ///
    /// Those of [`Vgg::forward`], and [`Error::Setting`] for an objective without terms.
    pub fn losses(&self, vgg: &Vgg, image: Tensor<4>) -> Result<Tensor<1>, Error> {
        let pass = vgg.forward(image.clone(), &self.taps())?;
        self.losses_of_pass(&pass, image)
    }

    /// The weighted losses of a pass that was run with [`Objective::taps`] on `image`. `[terms]`
    pub(crate) fn losses_of_pass(&self, pass: &Pass, image: Tensor<4>) -> Result<Tensor<1>, Error> {
        let mut losses = Vec::new();
        for (layer, weight, loss) in &self.content {
            losses.push(loss.forward(pass.features(*layer)?.clone())?.mul_scalar(*weight));
        }
        for (layer, weight, loss) in &self.style {
            losses.push(loss.forward(pass.statistics(*layer)?.gram.clone())?.mul_scalar(*weight));
        }
        losses.extend(self.total_variation.map(|weight| TotalVariation.forward(image).mul_scalar(weight)));
        join(losses)
    }

    /// The weighted losses of a picture and the gradient of their sum with respect to its pixels.
    ///
    /// Features and statistics become leaves of a small autodiff graph, one for the losses alone; the
    /// way from there to the pixels is [`Pass::backward`].
    ///
    /// # Shapes
    ///
    /// `image` is `[1, 3, height, width]`, untracked.
    ///
    /// # Errors
    ///
    /// Those of [`Vgg::forward`], and [`Error::Setting`] for an objective without terms.
    pub fn evaluate(&self, vgg: &Vgg, image: Tensor<4>) -> Result<Evaluation, Error> {
        let pass = vgg.forward(image.clone(), &self.taps())?;
        let mut losses = Vec::new();
        let mut content_leaves = Vec::new();
        for (layer, weight, loss) in &self.content {
            let leaf = pass.features(*layer)?.clone().autodiff().require_grad();
            losses.push(loss.forward(leaf.clone())?.mul_scalar(*weight));
            content_leaves.push((*layer, leaf));
        }
        let mut style_leaves = Vec::new();
        for (layer, weight, loss) in &self.style {
            let leaf = pass.statistics(*layer)?.gram.clone().autodiff().require_grad();
            losses.push(loss.forward(leaf.clone())?.mul_scalar(*weight));
            style_leaves.push((*layer, leaf));
        }
        let pixels = image.clone().autodiff().require_grad();
        if let Some(weight) = self.total_variation {
            losses.push(TotalVariation.forward(pixels.clone()).mul_scalar(weight));
        }
        let losses = join(losses)?;
        let mut gradients = losses.clone().sum().backward();
        let mut derivatives = Derivatives::new();
        for (layer, leaf) in content_leaves {
            if let Some(derivative) = leaf.grad_remove(&mut gradients) {
                derivatives.add_features(layer, derivative);
            }
        }
        for (layer, leaf) in style_leaves {
            if let Some(derivative) = leaf.grad_remove(&mut gradients) {
                derivatives.add_gram(layer, derivative);
            }
        }
        let direct = pixels.grad_remove(&mut gradients);
        let through_network = pass.backward(derivatives)?;
        let gradient = match (through_network, direct) {
            (Some(a), Some(b)) => a + b,
            (a, b) => a.or(b).unwrap_or_else(|| image.zeros_like()),
        };
        Ok(Evaluation { losses: losses.without_autodiff(), gradient })
    }
}

/// One tensor of all losses, `[terms]`.
fn join(losses: Vec<Tensor<1>>) -> Result<Tensor<1>, Error> {
    if losses.is_empty() {
        return Err(Error::setting("objective", "without terms", "at least one loss"));
    }
    Ok(Tensor::cat(losses, 0))
}
