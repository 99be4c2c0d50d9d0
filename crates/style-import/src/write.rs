//! From a checkpoint to the native file.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::Path;

use burn_pack::AtomicFile;
use serde::Serialize;
use sha2::{Digest, Sha256};
use style_format::{
    Convolution, ConvolutionWeights, Encoding, FileInfo, FormatError, Layer, PixelTransform, VggFile,
};

use crate::values::{Distance, convert};
use crate::{Checkpoint, ImportError, container};

/// How a checkpoint is written; the default keeps every convolution as `f32`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// How the weights are stored. Codebooks that come as codebooks are passed through unchanged.
    pub encoding: Encoding,
    /// The last layer to keep; all of them if `None`.
    pub cut: Option<Layer>,
    /// The pixels that the weights were trained on; what the key family usually means if `None`.
    pub input: Option<PixelTransform>,
    /// Where the weights come from, in words; a description of the key family if `None`.
    pub source: Option<String>,
    /// Licence of the weights, in words; empty if `None`.
    pub licence: Option<String>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { encoding: Encoding::F32, cut: None, input: None, source: None, licence: None }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// First and last convolution: `conv1_1 to conv5_1`.
    pub extent: String,
    /// Trained values, weights and biases.
    pub parameters: usize,
    /// How the weights are stored: `f32`, `f16`, `bf16` or `codebook`.
    pub encoding: &'static str,
    /// `||stored - original|| / ||original||` over all weights; 0 where nothing was lost. For weights that
    /// came as codebooks the original is the codebook.
    pub relative_error: f64,
    /// The pixels that the weights were trained on.
    pub input: PixelTransform,
    /// Whether `input` is a guess from the key names that nobody has confirmed.
    pub input_is_assumed: bool,
    /// Bytes of the file written.
    pub bytes: u64,
    /// SHA-256 of the checkpoint, in hex.
    pub source_sha256: String,
    /// SHA-256 of the file written, in hex.
    pub sha256: String,
}

impl Checkpoint {
    /// Reads and encodes the convolutions, one after the other.
    ///
    /// # Errors
    ///
    /// An [`ImportError`] that names the first tensor that cannot be read or encoded.
    pub fn to_vgg_file(&self, options: &WriteOptions) -> Result<VggFile, ImportError> {
        Ok(self.convert(options)?.0)
    }

    /// Converts the checkpoint into a native weights file: whole, or not at all.
    ///
    /// The same checkpoint and the same options give the same bytes.
    ///
    /// # Errors
    ///
    /// [`ImportError::Output`] when the file cannot be written; otherwise an [`ImportError`] that names the
    /// first tensor that cannot be read or encoded.
    pub fn write(&self, path: impl AsRef<Path>, options: &WriteOptions) -> Result<Summary, ImportError> {
        let path = path.as_ref();
        self.check_output(path)?;
        let (file, distance) = self.convert(options)?;
        let bytes = file.to_bytes()?;
        save(path, &bytes)?;
        let convolutions = file.convolutions().iter().map(ConvolutionWeights::convolution);
        Ok(Summary {
            extent: file.extent(),
            parameters: convolutions.map(|convolution| Convolution::parameters(&convolution)).sum(),
            encoding: options.encoding.name(),
            relative_error: distance.relative(),
            input: file.info().input,
            input_is_assumed: options.input.is_none() && !self.family().input_is_certain(),
            bytes: bytes.len() as u64,
            source_sha256: file.info().source_sha256.clone(),
            sha256: crate::source::hex(&Sha256::digest(&bytes)),
        })
    }

    fn convert(&self, options: &WriteOptions) -> Result<(VggFile, Distance), ImportError> {
        let info = FileInfo {
            architecture: self.architecture(),
            input: options.input.unwrap_or(self.family().usual_input()),
            source: options.source.clone().unwrap_or_else(|| self.family().description().to_owned()),
            source_sha256: container::sha256(self.path())?,
            licence: options.licence.clone().unwrap_or_default(),
            pooling: None,
        };
        let mut distance = Distance::default();
        let sources = &self.sources()[..self.kept(options.cut)?];
        let convolutions = sources.iter().map(|source| convert(source, options.encoding, &mut distance));
        let convolutions = convolutions.collect::<Result<_, _>>()?;
        Ok((VggFile::new(info, convolutions)?, distance))
    }

    /// Number of convolutions up to the cut.
    fn kept(&self, cut: Option<Layer>) -> Result<usize, ImportError> {
        let Some(layer) = cut else { return Ok(self.layers().len()) };
        let last = self.layers().iter().position(|found| found.convolution.is_at(layer));
        let name = |place: usize| self.layers()[place].convolution.name();
        last.map(|last| last + 1).ok_or_else(|| {
            let available = format!("{} to {}", name(0), name(self.layers().len() - 1));
            FormatError::CannotCut { layer, available }.into()
        })
    }

    /// Refuses before the work what would be refused after it.
    fn check_output(&self, path: &Path) -> Result<(), ImportError> {
        let refuse = |reason: String| Err(ImportError::Output { path: path.to_owned(), reason });
        if path.is_dir() {
            return refuse("it is a folder".into());
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return refuse(format!("there is no folder {}", folder.display()));
        }
        match (fs::canonicalize(path), fs::canonicalize(self.path())) {
            (Ok(output), Ok(input)) if output == input => refuse("it is the checkpoint itself".into()),
            _ => Ok(()),
        }
    }
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), ImportError> {
    let refuse = |reason: String| ImportError::Output { path: path.to_owned(), reason };
    let refused = |error| match error {
        burn_pack::Error::IoError(reason) => refuse(reason),
        other => refuse(other.to_string()),
    };
    let (scratch, mut file) = AtomicFile::create(path).map_err(refused)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| refuse(error.to_string()))?;
    drop(file);
    scratch.commit().map_err(refused)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let assumed = if self.input_is_assumed { " (assumed from the key names)" } else { "" };
        writeln!(f, "weights    {}, {} parameters", self.extent, self.parameters)?;
        writeln!(f, "encoding   {}, relative L2 error {:.3e}", self.encoding, self.relative_error)?;
        writeln!(f, "pixels     {}{assumed}", self.input)?;
        writeln!(f, "bytes      {}", self.bytes)?;
        writeln!(f, "sha256     {}", self.sha256)?;
        write!(f, "source     {}", self.source_sha256)
    }
}
