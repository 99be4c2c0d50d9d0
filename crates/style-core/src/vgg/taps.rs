//! What a forward pass has to keep.

use style_format::Layer;

/// The places where a forward pass is read, and what is read there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taps {
    statistics: Vec<Layer>,
    features: Vec<Layer>,
}

impl Taps {
    /// No taps yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keep [`Statistics`](crate::Statistics) at these layers.
    #[must_use]
    pub fn with_statistics(mut self, layers: impl IntoIterator<Item = Layer>) -> Self {
        self.statistics.extend(layers);
        self
    }

    /// Keep feature maps at these layers.
    #[must_use]
    pub fn with_features(mut self, layers: impl IntoIterator<Item = Layer>) -> Self {
        self.features.extend(layers);
        self
    }

    /// Whether the statistics of `layer` are kept.
    pub(crate) fn wants_statistics(&self, layer: Layer) -> bool {
        self.statistics.contains(&layer)
    }

    /// Whether the feature map of `layer` was asked for.
    pub(crate) fn wants_features(&self, layer: Layer) -> bool {
        self.features.contains(&layer)
    }

    /// Every layer with a tap.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        self.statistics.iter().chain(&self.features).copied().collect()
    }
}
