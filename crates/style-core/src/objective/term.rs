//! The summands of an objective.

use std::fmt;
use std::sync::Arc;

use burn::tensor::Tensor;
use style_format::Layer;

use crate::loss::{Seen, Slope};
use crate::vgg::{Derivatives, Pass};
use crate::{ContentLoss, Error, Guide, StyleLoss};

/// The name of one summand of the objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(into = "String")]
pub enum Term {
    /// A content loss at a layer.
    Content(Layer),
    /// A style loss at a layer, of the whole picture.
    Style(Layer),
    /// A style loss at a layer of one region; regions count from 1.
    StyleOfRegion(usize, Layer),
    /// The total variation of the picture.
    TotalVariation,
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(layer) => write!(f, "content {layer}"),
            Self::Style(layer) => write!(f, "style {layer}"),
            Self::StyleOfRegion(region, layer) => write!(f, "style {layer} of region {region}"),
            Self::TotalVariation => f.write_str("total variation"),
        }
    }
}

impl From<Term> for String {
    fn from(term: Term) -> Self {
        term.to_string()
    }
}

/// A content loss with its place and weight.
#[derive(Debug, Clone)]
pub(super) struct ContentTerm {
    pub(super) layer: Layer,
    pub(super) weight: f32,
    pub(super) loss: ContentLoss,
}

/// A style loss with its place and weight, and the region it is about.
#[derive(Debug, Clone)]
pub(super) struct StyleTerm {
    pub(super) layer: Layer,
    pub(super) weight: f32,
    pub(super) loss: Arc<dyn StyleLoss>,
    pub(super) guide: Option<(usize, Guide)>,
}

impl StyleTerm {
    pub(super) fn name(&self) -> Term {
        match &self.guide {
            Some((region, _)) => Term::StyleOfRegion(*region, self.layer),
            None => Term::Style(self.layer),
        }
    }

    /// Whether the pass must keep the feature map: the kernels' statistics know no regions.
    pub(super) fn needs_map(&self) -> bool {
        self.guide.is_some() || self.loss.needs_features()
    }

    /// What the loss looks at, out of a pass.
    pub(super) fn see(&self, pass: &Pass) -> Result<Seen, Error> {
        let features = || pass.features(self.layer).cloned();
        Ok(match (&self.guide, self.loss.needs_features()) {
            (None, false) => Seen::Statistics(pass.statistics(self.layer)?.clone()),
            (None, true) => Seen::Features(features()?),
            (Some((_, guide)), false) => Seen::Statistics(guide.statistics(features()?)?),
            (Some((_, guide)), true) => Seen::Features(guide.select(features()?)?),
        })
    }

    /// The weighted loss `[1]`; its derivatives go to `derivatives`.
    pub(super) fn evaluate(&self, pass: &Pass, derivatives: &mut Derivatives) -> Result<Tensor<1>, Error> {
        let (value, slope) = self.loss.evaluate(self.see(pass)?, self.weight)?;
        if let Some((_, guide)) = &self.guide {
            if let Some(derivative) = guide.backward(pass.features(self.layer)?.clone(), slope) {
                derivatives.add_features(self.layer, derivative);
            }
            return Ok(value);
        }
        let Slope { mean, gram, features } = slope;
        if let Some(derivative) = mean {
            derivatives.add_mean(self.layer, derivative);
        }
        if let Some(derivative) = gram {
            derivatives.add_gram(self.layer, derivative);
        }
        if let Some(derivative) = features {
            derivatives.add_features(self.layer, derivative);
        }
        Ok(value)
    }
}
