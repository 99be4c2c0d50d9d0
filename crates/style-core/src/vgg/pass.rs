//! One forward pass that can be taken back to the pixels without a tape.

use burn::tensor::Tensor;
use style_format::Layer;
use style_kernels::Tap;

use super::fused::{FusedPass, HostDerivatives, Of, Wishes};
use super::generic::GenericPass;
use super::{Kernel, Taps, Vgg};
use crate::statistics::{has_shape, same_shape};
use crate::{Error, Statistics};

/// The result of [`Vgg::forward`]: what the taps asked for, and what the way back needs.
///
/// [`Vgg::memory`] forecasts its memory: one map per convolution (320 floats a pixel to `relu5_1`), more where Burn
/// computes.
#[derive(Debug)]
pub struct Pass {
    way: Way,
    /// Maps that were tapped, or whose statistics need them on the way back.
    maps: Vec<(Layer, Tensor<4>)>,
    /// Shapes of the tapped maps, of those that were taken out too.
    shapes: Vec<(Layer, [usize; 4])>,
    statistics: Vec<(Layer, Statistics)>,
    taps: Taps,
}

/// Who computed the pass, and computes the way back.
#[derive(Debug)]
enum Way {
    Generic(Box<GenericPass>),
    /// With the position of every tapped layer.
    Fused(Box<FusedPass>, Vec<(Layer, usize)>),
}

/// Derivatives of a loss with respect to what a [`Pass`] gave out.
#[derive(Debug, Default)]
pub struct Derivatives {
    features: Vec<(Layer, Tensor<4>)>,
    gram: Vec<(Layer, Tensor<3>)>,
    mean: Vec<(Layer, Tensor<2>)>,
}

impl Derivatives {
    /// No derivative yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `dL/dF` of a layer's feature map, `[B, C, H, W]`.
    pub fn add_features(&mut self, layer: Layer, derivative: Tensor<4>) {
        self.features.push((layer, derivative));
    }

    /// Adds `dL/dG` of a layer's Gram matrix, `[B, C, C]`.
    pub fn add_gram(&mut self, layer: Layer, derivative: Tensor<3>) {
        self.gram.push((layer, derivative));
    }

    /// Adds `dL/dmean` of a layer's channel means, `[B, C]`.
    pub fn add_mean(&mut self, layer: Layer, derivative: Tensor<2>) {
        self.mean.push((layer, derivative));
    }
}

impl Vgg {
    /// Runs the network as deep as the taps ask, keeping what [`Pass::backward`] needs.
    ///
    /// # Shapes
    ///
    /// `image` is `[batch, 3, height, width]`, RGB, sRGB in `[0, 1]`; any autodiff graph it is in ends
    /// here.
    ///
    /// # Errors
    ///
    /// Those of [`Vgg::features`].
    pub fn forward(&self, image: Tensor<4>, taps: &Taps) -> Result<Pass, Error> {
        let depth = self.check_input(&image, &taps.layers())?;
        let image = image.without_autodiff();
        if self.kernel == Kernel::Burn || depth == 0 {
            return Ok(self.generic_pass(image, taps, depth));
        }
        self.fused_pass(image, taps)
    }

    fn generic_pass(&self, image: Tensor<4>, taps: &Taps, depth: usize) -> Pass {
        let (mut maps, mut statistics) = (Vec::new(), Vec::new());
        let pass = GenericPass::new(self, image, depth, |layer, map| {
            if taps.wants_features(layer) || taps.wants_statistics(layer) {
                maps.push((layer, map.clone()));
            }
            if taps.wants_statistics(layer) {
                statistics.push((layer, Statistics::of(map.clone())));
            }
        });
        Pass::new(Way::Generic(Box::new(pass)), maps, statistics, taps)
    }

    fn fused_pass(&self, image: Tensor<4>, taps: &Taps) -> Result<Pass, Error> {
        let (positions, wanted) = self.taps_of_kernels(taps);
        let wishes = self.wishes();
        let pass = FusedPass::new(self.weights.encoder()?, wishes, image, wanted.clone(), &self.spare)?;
        let (mut maps, mut statistics) = (Vec::new(), Vec::new());
        for &(layer, position) in &positions {
            let tap = if layer.is_relu() { Tap::features(position) } else { Tap::pre_activation(position) };
            let map = wanted.contains(&tap).then(|| pass.map(tap)).transpose()?;
            if taps.wants_statistics(layer) {
                let of = match &map {
                    Some(map) if !layer.is_relu() => Statistics::of(map.clone()),
                    _ => pass.statistics(position)?,
                };
                statistics.push((layer, of));
            }
            maps.extend(map.map(|map| (layer, map)));
        }
        Ok(Pass::new(Way::Fused(Box::new(pass), positions), maps, statistics, taps))
    }

    /// Every tapped layer with the position of its convolution, and what the kernels have to keep for all.
    pub(super) fn taps_of_kernels(&self, taps: &Taps) -> (Vec<(Layer, usize)>, Vec<Tap>) {
        let mut layers = taps.layers();
        layers.sort_unstable();
        layers.dedup();
        let positions: Vec<(Layer, usize)> =
            layers.into_iter().filter_map(|layer| Some((layer, self.weights.position(layer)?))).collect();
        let mut wanted = Vec::new();
        for &(layer, position) in &positions {
            match (layer.is_relu(), taps.wants_features(layer), taps.wants_statistics(layer)) {
                // The kernels take statistics after the ReLU only: before it they are taken of the map.
                (false, _, _) => wanted.push(Tap::pre_activation(position)),
                (true, features, statistics) => {
                    wanted.extend(features.then(|| Tap::features(position)));
                    wanted.extend(statistics.then(|| Tap::statistics(position)));
                }
            }
        }
        (positions, wanted)
    }

