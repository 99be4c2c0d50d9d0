//! A foreign weights file that has been looked at and found to be a VGG network.

use std::path::{Path, PathBuf};

use pytorch_reader::PytorchReader;
use style_format::{Architecture, Convolution};

use crate::recognise::{Recognised, Source, dtype_name, recognise};
use crate::{ImportError, KeyFamily, container};

/// A checkpoint whose names, shapes and element types are those of a VGG network; no tensor is read yet.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    family: KeyFamily,
    architecture: Architecture,
    sources: Vec<Source>,
    layers: Vec<FoundConvolution>,
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
}

/// Opens a PyTorch checkpoint and recognises the network in it.
///
/// Zip checkpoints (PyTorch 1.6 and later) of a VGG-16 or VGG-19, whole or cut after any convolution,
/// with the key names of a [`KeyFamily`]. What is not a convolution (the classifier) is passed over.
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
    let path = path.as_ref();
    let length = container::check(path)?;
    let reader = PytorchReader::new(path).map_err(ImportError::damaged)?;
    let Recognised { family, architecture, sources } = recognise(reader.tensors())?;
    // A tensor may be a small storage repeated: no shape can then be larger than what the file holds.
    let bytes = |source: &Source| {
        let table = source.table.as_ref().map_or(0, pytorch_reader::Tensor::byte_len);
        (source.weight.byte_len() + table + source.bias.byte_len()) as u64
    };
    let needed = sources.iter().map(bytes).sum();
    if needed > length {
        return Err(ImportError::LargerThanFile { needed, found: length });
    }
    let found = |source: &Source| FoundConvolution {
        convolution: source.convolution,
        key: source.weight.name.clone(),
        dtype: dtype_name(source.weight.dtype()),
    };
    let layers = sources.iter().map(found).collect();
    Ok(Checkpoint { path: path.to_owned(), family, architecture, sources, layers })
}

impl Checkpoint {
    /// Which network it is.
    ///
    /// The two known ones are the same up to `conv3_3`; a file that stops there counts as VGG-19.
    #[must_use]
    pub const fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// By which names the file knows its convolutions.
    #[must_use]
    pub const fn family(&self) -> KeyFamily {
        self.family
    }

    /// The convolutions that are there, in network order; never empty.
    #[must_use]
    pub fn layers(&self) -> &[FoundConvolution] {
        &self.layers
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }
}
