//! The model card: what was converted, from what, and what it cost; for people and for programs.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use style_format::{
    Architecture, ConvolutionWeights, Encoding, FORMAT, FORMAT_VERSION, FileInfo, PixelTransform, Pooling,
};

use crate::map::{Map, convolve};
use crate::output::save;
use crate::values::Distance;
use crate::{Container, Evidence, ImportError, Warning};

/// What was written, and what is known about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelCard {
    /// Which network it is.
    pub architecture: Architecture,
    /// First and last convolution: `conv1_1 to conv5_1`.
    pub extent: String,
    /// Trained values, weights and biases.
    pub parameters: usize,
    /// How the weights are stored.
    pub encoding: Encoding,
    /// The pixels that the weights were trained on.
    pub input: PixelTransform,
    /// How that is known.
    pub input_evidence: Evidence,
    /// What stands between blocks, where the source says so.
    pub pooling: Option<Pooling>,
    /// What was read.
    pub source: SourceCard,
    /// What was written.
    pub file: ResultCard,
    /// Licence of the weights, as far as known.
    pub licence: String,
    /// `||stored - original|| / ||original||` over all weights; 0 where nothing was lost. For weights that came
    /// as codebooks the original is the codebook.
    pub weight_error: f64,
    /// The same of the deepest feature map of a small photograph; `None` where nothing was lost.
    pub feature_error: Option<f64>,
    /// The convolutions in network order.
    pub layers: Vec<LayerCard>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// The file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceCard {
    /// Its name, without the folder.
    pub name: String,
    /// What kind of file it is.
    pub container: Container,
    /// By which names it knows its convolutions, see [`KeyFamily::name`](crate::KeyFamily::name).
    pub names: &'static str,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// Where the weights come from, in words.
    pub origin: String,
}

/// The file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ResultCard {
    /// Its name, without the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

/// One convolution.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LayerCard {
    /// Its name: `conv4_2`.
    pub name: String,
    /// The name of its weight in the source.
    pub key: String,
    /// Shape of the weight: `[out, in, 3, 3]`.
    pub shape: [usize; 4],
    /// Trained values, weight and bias.
    pub parameters: usize,
    /// Element type in the source.
    pub dtype: &'static str,
    /// Whether a batch normalisation was folded into it.
    pub norm_folded: bool,
    /// `||stored - original|| / ||original||` of the weight.
    pub weight_error: f64,
    /// The same of the feature map after the ReLU, of a small photograph; `None` where nothing was lost.
    pub feature_error: Option<f64>,
}

