//! The case that every device is given: pictures, layers, settings.

use burn::tensor::{Device, Tensor, TensorData};
use style_format::Layer;
use style_image::Image;

use crate::convert::{image_to_tensor, read};
use crate::{Error, Objective, Optimizer, Outcome, Settings, Statistics, StyleTransfer, Taps, Vgg};

/// Updates of the run.
const STEPS: usize = 20;

/// What is computed on every device.
#[derive(Debug)]
pub(super) struct Case {
    content: Image,
    style: Image,
    /// Half content and half style: a picture that has everything still before it.
    picture: Image,
    /// The settings of `balanced`, for 20 steps of Adam at one scale, with layers that the weights have.
    pub(super) settings: Settings,
    /// All layers after a ReLU, in network order.
    pub(super) layers: Vec<Layer>,
    /// What the losses look at; the same on every device.
    pub(super) looks: Vec<Look>,
}

/// What the reference's network sees at one layer, in host memory.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) layer: Layer,
    pub(super) picture: Seen,
    pub(super) content: Seen,
    pub(super) style: Seen,
}

/// A map with its statistics.
#[derive(Debug)]
pub(super) struct Seen {
    shape: [usize; 4],
    map: Vec<f32>,
    mean: Vec<f32>,
    gram: Vec<f32>,
}

impl Seen {
    fn new(map: Tensor<4>) -> Result<Self, Error> {
        let (shape, statistics) = (map.dims(), Statistics::of(map.clone()));
        let doing = "reading the reference";
        let (mean, gram) = (read(statistics.mean, doing)?, read(statistics.gram, doing)?);
        Ok(Self { shape, map: read(map, doing)?, mean, gram })
    }

    pub(super) const fn channels(&self) -> usize {
        self.shape[1]
    }

    pub(super) fn map(&self, device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(self.map.clone(), self.shape), device)
    }

    pub(super) fn statistics(&self, device: &Device) -> Statistics {
        let [batch, channels, height, width] = self.shape;
        let mean = TensorData::new(self.mean.clone(), [batch, channels]);
        let gram = TensorData::new(self.gram.clone(), [batch, channels, channels]);
        Statistics {
            mean: Tensor::from_data(mean, device),
            gram: Tensor::from_data(gram, device),
            positions: height * width,
        }
    }
}

impl Case {
    /// The case of two pictures, with what `reference` sees in them. Answers also the reference as the case has it.
    pub(super) fn new(reference: &Vgg, content: &Image, style: &Image) -> Result<(Self, Vgg), Error> {
        let layers: Vec<Layer> = Layer::ALL
            .iter()
            .copied()
            .filter(|layer| layer.is_relu() && reference.contains(*layer))
            .collect();
        let settings = settings(&layers, content.width().max(content.height()));
        let (width, height) = (content.width(), content.height());
        if let Some(&deepest) = layers.last() {
            reference.check_size(width, height, deepest)?;
        }
        let resized = style.resized(width, height)?;
        let half: Vec<f32> =
            content.to_planar().iter().zip(resized.to_planar()).map(|(a, b)| f32::midpoint(*a, b)).collect();
        let picture = Image::from_planar(width, height, &half)?;
        let reference = settings.configure(reference);
        let looks = looks(&reference, &settings, [&picture, content, style])?;
        let (content, style) = (content.clone(), style.clone());
        Ok((Self { content, style, picture, settings, layers, looks }, reference))
    }

    /// Width and height of the picture, px.
    pub(super) const fn size(&self) -> (usize, usize) {
        (self.picture.width(), self.picture.height())
    }

    /// The picture on a device.
    pub(super) fn picture(&self, device: &Device) -> Tensor<4> {
        image_to_tensor(&self.picture, device)
    }

    /// Everything the network gives out, as a run would ask for it.
    pub(super) fn taps(&self) -> Taps {
        let styles = self.settings.style_layers.iter().copied();
        Taps::new().with_features(self.layers.iter().copied()).with_statistics(styles)
    }

    /// What the run minimises.
    pub(super) fn objective(&self, vgg: &Vgg) -> Result<Objective, Error> {
        Ok(self.transfer(vgg).objective(&self.content)?.1)
    }

    /// The run.
    pub(super) fn run(&self, vgg: &Vgg) -> Result<Outcome, Error> {
        self.transfer(vgg).run(&self.content)
    }

    fn transfer<'a>(&'a self, vgg: &'a Vgg) -> StyleTransfer<'a> {
        StyleTransfer::new(vgg).settings(self.settings.clone()).style(&self.style)
    }
}

fn settings(layers: &[Layer], size: usize) -> Settings {
    let usual = Settings::default();
    let there = |wanted: &[Layer]| -> Vec<Layer> {
        let there: Vec<Layer> = wanted.iter().copied().filter(|layer| layers.contains(layer)).collect();
        if there.is_empty() { layers.last().copied().into_iter().collect() } else { there }
    };
    Settings {
        size,
        smallest_scale: size,
        steps: vec![STEPS],
        optimizer: Optimizer::ADAM,
        content_layers: there(&usual.content_layers),
        style_layers: there(&usual.style_layers),
        ..usual
    }
}

/// What the network sees in picture, content and style at the layers of the losses.
fn looks(vgg: &Vgg, settings: &Settings, pictures: [&Image; 3]) -> Result<Vec<Look>, Error> {
    let mut layers = [settings.content_layers.clone(), settings.style_layers.clone()].concat();
    layers.sort_unstable();
    layers.dedup();
    let look = |picture: &Image| -> Result<Vec<Seen>, Error> {
        let maps = vgg.features(image_to_tensor(picture, vgg.device()), &layers)?;
        maps.into_iter().map(Seen::new).collect()
    };
    let [picture, content, style] = pictures;
    let seen = look(picture)?.into_iter().zip(look(content)?).zip(look(style)?);
    let looks = layers.iter().zip(seen);
    Ok(looks.map(|(&layer, ((picture, content), style))| Look { layer, picture, content, style }).collect())
}
