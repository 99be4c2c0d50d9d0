//! The trained values of one convolution, in the encodings the file knows.

use std::fmt;

use half::{bf16, f16};
use serde::Serialize;

use crate::{Convolution, FormatError};

/// How the weights of a file are stored. Biases are `F32` always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// 32-bit floats, 4 bytes a value.
    F32,
    /// IEEE half precision, 2 bytes a value.
    F16,
    /// bfloat16, 2 bytes a value.
    Bf16,
    /// One byte a value: an index into a table of 256 floats per convolution.
    Codebook,
}

impl Encoding {
    /// Every encoding that is known here.
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::Bf16, Self::Codebook];

    /// The encoding of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name() == name)
    }

    /// A word for people and command lines: `f32`, `f16`, `bf16`, `codebook`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Codebook => "codebook",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The values of a weight tensor `[out, in, 3, 3]`, row-major, in one of the encodings.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum WeightValues {
    /// Plain floats.
    F32(Vec<f32>),
    /// Half precision.
    F16(Vec<f16>),
    /// bfloat16.
    Bf16(Vec<bf16>),
    /// Indices into a table of floats.
    Codebook {
        /// One index a value.
        indices: Vec<u8>,
        /// The floats that indices stand for.
        table: Box<[f32; 256]>,
    },
}

impl WeightValues {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F16(values) => values.len(),
            Self::Bf16(values) => values.len(),
            Self::Codebook { indices, .. } => indices.len(),
        }
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the values are stored.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        match self {
            Self::F32(_) => Encoding::F32,
            Self::F16(_) => Encoding::F16,
            Self::Bf16(_) => Encoding::Bf16,
            Self::Codebook { .. } => Encoding::Codebook,
        }
    }

    /// The values as plain floats.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::F32(values) => values.clone(),
            Self::F16(values) => values.iter().map(|value| value.to_f32()).collect(),
            Self::Bf16(values) => values.iter().map(|value| value.to_f32()).collect(),
            Self::Codebook { indices, table } => {
                indices.iter().map(|&index| table[usize::from(index)]).collect()
            }
        }
    }

    fn is_finite(&self) -> bool {
        match self {
            Self::F32(values) => values.iter().all(|value| value.is_finite()),
            Self::F16(values) => values.iter().all(|value| value.is_finite()),
            Self::Bf16(values) => values.iter().all(|value| value.is_finite()),
            Self::Codebook { table, .. } => table.iter().all(|value| value.is_finite()),
        }
    }
}

/// One convolution with its trained values; shape and finiteness are checked when it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvolutionWeights {
    convolution: Convolution,
    weight: WeightValues,
    bias: Vec<f32>,
}

impl ConvolutionWeights {
    /// Joins a convolution and its values.
    ///
    /// # Errors
    ///
    /// [`FormatError::WrongLength`] when the number of values does not fit the convolution,
    /// [`FormatError::NotFinite`] when one of them is NaN or infinite.
    pub fn new(convolution: Convolution, weight: WeightValues, bias: Vec<f32>) -> Result<Self, FormatError> {
        let length = |tensor: &str, found: usize, expected: usize| {
            if found == expected {
                return Ok(());
            }
            let name = format!("{}.{tensor}", convolution.name());
            Err(FormatError::WrongLength { name, found, expected })
        };
        length("weight", weight.len(), convolution.weight_shape().iter().product())?;
        length("bias", bias.len(), convolution.outputs())?;
        if !weight.is_finite() {
            return Err(FormatError::NotFinite { name: format!("{}.weight", convolution.name()) });
        }
        if !bias.iter().all(|value| value.is_finite()) {
            return Err(FormatError::NotFinite { name: format!("{}.bias", convolution.name()) });
        }
        Ok(Self { convolution, weight, bias })
    }

    /// Which convolution this is.
    #[must_use]
    pub const fn convolution(&self) -> Convolution {
        self.convolution
    }

    /// The weight `[out, in, 3, 3]`.
    #[must_use]
    pub const fn weight(&self) -> &WeightValues {
        &self.weight
    }

    /// The bias `[out]`.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }
}
