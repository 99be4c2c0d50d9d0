//! From the bytes of a native file to its weights: every name, shape and type before any value.

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::{Architecture, Convolution, ConvolutionWeights, FileInfo, FormatError, WeightValues, header};

pub(crate) fn file(bytes: &[u8]) -> Result<(FileInfo, Vec<ConvolutionWeights>), FormatError> {
    let header = header::read(bytes)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let info = FileInfo::from_metadata(|key| metadata.get(key).map(String::as_str))?;
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| FormatError::NotSafetensors { reason: error.to_string() })?;
    let present = leading_convolutions(info.architecture, &tensors)?;
    let convolutions = present.into_iter().map(|convolution| read_convolution(convolution, &tensors));
    Ok((info, convolutions.collect::<Result<_, _>>()?))
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
    let outputs = present.iter().map(|convolution| outputs(convolution, tensors));
    Ok(architecture.convolutions_with_outputs(&outputs.collect::<Vec<_>>()))
}

/// Output channels as the file has them; whether they fit the next convolution is seen there.
fn outputs(convolution: &Convolution, tensors: &SafeTensors<'_>) -> usize {
    let weight = tensors.tensor(&format!("{}.weight", convolution.name()));
    match weight.as_ref().map(TensorView::shape) {
        Ok(&[outputs, _, 3, 3]) if outputs > 0 => outputs,
        _ => convolution.outputs(),
    }
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
