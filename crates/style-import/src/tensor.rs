//! A tensor that a file holds: described, not read yet. What every container comes down to.

use std::fmt;
use std::sync::Arc;

use half::{bf16, f16};

use crate::ImportError;
use crate::source::SourceFile;
use crate::storage::View;

/// Element types that weights are read from; all others are only named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DType {
    F64,
    F32,
    F16,
    Bf16,
    U8,
    /// A type that no weight may have, with its name.
    Other(&'static str),
}

impl DType {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::U8 => "u8",
            Self::Other(name) => name,
        }
    }

    pub(crate) const fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// Bytes of one value.
    pub(crate) const fn size(self) -> u64 {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::U8 | Self::Other(_) => 1,
        }
    }
}

/// Where the values lie.
#[derive(Clone)]
pub(crate) enum Place {
    /// Row-major and little-endian, from an offset of a file on.
    Plain { file: Arc<SourceFile>, offset: u64 },
    /// 16-bit values as protocol buffers keep integers: one varint each (ONNX's `int32_data`).
    Varints { file: Arc<SourceFile>, offset: u64, length: u64 },
    /// In a storage of PyTorch's, strides and all.
    Storage(View),
}

/// Name, shape and element type of a tensor, and where its values lie.
#[derive(Debug, Clone)]
pub(crate) struct StoredTensor {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) place: Place,
    /// The stored axes in the order in which they are wanted: axis `i` of `shape` is stored axis `axes[i]`.
    pub(crate) axes: Option<[usize; 4]>,
}

impl StoredTensor {
    /// Number of values; `None` where that overflows.
    pub(crate) fn len(&self) -> Option<u64> {
        self.shape.iter().try_fold(1_u64, |product, &extent| product.checked_mul(extent as u64))
    }

    /// Bytes of all values; `None` where that overflows.
    pub(crate) fn byte_len(&self) -> Option<u64> {
        self.len()?.checked_mul(self.dtype.size())
    }

    /// The values of a float tensor, row-major.
    pub(crate) fn read_floats(&self) -> Result<Vec<f32>, ImportError> {
        let bytes = self.read_bytes()?;
        let values: Vec<f32> = match self.dtype {
            DType::F64 => bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b) as f32).collect(),
            DType::F32 => bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
            DType::F16 => bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
            DType::Bf16 => bytes.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect(),
            DType::U8 | DType::Other(_) => Vec::new(), // the length is compared below
        };
        drop(bytes);
        if Some(values.len() as u64) != self.len() {
            return Err(self.damaged(format!("{} values were found", values.len())));
        }
        if !values.iter().all(|value| value.is_finite()) {
            return Err(ImportError::NotFinite { key: self.name.clone() });
        }
        Ok(self.transposed(values))
    }

    /// The values of a tensor of bytes, row-major.
    pub(crate) fn read_indices(&self) -> Result<Vec<u8>, ImportError> {
        let bytes = self.read_bytes()?;
        if self.dtype == DType::U8 && Some(bytes.len() as u64) == self.len() {
            return Ok(self.transposed(bytes));
        }
        Err(self.damaged(format!("{} bytes were found", bytes.len())))
    }

    /// The values as they are stored, little-endian.
    fn read_bytes(&self) -> Result<Vec<u8>, ImportError> {
        let length = self.byte_len().ok_or_else(|| self.damaged("its size overflows".into()))?;
        match &self.place {
            Place::Plain { file, offset } => file.read(*offset, length),
            Place::Varints { file, offset, length } => read_varints(&file.read(*offset, *length)?),
            Place::Storage(view) => {
                let named = |error| match error {
                    ImportError::Damaged { reason } => {
                        ImportError::damaged(format!("tensor '{}': {reason}", self.name))
                    }
                    other => other,
                };
                view.read(&self.shape, self.dtype.size()).map_err(named)
            }
        }
    }

    fn transposed<T: Copy>(&self, values: Vec<T>) -> Vec<T> {
        let (Some(axes), &[a, b, c, d]) = (self.axes, &self.shape[..]) else { return values };
        let mut stored = [0; 4];
        for (axis, extent) in axes.into_iter().zip([a, b, c, d]) {
            stored[axis] = extent;
        }
        let strides = [stored[1] * stored[2] * stored[3], stored[2] * stored[3], stored[3], 1];
        let [sa, sb, sc, sd] = axes.map(|axis| strides[axis]);
        let mut wanted = Vec::with_capacity(values.len());
        for i in 0..a {
            for j in 0..b {
                for k in 0..c {
                    wanted.extend((0..d).map(|l| values[i * sa + j * sb + k * sc + l * sd]));
                }
            }
        }
        wanted
    }

    fn damaged(&self, reason: String) -> ImportError {
        ImportError::damaged(format!("{:?} of shape {:?}: {reason}", self.name, self.shape))
    }
}

/// The low 16 bits of each varint.
fn read_varints(bytes: &[u8]) -> Result<Vec<u8>, ImportError> {
    let mut values = Vec::new();
    let (mut value, mut shift) = (0_u64, 0);
    for byte in bytes {
        if shift > 63 {
            return Err(ImportError::damaged("an integer of more than ten bytes"));
        }
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            values.extend((value as u16).to_le_bytes());
            (value, shift) = (0, 0);
        }
    }
    Ok(values)
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { offset, .. } => write!(f, "Plain({offset})"),
            Self::Varints { offset, .. } => write!(f, "Varints({offset})"),
            Self::Storage(view) => write!(f, "Storage({})", view.offset),
        }
    }
}
