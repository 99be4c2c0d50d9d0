//! One convolution out of the checkpoint and into an encoding.

use half::{bf16, f16};
use style_format::{ConvolutionWeights, Encoding, WeightValues};

use crate::network::Norm;
use crate::recognise::Source;
use crate::tensor::DType;
use crate::{ImportError, codebook};

/// How far encoded weights are from the ones they were made of: sums of squares over all weights so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Distance {
    difference: f64,
    original: f64,
}

impl Distance {
    /// Between two lists of values.
    pub(crate) fn between(original: &[f32], encoded: &[f32]) -> Self {
        let mut distance = Self::default();
        for (&original, &encoded) in original.iter().zip(encoded) {
            distance.difference += (f64::from(encoded) - f64::from(original)).powi(2);
            distance.original += f64::from(original).powi(2);
        }
        distance
    }

    /// `||encoded - original|| / ||original||`.
    pub(crate) fn relative(self) -> f64 {
        if self.difference == 0.0 { 0.0 } else { (self.difference / self.original).sqrt() }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.difference += other.difference;
        self.original += other.original;
    }
}

/// A convolution's values as the checkpoint means them, normalisation folded in.
pub(crate) struct Original {
    weight: Values,
    pub(crate) bias: Vec<f32>,
}

enum Values {
    Floats(Vec<f32>),
    Codebook { indices: Vec<u8>, table: Box<[f32; 256]> },
}

impl Original {
    /// Reads everything that belongs to one convolution.
    pub(crate) fn read(source: &Source) -> Result<Self, ImportError> {
        let mut bias = match &source.bias {
            Some(bias) => bias.read_floats()?,
            None => vec![0.0; source.convolution.outputs()],
        };
        let mut weight = match &source.table {
            Some(stored) => {
                let mut table = Box::new([0.0; 256]);
                table.copy_from_slice(&stored.read_floats()?);
                Values::Codebook { indices: source.weight.read_indices()?, table }
            }
            None => Values::Floats(source.weight.read_floats()?),
        };
        if let Some(norm) = &source.norm {
            let mut floats = weight.into_floats();
            fold(norm, &mut floats, &mut bias)?;
            weight = Values::Floats(floats);
        }
        Ok(Self { weight, bias })
    }

    /// The weight as plain floats.
    pub(crate) fn into_floats(self) -> (Vec<f32>, Vec<f32>) {
        (self.weight.into_floats(), self.bias)
    }
}

impl Values {
    fn into_floats(self) -> Vec<f32> {
        match self {
            Self::Floats(values) => values,
            Self::Codebook { indices, table } => {
                indices.iter().map(|&index| table[usize::from(index)]).collect()
            }
        }
    }
}

/// `norm(conv(x))` as one convolution: every output channel is scaled, and its bias moved.
fn fold(norm: &Norm, weight: &mut [f32], bias: &mut [f32]) -> Result<(), ImportError> {
    let (scale, shift) = (norm.scale.read_floats()?, norm.shift.read_floats()?);
    let (mean, variance) = (norm.mean.read_floats()?, norm.variance.read_floats()?);
    let per_output = weight.len() / bias.len();
    for (channel, weights) in weight.chunks_exact_mut(per_output).enumerate() {
        let [scale, shift, mean, variance] =
            [&scale, &shift, &mean, &variance].map(|values| f64::from(values[channel]));
        let factor = scale / (variance + norm.epsilon).sqrt();
        for value in weights {
            *value = (f64::from(*value) * factor) as f32;
        }
        bias[channel] = ((f64::from(bias[channel]) - mean) * factor + shift) as f32;
    }
    if weight.iter().chain(bias.iter()).all(|value| value.is_finite()) {
        return Ok(());
    }
    // A negative variance, say, or a scale beyond all bounds.
    Err(ImportError::NotFinite { key: norm.variance.name.clone() })
}

/// Encoded weights beside what they were made of.
pub(crate) struct Converted {
    pub(crate) weights: ConvolutionWeights,
    /// The weight in plain floats, where the encoding lost something.
    pub(crate) original: Option<Vec<f32>>,
    pub(crate) distance: Distance,
}

/// Reads one convolution and encodes it. A codebook that stays one is passed through as it is.
pub(crate) fn convert(source: &Source, encoding: Encoding) -> Result<Converted, ImportError> {
    let original = Original::read(source)?;
    let (weight, original, bias) = match original {
        Original { weight: Values::Codebook { indices, table }, bias } if encoding == Encoding::Codebook => {
            (WeightValues::Codebook { indices, table }, None, bias)
        }
        Original { weight, bias } if encoding == Encoding::F32 => {
            (WeightValues::F32(weight.into_floats()), None, bias)
        }
        Original { weight, bias } => {
            let floats = weight.into_floats();
            (encode(&floats, encoding), Some(floats), bias)
        }
    };
    let fits = match &weight {
        WeightValues::F16(values) => values.iter().all(|value| value.is_finite()),
        WeightValues::Bf16(values) => values.iter().all(|value| value.is_finite()),
        _ => true,
    };
    if !fits {
        return Err(ImportError::DoesNotFit { key: source.weight.name.clone(), encoding });
    }
    let distance = original.as_ref().map(|floats| Distance::between(floats, &weight.to_f32()));
    let weights = ConvolutionWeights::new(source.convolution, weight, bias)?;
    Ok(Converted { weights, original, distance: distance.unwrap_or_default() })
}

fn encode(floats: &[f32], encoding: Encoding) -> WeightValues {
    match encoding {
        Encoding::F32 => WeightValues::F32(floats.to_vec()),
        Encoding::F16 => WeightValues::F16(floats.iter().copied().map(f16::from_f32).collect()),
        Encoding::Bf16 => WeightValues::Bf16(floats.iter().copied().map(bf16::from_f32).collect()),
        Encoding::Codebook => codebook::make(floats),
    }
}

/// Whether an encoding holds every value that the source can have.
pub(crate) fn is_lossless(source: &Source, encoding: Encoding) -> bool {
    let plain = source.norm.is_none();
    match (source.weight.dtype, encoding) {
        (_, Encoding::F32) => true,
        (DType::F16, Encoding::F16) | (DType::Bf16, Encoding::Bf16) => plain,
        (_, Encoding::Codebook) => plain && source.table.is_some(),
        _ => false,
    }
}
