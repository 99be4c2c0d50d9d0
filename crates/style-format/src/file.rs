//! The native weights file.

use std::collections::HashMap;
use std::fmt::Display;

use half::{bf16, f16};
use safetensors::tensor::{TensorView, View};
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;

use crate::{
    Architecture, Convolution, ConvolutionWeights, Encoding, FormatError, Layer, PixelTransform,
    WeightValues, header,
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
    /// [`FormatError::Missing`] unless `convolutions` are the first ones of the architecture, in order.
    pub fn new(info: FileInfo, convolutions: Vec<ConvolutionWeights>) -> Result<Self, FormatError> {
        let expected = info.architecture.convolutions();
        let found: Vec<_> = convolutions.iter().map(ConvolutionWeights::convolution).collect();
        let differs = (0..found.len().max(1)).find(|&i| found.get(i) != expected.get(i));
        if let Some(first) = differs {
            let convolution = expected.get(first).or(found.get(first)).copied();
            let name = convolution.map_or_else(String::new, |convolution| convolution.name());
            return Err(FormatError::Missing { name, architecture: info.architecture.name() });
        }
        Ok(Self { info, convolutions })
    }

    /// Reads a file's bytes: header first, every name, shape and type before any value.
    ///
    /// # Errors
    ///
    /// A [`FormatError`] that names the first thing that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let header = header::read(bytes)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let info = read_info(&metadata)?;
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|error| FormatError::NotSafetensors { reason: error.to_string() })?;
        let present = leading_convolutions(info.architecture, &tensors)?;
        let convolutions = present.into_iter().map(|convolution| read_convolution(convolution, &tensors));
        Self::new(info, convolutions.collect::<Result<_, _>>()?)
    }

    /// The file's bytes; equal contents give equal bytes.
    ///
    /// # Errors
    ///
    /// [`FormatError::NotSafetensors`] when the container refuses the contents (not seen to happen).
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormatError> {
        let refused =
            |error: safetensors::SafeTensorError| FormatError::NotSafetensors { reason: error.to_string() };
        let mut tensors = Vec::new();
        for weights in &self.convolutions {
            let name = weights.convolution().name();
            let shape = weights.convolution().weight_shape().to_vec();
            let (dtype, bytes) = encode(weights.weight());
            tensors.push((format!("{name}.weight"), OwnedTensor { dtype, shape, bytes }));
            if let WeightValues::Codebook { table, .. } = weights.weight() {
                tensors.push((format!("{name}.codebook"), OwnedTensor::floats(&table[..])));
            }
            tensors.push((format!("{name}.bias"), OwnedTensor::floats(weights.bias())));
        }
        let metadata = HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("version".to_owned(), FORMAT_VERSION.to_owned()),
            ("architecture".to_owned(), self.info.architecture.name().to_owned()),
            ("input".to_owned(), self.info.input.name().to_owned()),
            ("source".to_owned(), self.info.source.clone()),
            ("source_sha256".to_owned(), self.info.source_sha256.clone()),
            ("licence".to_owned(), self.info.licence.clone()),
        ]);
        header::canonical(&safetensors::serialize(tensors, Some(metadata)).map_err(refused)?)
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

fn read_info(metadata: &HashMap<String, String>) -> Result<FileInfo, FormatError> {
    let get = |key: &str| metadata.get(key).map_or("", String::as_str);
    let wrong = |key: &'static str, expected: &dyn Display| {
        let shown: String = get(key).chars().take(64).collect();
        let found = if shown.is_empty() { "nothing".to_owned() } else { format!("{shown:?}") };
        FormatError::Metadata { key, found, expected: expected.to_string() }
    };
    if get("format") != FORMAT {
        return Err(wrong("format", &FORMAT));
    }
    if get("version") != FORMAT_VERSION {
        return Err(wrong("version", &FORMAT_VERSION));
    }
    let architecture = Architecture::from_name(get("architecture"))
        .ok_or_else(|| wrong("architecture", &"vgg16 or vgg19"))?;
    let input = PixelTransform::from_name(get("input"))
        .ok_or_else(|| wrong("input", &"caffe-bgr-255 or torch-rgb-01"))?;
    Ok(FileInfo {
        architecture,
        input,
        source: get("source").to_owned(),
        source_sha256: get("source_sha256").to_owned(),
        licence: get("licence").to_owned(),
    })
}