impl ModelCard {
    /// The card as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Plain data with text keys: serde_json has no reason to refuse it.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The card as Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# Model card: {}, {}\n\n| | |\n|---|---|\n", self.architecture, self.extent);
        let mut row = |name: &str, value: String| {
            let _ = writeln!(text, "| {name} | {} |", cell(&value));
        };
        row("file", format!("{}, {} bytes", self.file.name, self.file.bytes));
        row("SHA-256", self.file.sha256.clone());
        row("format", format!("{FORMAT}, version {FORMAT_VERSION}"));
        row("encoding", self.encoding.to_string());
        row("parameters", format!("{} in {} convolutions", self.parameters, self.layers.len()));
        row("pixels", format!("{} ({})", self.input, self.input_evidence));
        row("pooling", self.pooling.map_or("not told, max is usual".into(), |pooling| pooling.to_string()));
        row("licence", if self.licence.is_empty() { "not known".into() } else { self.licence.clone() });
        row("source", format!("{}, {} bytes", self.source.name, self.source.bytes));
        row("source SHA-256", self.source.sha256.clone());
        row("container", format!("{}, key names: {}", self.source.container, self.source.names));
        row("origin", self.source.origin.clone());
        row("error of the weights", error(Some(self.weight_error)));
        row("error of the deepest features", error(self.feature_error));
        text += "\nErrors are relative L2 distances from the source's values as f32, norms folded in; those of features are of a photograph\n\
                 of 120 x 80 pixels, after the ReLU.\n\n\
                 | convolution | key | type | weight: out x in x height x width | parameters | weight error | feature error |\n\
                 |---|---|---|---|---:|---:|---:|\n";
        for layer in &self.layers {
            let [out, inputs, height, width] = layer.shape;
            let folded = if layer.norm_folded { ", norm folded" } else { "" };
            let _ = writeln!(
                text,
                "| {} | {} | {}{folded} | {out} x {inputs} x {height} x {width} | {} | {} | {} |",
                layer.name,
                cell(&layer.key),
                layer.dtype,
                layer.parameters,
                error(Some(layer.weight_error)),
                error(layer.feature_error),
            );
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "\n**Warning:** {}", cell(&warning.to_string()));
        }
        text
    }

    /// Writes `NAME.card.md` and `NAME.card.json` beside a weights file `NAME` or `NAME.safetensors`, and answers with
    /// their paths.
    ///
    /// # Errors
    ///
    /// [`ImportError::Output`] when one of them cannot be written.
    pub fn save_beside(&self, weights: impl AsRef<Path>) -> Result<[PathBuf; 2], ImportError> {
        let paths = Self::places(weights);
        for (path, text) in paths.iter().zip([self.to_markdown(), self.to_json()]) {
            save(path, |mut file, _| {
                file.write_all(text.as_bytes()).map_err(|error| ImportError::output(path, error.to_string()))
            })?;
        }
        Ok(paths)
    }

    /// Where [`save_beside`](Self::save_beside) writes.
    pub fn places(weights: impl AsRef<Path>) -> [PathBuf; 2] {
        let weights = weights.as_ref();
        // Only our own extension is taken off: `vgg19.f16` and `vgg19.f32` have a card each.
        let ours = weights.extension().is_some_and(|extension| extension == "safetensors");
        let stem = if ours { weights.with_extension("") } else { weights.to_owned() };
        [".card.md", ".card.json"].map(|end| {
            let mut name = stem.clone().into_os_string();
            name.push(end);
            PathBuf::from(name)
        })
    }
}

/// A text out of a file as one cell of a table: no new cell, no new line, no markup.
fn cell(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars().take(400) {
        match c {
            '|' | '<' | '>' | '`' | '[' | ']' | '*' | '\\' => safe.extend(['\\', c]),
            c if c.is_control() => safe.push(char::REPLACEMENT_CHARACTER),
            c => safe.push(c),
        }
    }
    safe
}

fn error(value: Option<f64>) -> String {
    match value {
        None | Some(0.0) => "0".into(),
        Some(value) => format!("{value:.2e}"),
    }
}

/// The few lines for a terminal.
impl fmt::Display for ModelCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = match self.feature_error {
            Some(features) => format!(", of the deepest features {features:.3e}"),
            None => String::new(),
        };
        writeln!(f, "weights    {} {}, {} parameters", self.architecture, self.extent, self.parameters)?;
        writeln!(f, "encoding   {}, relative L2 error {:.3e}{features}", self.encoding, self.weight_error)?;
        writeln!(f, "pixels     {} ({})", self.input, self.input_evidence)?;
        writeln!(f, "bytes      {}", self.file.bytes)?;
        writeln!(f, "sha256     {}", self.file.sha256)?;
        write!(f, "source     {}", self.source.sha256)?;
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

/// Runs a photograph through the network as it was and as it is stored, one convolution at a time.
pub(crate) struct FeatureErrors {
    original: Map,
    stored: Map,
    pooling: Pooling,
}

impl FeatureErrors {
    pub(crate) fn new(info: &FileInfo) -> Self {
        let picture = Map::picture(info.input);
        Self { original: picture.clone(), stored: picture, pooling: info.pooling.unwrap_or_default() }
    }

    /// The relative error of the features after this convolution's ReLU; no `original` where nothing was lost.
    pub(crate) fn convolution(
        &mut self,
        stored: &ConvolutionWeights,
        original: Option<Vec<f32>>,
    ) -> Result<f64, ImportError> {
        let pooled = stored.convolution().starts_block().then_some(self.pooling);
        let (original, bias) = (original.unwrap_or_else(|| stored.weight().to_f32()), stored.bias());
        self.original = convolve(&self.original, &original, bias, pooled)?;
        drop(original);
        self.stored = convolve(&self.stored, &stored.weight().to_f32(), bias, pooled)?;
        Ok(Distance::between(self.original.values(), self.stored.values()).relative())
    }
}
