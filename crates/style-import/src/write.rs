//! From a checkpoint to the native file.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use style_format::{
    Convolution, Encoding, FileInfo, FormatError, Layer, PixelTransform, VggFile, VggFileWriter,
};

use crate::card::{FeatureErrors, LayerCard, ModelCard, ResultCard, SourceCard};
use crate::output::save;
use crate::recognise::Source;
use crate::source::SourceFile;
use crate::values::{Converted, Distance, convert, is_lossless};
use crate::{Checkpoint, ImportError};

/// How a checkpoint is written; the default keeps every convolution as `f32`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// How the weights are stored. Codebooks that come as codebooks are passed through unchanged.
    pub encoding: Encoding,
    /// The last layer to keep; all of them if `None`.
    pub cut: Option<Layer>,
    /// The pixels that the weights were trained on; if `None`, [`Checkpoint::input`].
    pub input: Option<PixelTransform>,
    /// Where the weights come from, in words; what is known of the file if `None`.
    pub source: Option<String>,
    /// Licence of the weights, in words; what is known of the file if `None`.
    pub licence: Option<String>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { encoding: Encoding::F32, cut: None, input: None, source: None, licence: None }
    }
}

impl Checkpoint {
    /// Reads and encodes the convolutions, one after the other.
    ///
    /// # Errors
    ///
    /// An [`ImportError`] that names the first tensor that cannot be read or encoded.
    pub fn to_vgg_file(&self, options: &WriteOptions) -> Result<VggFile, ImportError> {
        let (info, ..) = self.describe(options)?;
        let sources = self.kept(options.cut)?.iter();
        let convolutions = sources.map(|source| Ok(convert(source, options.encoding)?.weights));
        Ok(VggFile::new(info, convolutions.collect::<Result<_, ImportError>>()?)?)
    }

    /// Converts the checkpoint into a native weights file: whole, or not at all.
    ///
    /// One convolution is in memory at a time. Where the encoding loses something, a small photograph is run
    /// through the network as it was and as it is stored, and the model card tells by how much features differ.
    ///
    /// # Errors
    ///
    /// An [`ImportError`] that names the first tensor that cannot be read or encoded, or says why the file
    /// cannot be written.
    pub fn write(&self, path: impl AsRef<Path>, options: &WriteOptions) -> Result<ModelCard, ImportError> {
        let path = path.as_ref();
        self.check_output(path)?;
        let sources = self.kept(options.cut)?;
        let (info, input) = self.describe(options)?;
        let (converted, result) = save(path, |file, scratch| {
            let converted =
                convert_all(file, &info, sources, options.encoding).map_err(|error| match error {
                    ImportError::Format(FormatError::Write { reason }) => ImportError::output(path, reason),
                    other => other,
                })?;
            let written = SourceFile::open(scratch)?;
            let result =
                ResultCard { name: file_name(path), bytes: written.length(), sha256: written.sha256()? };
            Ok((converted, result))
        })?;
        Ok(ModelCard {
            architecture: info.architecture,
            extent: extent(sources),
            parameters: converted.layers.iter().map(|layer| layer.parameters).sum(),
            encoding: options.encoding,
            input: info.input,
            input_evidence: input.evidence,
            pooling: info.pooling,
            source: self.source_card(&info),
            file: result,
            licence: info.licence,
            weight_error: converted.distance.relative(),
            feature_error: converted.layers.last().and_then(|layer| layer.feature_error),
            layers: converted.layers,
            warnings: input.warnings,
        })
    }

    /// What the native file will say about itself, and how its pixels were settled; nothing is written.
    ///
    /// # Errors
    ///
    /// An [`ImportError`] that names the first tensor that cannot be read.
    pub fn describe(&self, options: &WriteOptions) -> Result<(FileInfo, crate::Input), ImportError> {
        let input = self.input(options.input)?;
        let recorded = self.recorded();
        let known = self.known();
        let source = recorded.map(|info| info.source.clone());
        let source = source.or_else(|| known.map(|known| known.origin.to_owned()));
        let licence = recorded.map(|info| info.licence.clone());
        let licence = licence.or_else(|| known.map(|known| known.licence.to_owned()));
        let info = FileInfo {
            architecture: self.architecture(),
            input: input.transform,
            source: options.source.clone().or(source).unwrap_or_else(|| self.family().description().into()),
            source_sha256: self.sha256().to_owned(),
            licence: options.licence.clone().or(licence).unwrap_or_default(),
            pooling: self.pooling(),
        };
        Ok((info, input))
    }

    fn source_card(&self, info: &FileInfo) -> SourceCard {
        SourceCard {
            name: file_name(self.file().path()),
            container: self.container(),
            names: self.family().name(),
            bytes: self.file().length(),
            sha256: self.sha256().to_owned(),
            origin: info.source.clone(),
        }
    }

    /// The convolutions up to the cut.
    fn kept(&self, cut: Option<Layer>) -> Result<&[Source], ImportError> {
        let sources = self.sources();
        let Some(layer) = cut else { return Ok(sources) };
        match sources.iter().position(|source| source.convolution.is_at(layer)) {
            Some(last) => Ok(&sources[..=last]),
            None => Err(FormatError::CannotCut { layer, available: extent(sources) }.into()),
        }
    }

    /// Refuses before the work what would be refused after it.
    fn check_output(&self, path: &Path) -> Result<(), ImportError> {
        let refuse = |reason: String| Err(ImportError::output(path, reason));
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
        match (fs::canonicalize(path), fs::canonicalize(self.file().path())) {
            (Ok(output), Ok(input)) if output == input => refuse("it is the checkpoint itself".into()),
            _ => Ok(()),
        }
    }
}

/// What was measured on the way.
struct Measured {
    layers: Vec<LayerCard>,
    distance: Distance,
}

fn convert_all(
    file: &File,
    info: &FileInfo,
    sources: &[Source],
    encoding: Encoding,
) -> Result<Measured, ImportError> {
    let parts: Vec<_> = sources.iter().map(|source| (source.convolution, encoding)).collect();
    let mut writer = VggFileWriter::new(BufWriter::new(file), info, &parts)?;
    let lossless = sources.iter().all(|source| is_lossless(source, encoding));
    let mut features = (!lossless).then(|| FeatureErrors::new(info));
    let (mut layers, mut total) = (Vec::new(), Distance::default());
    for source in sources {
        let Converted { weights, original, distance } = convert(source, encoding)?;
        writer.write(&weights)?;
        total.add(distance);
        let features = features.as_mut().map(|features| features.convolution(&weights, original));
        let feature_error = features.transpose()?;
        layers.push(LayerCard {
            name: source.convolution.name(),
            key: source.weight.name.clone(),
            shape: source.convolution.weight_shape(),
            parameters: source.convolution.parameters(),
            dtype: source.weight.dtype.name(),
            norm_folded: source.norm.is_some(),
            weight_error: distance.relative(),
            feature_error,
        });
    }
    writer.finish()?;
    Ok(Measured { layers, distance: total })
}

/// First and last convolution in words: `conv1_1 to conv5_1`.
fn extent(sources: &[Source]) -> String {
    let name = |source: Option<&Source>| {
        source.map_or_else(String::new, |source| Convolution::name(&source.convolution))
    };
    format!("{} to {}", name(sources.first()), name(sources.last()))
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