/// Which convolutions the file has, after checking that it has nothing else and no gap.
fn leading_convolutions(
    architecture: Architecture,
    tensors: &SafeTensors<'_>,
) -> Result<Vec<Convolution>, FormatError> {
    let names = tensors.names();
    let all = architecture.convolutions();
    let has = |convolution: &Convolution, part: &str| {
        let name = format!("{}.{part}", convolution.name());
        names.contains(&name.as_str())
    };
    let last = all.iter().rposition(|convolution| has(convolution, "weight")).unwrap_or(0);
    let present = &all[..=last];
    let mut known = Vec::new();
    for convolution in present {
        for part in ["weight", "bias"] {
            let name = format!("{}.{part}", convolution.name());
            if !names.contains(&name.as_str()) {
                return Err(FormatError::Missing { name, architecture: architecture.name() });
            }
            known.push(name);
        }
        known.push(format!("{}.codebook", convolution.name()));
    }
    let mut strangers: Vec<_> = names.iter().filter(|name| !known.iter().any(|k| k == *name)).collect();
    strangers.sort();
    if let Some(name) = strangers.first() {
        let name = name.chars().take(64).collect();
        return Err(FormatError::Unexpected { name, architecture: architecture.name() });
    }
    Ok(present.to_vec())
}

fn read_convolution(
    convolution: Convolution,
    tensors: &SafeTensors<'_>,
) -> Result<ConvolutionWeights, FormatError> {
    let name = convolution.name();
    let view = |part: &str, shape: &[usize]| checked_view(tensors, format!("{name}.{part}"), shape);
    let floats = |part: &str, length: usize| {
        let tensor = view(part, &[length])?;
        expect_type(&tensor, format!("{name}.{part}"), &[Dtype::F32], "F32")?;
        Ok(read_f32(tensor.data()))
    };
    let weight = view("weight", &convolution.weight_shape())?;
    let allowed = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::U8];
    expect_type(&weight, format!("{name}.weight"), &allowed, "F32, F16, BF16 or U8 with a codebook")?;
    let bytes = weight.data();
    let values = match weight.dtype() {
        Dtype::F16 => WeightValues::F16(bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b)).collect()),
        Dtype::BF16 => {
            WeightValues::Bf16(bytes.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b)).collect())
        }
        Dtype::U8 => {
            let mut table = Box::new([0.0; 256]);
            table.copy_from_slice(&floats("codebook", 256)?);
            WeightValues::Codebook { indices: bytes.to_vec(), table }
        }
        _ => WeightValues::F32(read_f32(bytes)),
    };
    ConvolutionWeights::new(convolution, values, floats("bias", convolution.outputs())?)
}

fn checked_view<'data>(
    tensors: &SafeTensors<'data>,
    name: String,
    shape: &[usize],
) -> Result<TensorView<'data>, FormatError> {
    let Ok(view) = tensors.tensor(&name) else {
        return Err(FormatError::Missing { name, architecture: "codebook-compressed" });
    };
    if view.shape() != shape {
        return Err(FormatError::WrongShape { name, found: view.shape().to_vec(), expected: shape.to_vec() });
    }
    Ok(view)
}

fn expect_type(
    view: &TensorView<'_>,
    name: String,
    allowed: &[Dtype],
    expected: &'static str,
) -> Result<(), FormatError> {
    if allowed.contains(&view.dtype()) {
        return Ok(());
    }
    Err(FormatError::WrongType { name, found: format!("{:?}", view.dtype()), expected })
}

fn read_f32(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
}

fn encode(values: &WeightValues) -> (Dtype, Vec<u8>) {
    match values {
        WeightValues::F32(values) => (Dtype::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        WeightValues::F16(values) => (Dtype::F16, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        WeightValues::Bf16(values) => (Dtype::BF16, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        WeightValues::Codebook { indices, .. } => (Dtype::U8, indices.clone()),
    }
}

/// A tensor's bytes with what safetensors wants to know about them.
struct OwnedTensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl OwnedTensor {
    fn floats(values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { dtype: Dtype::F32, shape: vec![values.len()], bytes }
    }
}

impl View for OwnedTensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> std::borrow::Cow<'_, [u8]> {
        (&self.bytes).into()
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
