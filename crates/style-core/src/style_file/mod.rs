//! A style without its picture: its statistics, to be kept in a file, shipped and blended.

mod bytes;

use burn::tensor::{Device, Tensor, TensorData};
use style_format::Layer;

use crate::checkpoint::fingerprint;
use crate::transfer::{Settings, Style};
use crate::vgg::Vgg;
use crate::{Error, Statistics};

/// The statistics of a style at every style layer and scale of a run: a few MB instead of a picture.
///
/// A file belongs to a network (its weights, pooling and padding) and is refused with another. At a scale that it
/// does not hold, the nearest one counts.
///
/// # File format
///
/// safetensors: for every long side `S` px of the result that it is for, and every layer, `S.relu4_1.mean` `F32 [C]` and
/// `S.relu4_1.gram` `F32 [C (C + 1) / 2]`, the rows of the upper triangle of `F F^T / M`. Metadata: `format =
/// "style-transfer.style"`, `version = "1"`, `network` (what it belongs to, in words), `about` (free words).
///
/// # Examples
///
/// ```no_run
/// # fn f(vgg: style_core::Vgg, photo: style_image::Image, painting: style_image::Image) -> Result<(), Box<dyn std::error::Error>> {
/// use style_core::{Settings, StyleFile, StyleTransfer};
///
/// let file = StyleFile::new(&vgg, &Settings::default(), &painting)?;
/// std::fs::write("cafe.style", file.to_bytes()?)?;
/// let file = StyleFile::parse(&std::fs::read("cafe.style")?)?;
/// let outcome = StyleTransfer::new(&vgg).style(&file).run(&photo)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StyleFile {
    network: String,
    about: String,
    /// From small to large; every scale has the same layers.
    scales: Vec<StyleScale>,
}

/// The statistics of one size of the style picture.
#[derive(Debug, Clone, PartialEq)]
struct StyleScale {
    /// Long side of the result that it is for, px.
    side: usize,
    layers: Vec<StyleLayer>,
}

/// The statistics of one layer, in host memory.
#[derive(Debug, Clone, PartialEq)]
struct StyleLayer {
    layer: Layer,
    mean: Vec<f32>,
    /// The rows of the upper triangle.
    gram: Vec<f32>,
}

impl StyleFile {
    /// The statistics of a style picture for runs with these settings: at their style layers and scales, by their
    /// pooling and padding.
    ///
    /// # Errors
    ///
    /// Those of a run: [`Error::Setting`], [`Error::LayerUnavailable`], [`Error::PictureTooSmall`]; a style that is a
    /// file already is refused.
    pub fn new<'a>(vgg: &Vgg, settings: &Settings, style: impl Into<Style<'a>>) -> Result<Self, Error> {
        let scales = crate::transfer::style_statistics(vgg, settings, &style.into())?;
        let scales = scales.into_iter().map(|(side, layers)| StyleScale::read(side, layers));
        let network = identity(&settings.configure(vgg));
        Ok(Self { network, about: String::new(), scales: scales.collect::<Result<_, _>>()? })
    }

    /// The same with some words about it: what it shows, who made it, under which licence.
    #[must_use]
    pub fn with_about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    /// What was written about it.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The network that it belongs to, in words.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The style layers.
    #[must_use]
    pub fn layers(&self) -> Vec<Layer> {
        self.scales.first().map_or_else(Vec::new, |scale| scale.layers.iter().map(|at| at.layer).collect())
    }

    /// The long sides of results that it was made for, px, from small to large.
    #[must_use]
    pub fn sizes(&self) -> Vec<usize> {
        self.scales.iter().map(|scale| scale.side).collect()
    }

    /// SHA-256 of all statistics, in hex.
    pub(crate) fn fingerprint(&self) -> String {
        let layers = self.scales.iter().flat_map(|scale| {
            let side = scale.layers.iter().map(|_| vec![scale.side as f32]);
            side.zip(&scale.layers)
        });
        fingerprint(layers.flat_map(|(side, at)| [side, at.mean.clone(), at.gram.clone()]))
    }

    /// Refuses another network, and layers that are not there.
    pub(crate) fn check(&self, configured: &Vgg, layers: &[Layer]) -> Result<(), Error> {
        let expected = identity(configured);
        if self.network != expected {
            return Err(Error::StyleFileNetwork { found: self.network.clone(), expected });
        }
        let there = self.layers();
        match layers.iter().find(|layer| !there.contains(layer)) {
            None => Ok(()),
            Some(&layer) => {
                let available: Vec<&str> = there.into_iter().map(Layer::name).collect();
                Err(Error::StyleFileLayer { layer, available: available.join(", ") })
            }
        }
    }

    /// The statistics of a layer for a result of that long side, or of the nearest one that is there.
    pub(crate) fn statistics(&self, layer: Layer, side: usize, device: &Device) -> Result<Statistics, Error> {
        let ratio = |scale: &StyleScale| (scale.side as f64 / side.max(1) as f64).ln().abs();
        let nearest = self.scales.iter().min_by(|a, b| ratio(a).total_cmp(&ratio(b)));
        let found = nearest.and_then(|scale| scale.layers.iter().find(|at| at.layer == layer));
        let missing = || Error::StyleFileLayer { layer, available: "none".into() };
        Ok(found.ok_or_else(missing)?.statistics(device))
    }
}

impl StyleScale {
    fn read(side: usize, layers: Vec<(Layer, Statistics)>) -> Result<Self, Error> {
        let read = |(layer, statistics): (Layer, Statistics)| -> Result<StyleLayer, Error> {
            let channels = statistics.mean.dims()[1];
            let gram = crate::convert::read(statistics.gram, "reading a style")?;
            let rows = gram.chunks(channels).enumerate().flat_map(|(row, values)| &values[row..]);
            let gram = rows.copied().collect();
            Ok(StyleLayer { layer, mean: crate::convert::read(statistics.mean, "reading a style")?, gram })
        };
        Ok(Self { side, layers: layers.into_iter().map(read).collect::<Result<_, _>>()? })
    }
}

impl StyleLayer {
    fn statistics(&self, device: &Device) -> Statistics {
        let channels = self.mean.len();
        let mut gram = vec![0.0; channels * channels];
        let mut values = self.gram.iter();
        for row in 0..channels {
            for (column, &value) in (row..channels).zip(&mut values) {
                gram[row * channels + column] = value;
                gram[column * channels + row] = value;
            }
        }
        Statistics {
            mean: Tensor::from_data(TensorData::new(self.mean.clone(), [1, channels]), device),
            gram: Tensor::from_data(TensorData::new(gram, [1, channels, channels]), device),
            // Of no meaning once the picture is gone: the statistics are means.
            positions: 1,
        }
    }
}

/// What statistics depend on besides the picture.
fn identity(vgg: &Vgg) -> String {
    let model = vgg.describe();
    let weights = if model.source_sha256.is_empty() { &model.source } else { &model.source_sha256 };
    format!(
        "{}, pixels {}, weights {weights}, pooling {:?} x {}, padding {:?}",
        model.architecture, model.input, model.pooling, model.pooling_gain, model.padding
    )
    .to_lowercase()
}