    pub(super) const fn wishes(&self) -> Wishes {
        Wishes { pooling: self.pooling, gain: self.pooling_gain, padding: self.padding, kernel: self.kernel }
    }
}

impl Pass {
    fn new(
        way: Way,
        maps: Vec<(Layer, Tensor<4>)>,
        statistics: Vec<(Layer, Statistics)>,
        taps: &Taps,
    ) -> Self {
        let shapes = maps.iter().map(|(layer, map)| (*layer, map.dims())).collect();
        Self { way, maps, shapes, statistics, taps: taps.clone() }
    }

    /// The statistics of a layer.
    ///
    /// # Errors
    ///
    /// [`Error::NotTapped`] when the taps did not ask for them.
    pub fn statistics(&self, layer: Layer) -> Result<&Statistics, Error> {
        let found = self.statistics.iter().find(|(at, _)| *at == layer);
        found.map(|(_, statistics)| statistics).ok_or(Error::NotTapped { layer, what: "statistics" })
    }

    /// The feature map of a layer, `[B, C, H, W]`.
    ///
    /// # Errors
    ///
    /// [`Error::NotTapped`] when the taps did not ask for it.
    pub fn features(&self, layer: Layer) -> Result<&Tensor<4>, Error> {
        if !self.taps.wants_features(layer) {
            return Err(Error::NotTapped { layer, what: "features" });
        }
        self.map(layer, "features")
    }

    /// The feature map of a layer, as nobody else's where the way back can do without: its memory can then be
    /// used again.
    pub(crate) fn take_features(&mut self, layer: Layer) -> Result<Tensor<4>, Error> {
        let found = self.maps.iter().position(|(at, _)| *at == layer);
        match found {
            Some(index) if matches!(self.way, Way::Fused(..)) && layer.is_relu() => {
                Ok(self.maps.swap_remove(index).1)
            }
            _ => self.features(layer).cloned(),
        }
    }

    fn map(&self, layer: Layer, what: &'static str) -> Result<&Tensor<4>, Error> {
        let found = self.maps.iter().find(|(at, _)| *at == layer);
        found.map(|(_, map)| map).ok_or(Error::NotTapped { layer, what })
    }

    /// The gradient of a loss with respect to the pixels, from its derivatives with respect to what the
    /// pass gave out. The weights get no gradient.
    ///
    /// # Shapes
    ///
    /// Returns `[batch, 3, height, width]`; `None` without any derivative.
    ///
    /// # Errors
    ///
    /// [`Error::NotTapped`] for a derivative of something that was not given out, [`Error::Shape`] for
    /// one of another shape.
    pub fn backward(self, derivatives: Derivatives) -> Result<Option<Tensor<4>>, Error> {
        self.check(&derivatives)?;
        // The kernels take derivatives of statistics after a ReLU as they are; everything else becomes a
        // derivative of the map that the statistics were taken of.
        let fused = matches!(self.way, Way::Fused(..));
        let Derivatives { features: mut maps, gram, mean } = derivatives;
        let (grams, of_maps): (Vec<_>, Vec<_>) = gram.into_iter().partition(|(at, _)| fused && at.is_relu());
        for (layer, gram) in of_maps {
            maps.push((layer, self.derivative_of_map(layer, Some(gram), None)?));
        }
        let (means, of_maps): (Vec<_>, Vec<_>) = mean.into_iter().partition(|(at, _)| fused && at.is_relu());
        for (layer, mean) in of_maps {
            maps.push((layer, self.derivative_of_map(layer, None, Some(mean))?));
        }
        let (mut pass, positions) = match self.way {
            Way::Generic(pass) => return Ok(pass.backward(maps)),
            Way::Fused(pass, positions) => (pass, positions),
        };
        let at = |layer: Layer, what| {
            let found = positions.iter().find(|(there, _)| *there == layer);
            found.map(|&(_, position)| position).ok_or(Error::NotTapped { layer, what })
        };
        let mut host = HostDerivatives::default();
        for (layer, map) in maps {
            let position = at(layer, "features")?;
            let of = if layer.is_relu() { Of::Features(position) } else { Of::PreActivation(position) };
            host.add(of, map)?;
        }
        for (layer, gram) in grams {
            host.add(Of::Gram(at(layer, "statistics")?), gram)?;
        }
        for (layer, mean) in means {
            host.add(Of::Mean(at(layer, "statistics")?), mean)?;
        }
        if host.is_empty() { Ok(None) } else { pass.backward(&host).map(Some) }
    }

    /// Turns a derivative of statistics into one of the map they were taken of.
    fn derivative_of_map(
        &self,
        layer: Layer,
        gram: Option<Tensor<3>>,
        mean: Option<Tensor<2>>,
    ) -> Result<Tensor<4>, Error> {
        let map = self.map(layer, "statistics")?.clone();
        Ok(Statistics::backward(map.clone(), gram, mean).unwrap_or_else(|| map.zeros_like()))
    }

    /// Every derivative must be of something that was given out, and have its shape.
    fn check(&self, derivatives: &Derivatives) -> Result<(), Error> {
        for (layer, derivative) in &derivatives.features {
            let missing = Error::NotTapped { layer: *layer, what: "features" };
            let found = self.shapes.iter().find(|(at, _)| at == layer && self.taps.wants_features(*at));
            let (_, shape) = found.ok_or(missing)?;
            has_shape("the derivative of the features", derivative, *shape)?;
        }
        for (layer, derivative) in &derivatives.gram {
            same_shape("the derivative of the Gram matrix", derivative, &self.statistics(*layer)?.gram)?;
        }
        for (layer, derivative) in &derivatives.mean {
            same_shape("the derivative of the mean", derivative, &self.statistics(*layer)?.mean)?;
        }
        Ok(())
    }
}
