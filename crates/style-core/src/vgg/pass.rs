//! One forward pass that can be taken back to the pixels without a tape.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use style_format::Layer;

use super::stage::Pooled;
use super::{Taps, Vgg};
use crate::statistics::same_shape;
use crate::{Error, Statistics};

/// The result of [`Vgg::forward`]: what the taps asked for, and what the way back needs.
///
/// Memory: one map per convolution (320 floats a pixel to `relu5_1`) and the indices of the poolings.
#[derive(Debug)]
pub struct Pass {
    vgg: Vgg,
    /// Output of every ReLU that was computed, with the pooling before it.
    stages: Vec<Kept>,
    /// Maps that were tapped.
    maps: Vec<(Layer, Tensor<4>)>,
    statistics: Vec<(Layer, Statistics)>,
    taps: Taps,
}

#[derive(Debug)]
struct Kept {
    pooled: Option<Pooled>,
    relu: Tensor<4>,
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
    /// `image` is `[batch, 3, height, width]`, RGB, sRGB in `[0, 1]`, untracked.
    ///
    /// # Errors
    ///
    /// Those of [`Vgg::features`].
    pub fn forward(&self, image: Tensor<4>, taps: &Taps) -> Result<Pass, Error> {
        let depth = self.check_input(&image, &taps.layers())?;
        let mut pass = Pass {
            vgg: self.clone(),
            stages: Vec::with_capacity(depth),
            maps: Vec::new(),
            statistics: Vec::new(),
            taps: taps.clone(),
        };
        let mut x = self.transform_pixels(image.without_autodiff());
        for (index, stage) in self.stages[..depth].iter().enumerate() {
            let mut pooled = None;
            if stage.starts_block() {
                let (output, kept) = Pooled::forward(x, self.pooling);
                (x, pooled) = (output, Some(kept));
            }
            x = stage.convolve(x, self.padding_of(index));
            pass.keep(stage.conv_layer(), &x);
            x = relu(x);
            pass.keep(stage.relu_layer(), &x);
            pass.stages.push(Kept { pooled, relu: x.clone() });
        }
        Ok(pass)
    }
}

impl Pass {
    fn keep(&mut self, layer: Option<Layer>, map: &Tensor<4>) {
        let Some(layer) = layer else { return };
        if self.taps.wants_map(layer) {
            self.maps.push((layer, map.clone()));
        }
        if self.taps.wants_statistics(layer) {
            self.statistics.push((layer, Statistics::of(map.clone())));
        }
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

    fn map(&self, layer: Layer, what: &'static str) -> Result<&Tensor<4>, Error> {
        let found = self.maps.iter().find(|(at, _)| *at == layer);
        found.map(|(_, map)| map).ok_or(Error::NotTapped { layer, what })
    }

    /// The gradient of a loss with respect to the pixels, from its derivatives with respect to what the
    /// pass gave out.
    ///
    /// Layer by layer backwards: mask of the ReLU, convolution with rotated weights, un-pooling. The
    /// weights get no gradient.
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
        let mut arriving = self.collect(derivatives)?;
        let mut take = |layer: Option<Layer>| {
            let mut sum: Option<Tensor<4>> = None;
            for (_, gradient) in arriving.extract_if(.., |(at, _)| Some(*at) == layer) {
                sum = Some(add(sum, gradient));
            }
            sum
        };
        let mut gradient: Option<Tensor<4>> = None;
        for (index, kept) in self.stages.into_iter().enumerate().rev() {
            let stage = &self.vgg.stages[index];
            if let Some(direct) = take(stage.relu_layer()) {
                gradient = Some(add(gradient, direct));
            }
            gradient = gradient.map(|gradient| gradient.mask_fill(kept.relu.lower_equal_scalar(0.0), 0.0));
            if let Some(direct) = take(stage.conv_layer()) {
                gradient = Some(add(gradient, direct));
            }
            gradient = gradient.map(|gradient| {
                let input = stage.convolve_backward(gradient, self.vgg.padding_of(index));
                match kept.pooled {
                    Some(pooled) => pooled.backward(input),
                    None => input,
                }
            });
        }
        Ok(gradient.map(|gradient| gradient * self.vgg.scale))
    }

    /// Turns all derivatives into gradients of feature maps.
    fn collect(&self, derivatives: Derivatives) -> Result<Vec<(Layer, Tensor<4>)>, Error> {
        let mut arriving = Vec::new();
        for (layer, derivative) in derivatives.features {
            same_shape("the derivative of the features", &derivative, self.features(layer)?)?;
            arriving.push((layer, derivative));
        }
        for (layer, derivative) in derivatives.gram {
            same_shape("the derivative of the Gram matrix", &derivative, &self.statistics(layer)?.gram)?;
            let map = self.map(layer, "statistics")?.clone();
            arriving.extend(Statistics::backward(map, Some(derivative), None).map(|map| (layer, map)));
        }
        for (layer, derivative) in derivatives.mean {
            same_shape("the derivative of the mean", &derivative, &self.statistics(layer)?.mean)?;
            let map = self.map(layer, "statistics")?.clone();
            arriving.extend(Statistics::backward(map, None, Some(derivative)).map(|map| (layer, map)));
        }
        Ok(arriving)
    }
}

fn add(sum: Option<Tensor<4>>, gradient: Tensor<4>) -> Tensor<4> {
    match sum {
        Some(sum) => sum + gradient,
        None => gradient,
    }
}
