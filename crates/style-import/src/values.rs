//! One convolution out of the checkpoint and into an encoding.

use half::{bf16, f16};
use pytorch_reader::{DType, Tensor};
use style_format::{ConvolutionWeights, Encoding, WeightValues};

use crate::recognise::Source;
use crate::{ImportError, codebook};

/// How far encoded weights are from the ones they were made of: sums of squares over all weights so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Distance {
    difference: f64,
    original: f64,
}

impl Distance {
    /// `||encoded - original|| / ||original||`.
    pub(crate) fn relative(self) -> f64 {
        if self.difference == 0.0 { 0.0 } else { (self.difference / self.original).sqrt() }
    }

    fn add(&mut self, original: &[f64], encoded: &[f32]) {
        for (&original, &encoded) in original.iter().zip(encoded) {
            self.difference += (f64::from(encoded) - original).powi(2);
            self.original += original.powi(2);
        }
    }
}

/// Reads one convolution and encodes it. A codebook that stays one is passed through as it is.
pub(crate) fn convert(
    source: &Source,
    encoding: Encoding,
    distance: &mut Distance,
) -> Result<ConvolutionWeights, ImportError> {
    let key = &source.weight.name;
    let weight = match &source.table {
        Some(table) => {
            let table = read_table(table)?;
            let indices = source.weight.read().map_err(ImportError::damaged)?;
            if encoding == Encoding::Codebook {
                WeightValues::Codebook { indices, table }
            } else {
                let floats = indices.iter().map(|&index| f64::from(table[usize::from(index)]));
                encode(&floats.collect::<Vec<_>>(), encoding, distance)
            }
        }
        None => encode(&read_floats(&source.weight)?, encoding, distance),
    };
    let fits = |weight: &WeightValues| match weight {
        WeightValues::F32(values) => values.iter().all(|value| value.is_finite()),
        WeightValues::F16(values) => values.iter().all(|value| value.is_finite()),
        WeightValues::Bf16(values) => values.iter().all(|value| value.is_finite()),
        _ => true,
    };
    if !fits(&weight) {
        return Err(ImportError::DoesNotFit { key: key.clone(), encoding });
    }
    let bias = read_floats(&source.bias)?.into_iter().map(|value| value as f32).collect();
    Ok(ConvolutionWeights::new(source.convolution, weight, bias)?)
}

fn encode(original: &[f64], encoding: Encoding, distance: &mut Distance) -> WeightValues {
    let floats = || original.iter().map(|&value| value as f32);
    let weight = match encoding {
        Encoding::F32 => WeightValues::F32(floats().collect()),
        Encoding::F16 => WeightValues::F16(floats().map(f16::from_f32).collect()),
        Encoding::Bf16 => WeightValues::Bf16(floats().map(bf16::from_f32).collect()),
        Encoding::Codebook => codebook::make(&floats().collect::<Vec<_>>()),
    };
    distance.add(original, &weight.to_f32());
    weight
}

fn read_table(tensor: &Tensor) -> Result<Box<[f32; 256]>, ImportError> {
    let mut table = Box::new([0.0; 256]);
    for (entry, value) in table.iter_mut().zip(read_floats(tensor)?) {
        *entry = value as f32;
    }
    Ok(table)
}

/// The values of a tensor, in the widest type that a checkpoint can have.
fn read_floats(tensor: &Tensor) -> Result<Vec<f64>, ImportError> {
    let bytes = tensor.read().map_err(ImportError::damaged)?;
    let values: Vec<f64> = match tensor.dtype() {
        DType::F64 => bytes.as_chunks().0.iter().map(|&b| f64::from_ne_bytes(b)).collect(),
        DType::F32 => bytes.as_chunks().0.iter().map(|&b| f32::from_ne_bytes(b).into()).collect(),
        DType::F16 => bytes.as_chunks().0.iter().map(|&b| f16::from_ne_bytes(b).into()).collect(),
        DType::BF16 => bytes.as_chunks().0.iter().map(|&b| bf16::from_ne_bytes(b).into()).collect(),
        _ => Vec::new(), // no other type passes `recognise`
    };
    if values.iter().all(|value| value.is_finite()) {
        return Ok(values);
    }
    Err(ImportError::NotFinite { key: tensor.name.clone() })
}
