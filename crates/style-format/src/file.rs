//! The native weights file.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Cursor;

use serde::Serialize;

use crate::{
    Architecture, ConvolutionWeights, Encoding, FormatError, Layer, PixelTransform, Pooling, VggFileWriter,
    read,
};

/// The value of the metadata key `format`.
pub const FORMAT: &str = "style-transfer.vgg";

/// The value of the metadata key `version`.
pub const FORMAT_VERSION: &str = "1";

/// What a weights file says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileInfo {
    /// Which network the weights belong to.
    pub architecture: Architecture,
    /// The pixels that the network was trained on.
    pub input: PixelTransform,
    /// Where the weights come from, in words.
    pub source: String,
    /// SHA-256 of the file they were read from, in hex; may be empty.
    pub source_sha256: String,
    /// Licence of the weights, in words; may be empty.
    pub licence: String,
    /// What stands between blocks, where the source says so; max pooling otherwise.
    pub pooling: Option<Pooling>,
}

impl FileInfo {
    /// Reads the metadata of a native file's header.
    ///
    /// # Errors
    ///
    /// [`FormatError::Metadata`] names the first entry that has no known value.
    pub fn from_metadata<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, FormatError> {
        let text = |key: &str| get(key).unwrap_or_default();
        let wrong = |key: &'static str, expected: &dyn Display| {
            let shown: String = text(key).chars().take(64).collect();
            let found = if shown.is_empty() { "nothing".to_owned() } else { format!("{shown:?}") };
            FormatError::Metadata { key, found, expected: expected.to_string() }
        };
        if text("format") != FORMAT {
            return Err(wrong("format", &FORMAT));
        }
        if text("version") != FORMAT_VERSION {
            return Err(wrong("version", &FORMAT_VERSION));
        }
        let architecture = Architecture::from_name(text("architecture"))
            .ok_or_else(|| wrong("architecture", &"vgg11, vgg13, vgg16 or vgg19"))?;
        let input = PixelTransform::from_name(text("input"))
            .ok_or_else(|| wrong("input", &"caffe-bgr-255 or torch-rgb-01"))?;
        let pooling = match get("pooling") {
            None => None,
            Some(name) => {
                Some(Pooling::from_name(name).ok_or_else(|| wrong("pooling", &"max, average or l2"))?)
            }
        };
        let [source, source_sha256, licence] =
            ["source", "source_sha256", "licence"].map(|key| text(key).to_owned());
        Ok(Self { architecture, input, source, source_sha256, licence, pooling })
    }

    /// The entries that [`Self::from_metadata`] reads, in order of their keys.
    #[must_use]
    pub fn to_metadata(&self) -> BTreeMap<&'static str, &str> {
        let mut metadata = BTreeMap::from([
            ("format", FORMAT),
            ("version", FORMAT_VERSION),
            ("architecture", self.architecture.name()),
            ("input", self.input.name()),
            ("source", &self.source),
            ("source_sha256", &self.source_sha256),
            ("licence", &self.licence),
        ]);
        metadata.extend(self.pooling.map(|pooling| ("pooling", pooling.name())));
        metadata
    }
}

/// A native weights file in memory: metadata and the first convolutions of a VGG network.
///
/// On disk it is a safetensors file. Per convolution: `convB_N.weight` (`F32`, `F16` or `BF16`,
/// `[out, in, 3, 3]`, PyTorch's order) or `U8` indices of that shape with `convB_N.codebook` (`F32`,
/// `[256]`); and `convB_N.bias` (`F32`, `[out]`). A file may stop at any convolution.
///
/// # Examples
///
/// ```no_run
/// use style_format::VggFile;
///
/// let file = VggFile::parse(&std::fs::read("vgg19.safetensors")?)?;
/// println!("{} with {} convolutions", file.info().architecture, file.convolutions().len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct VggFile {
    info: FileInfo,
    convolutions: Vec<ConvolutionWeights>,
}

impl VggFile {
    /// Joins weights and what is known about them.
    ///
    /// # Errors
    ///
    /// [`FormatError::Missing`] unless `convolutions` are the first ones of the architecture, in order,
    /// each taking the channels that the one before gives.
    pub fn new(info: FileInfo, convolutions: Vec<ConvolutionWeights>) -> Result<Self, FormatError> {
        let found: Vec<_> = convolutions.iter().map(ConvolutionWeights::convolution).collect();
        info.architecture.check_leading(&found)?;
        Ok(Self { info, convolutions })
    }

    /// Reads a file's bytes: header first, every name, shape and type before any value.
    ///
    /// # Errors
    ///
    /// A [`FormatError`] that names the first thing that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let (info, convolutions) = read::file(bytes)?;
        Self::new(info, convolutions)
    }

    /// The file's bytes; equal contents give equal bytes.
    ///
    /// # Errors
    ///
    /// [`FormatError::Write`] when there is no end of memory in sight (not seen to happen).
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormatError> {
        let parts: Vec<_> =
            self.convolutions.iter().map(|w| (w.convolution(), w.weight().encoding())).collect();
        let mut writer = VggFileWriter::new(Cursor::new(Vec::new()), &self.info, &parts)?;
        for weights in &self.convolutions {
            writer.write(weights)?;
        }
        Ok(writer.finish()?.into_inner())
    }

    /// The same weights up to the convolution of `layer`, without the later ones.
    ///
    /// # Errors
    ///
    /// [`FormatError::CannotCut`] when the weights do not reach that far.
    pub fn cut_after(mut self, layer: Layer) -> Result<Self, FormatError> {
        let reached = self.convolutions.iter().position(|weights| weights.convolution().is_at(layer));
        let Some(last) = reached else {
            return Err(FormatError::CannotCut { layer, available: self.extent() });
        };
        self.convolutions.truncate(last + 1);
        Ok(self)
    }

    /// First and last convolution in words: `conv1_1 to conv5_1`.
    #[must_use]
    pub fn extent(&self) -> String {
        let name = |weights: Option<&ConvolutionWeights>| {
            weights.map_or_else(|| "nothing".to_owned(), |weights| weights.convolution().name())
        };
        format!("{} to {}", name(self.convolutions.first()), name(self.convolutions.last()))
    }

    /// What the file says about itself.
    #[must_use]
    pub const fn info(&self) -> &FileInfo {
        &self.info
    }

    /// The convolutions that are there, in network order; never empty.
    #[must_use]
    pub fn convolutions(&self) -> &[ConvolutionWeights] {
        &self.convolutions
    }

    /// How the weights are stored (that of the first convolution, in a mixed file).
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.convolutions.first().map_or(Encoding::F32, |weights| weights.weight().encoding())
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
