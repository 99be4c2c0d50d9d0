//! A foreign weights file that has been looked at and found to be a VGG network.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use style_format::{Architecture, Convolution, FileInfo, Pooling};

use crate::container::{self, Contents};
use crate::network::Found;
use crate::onnx::External;
use crate::recognise::{Source, recognise};
use crate::source::SourceFile;
use crate::tensor::Place;
use crate::{ImportError, KeyFamily, naming};

/// A file whose names, shapes and element types are those of a VGG network; no tensor is read yet.
#[derive(Debug)]
pub struct Checkpoint {
    file: Arc<SourceFile>,
    sha256: String,
    container: Container,
    family: KeyFamily,
    architecture: Architecture,
    pooling: Option<Pooling>,
    recorded: Option<FileInfo>,
    sources: Vec<Source>,
    layers: Vec<FoundConvolution>,
}

/// What kind of file the weights came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Container {
    /// PyTorch 1.6 and later: a zip archive.
    PytorchZip,
    /// PyTorch 0.1.10 to 1.5: a stream of pickles.
    PytorchLegacy,
    /// A safetensors file.
    Safetensors,
    /// Our own file, which is a safetensors file with metadata.
    Native,
    /// An ONNX model.
    Onnx,
}

/// One convolution as the checkpoint has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundConvolution {
    /// Which convolution it is; it knows its name and its shape.
    pub convolution: Convolution,
    /// The name of the weight in the checkpoint.
    pub key: String,
    /// The element type of the weight: `f32`, `f16`, `bf16`, `f64`, or `u8` for indices into a codebook.
    pub dtype: &'static str,
    /// Whether a batch normalisation follows, which is folded into the convolution when it is read.
    pub normalised: bool,
}

/// How a file may be opened; the default trusts nothing beyond the file itself.
///
/// # Examples
///
/// ```no_run
/// let checkpoint = style_import::OpenOptions::new().external_data(true).open("vgg19.onnx")?;
/// # Ok::<(), style_import::ImportError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenOptions {
    external_data: bool,
}

/// Opens a weights file and recognises the network in it.
///
/// PyTorch state dicts (zip and legacy), ONNX models and safetensors files of a VGG-11, 13, 16 or 19, up
/// to twice as wide as the paper's and with at most 512 channels, whole or cut after any convolution. What is not a
/// convolution (the classifier) is passed over.
///
/// # Errors
///
/// An [`ImportError`] that names the first thing that is wrong with the file.
///
/// # Examples
///
/// ```no_run
/// for layer in style_import::open("vgg16.pth")?.layers() {
///     println!("{} {:?} {}", layer.convolution.name(), layer.convolution.weight_shape(), layer.dtype);
/// }
/// # Ok::<(), style_import::ImportError>(())
/// ```
pub fn open(path: impl AsRef<Path>) -> Result<Checkpoint, ImportError> {
    OpenOptions::new().open(path)
}

impl OpenOptions {
    /// Nothing but the file itself.
    #[must_use]
    pub const fn new() -> Self {
        Self { external_data: false }
    }

    /// Whether an ONNX model may keep its values in other files: regular files inside of its own folder.
    #[must_use]
    pub const fn external_data(mut self, allowed: bool) -> Self {
        self.external_data = allowed;
        self
    }

    /// Opens a weights file as [`open`] does.
    ///
    /// # Errors
    ///
    /// An [`ImportError`] that names the first thing that is wrong with the file.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Checkpoint, ImportError> {
        let file = Arc::new(SourceFile::open(path.as_ref())?);
        let external = if self.external_data { External::InFolder } else { External::Refused };
        let Contents { container, network, info } = container::read(&file, external)?;
        let found = match network {
            container::Network::Tensors(tensors) => naming::stages(tensors)?,
            container::Network::Graph(found) => found,
        };
        let Found { family, pooling, .. } = found;
        let (architecture, sources) = recognise(found)?;
        check_size(&file, &sources)?;
        if let Some(info) = &info
            && info.architecture != architecture
        {
            agree(info.architecture, &sources)?;
        }
        let describe = |source: &Source| FoundConvolution {
            convolution: source.convolution,
            key: source.weight.name.clone(),
            dtype: source.weight.dtype.name(),
            normalised: source.norm.is_some(),
        };
        Ok(Checkpoint {
            sha256: file.sha256()?,
            container,
            family,
            architecture: info.as_ref().map_or(architecture, |info| info.architecture),
            pooling: info.as_ref().map_or(pooling, |info| info.pooling),
            recorded: info,
            layers: sources.iter().map(describe).collect(),
            sources,
            file,
        })
    }
}

/// A tensor of a PyTorch file may be a small storage repeated: no shape can be larger than what the file holds.
fn check_size(file: &SourceFile, sources: &[Source]) -> Result<(), ImportError> {
    let inside = |place: &Place| matches!(place, Place::Storage(_));
    let tensors = sources.iter().flat_map(Source::tensors).filter(|tensor| inside(&tensor.place));
    let needed = tensors.fold(0_u64, |sum, tensor| sum.saturating_add(tensor.byte_len().unwrap_or(u64::MAX)));
    if needed > file.length() {
        return Err(ImportError::LargerThanFile { needed, found: file.length() });
    }
    Ok(())
}

/// Our own file says which network it is; its convolutions must be there under that name, too.
fn agree(named: Architecture, sources: &[Source]) -> Result<(), ImportError> {
    let expected = named.convolutions();
    let places = sources.iter().enumerate();
    let mut places = places.map(|(place, source)| (expected.get(place), source));
    let at = |convolution: &Convolution, source: &Source| source.convolution.is_at(convolution.conv_layer());
    match places.find(|(expected, source)| !expected.is_some_and(|convolution| at(convolution, source))) {
        Some((_, source)) => {
            Err(ImportError::Unexpected { key: source.weight.name.clone(), architecture: named.name() })
        }
        None => Ok(()),
    }
}

impl Checkpoint {
    /// Which network it is.
    ///
    /// A file that stops before the networks differ counts as the deepest of them, VGG-19 first.
    #[must_use]
    pub const fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// What kind of file it is.
    #[must_use]
    pub const fn container(&self) -> Container {
        self.container
    }

    /// By which names the file knows its convolutions.
    #[must_use]
    pub const fn family(&self) -> KeyFamily {
        self.family
    }

    /// What stands between the blocks, where the file says so (ONNX models and our own files do).
    #[must_use]
    pub const fn pooling(&self) -> Option<Pooling> {
        self.pooling
    }

    /// The convolutions that are there, in network order; never empty.
    #[must_use]
    pub fn layers(&self) -> &[FoundConvolution] {
        &self.layers
    }

    /// SHA-256 of the file, in hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    pub(crate) const fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// What our own file says about itself.
    pub(crate) const fn recorded(&self) -> Option<&FileInfo> {
        self.recorded.as_ref()
    }
}

impl Container {
    /// In words, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PytorchZip => "PyTorch zip",
            Self::PytorchLegacy => "PyTorch legacy",
            Self::Safetensors => "safetensors",
            Self::Native => "native safetensors",
            Self::Onnx => "ONNX",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
