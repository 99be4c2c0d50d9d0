//! `TensorProto`: what a stored tensor claims to be, compared with how much of it there is.

use super::external::Reference;
use super::limits::{INTEGERS, RANK};
use super::wire::{Span, Value, Wire};
use crate::ImportError;
use crate::error::printable;
use crate::tensor::DType;

/// A tensor of the model: described, and as long as its shape wants.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Vec<usize>,
    pub(super) values: Values,
}

/// Where the values of a tensor lie.
#[derive(Debug)]
pub(super) enum Values {
    /// Little-endian from an offset on.
    Plain(u64),
    /// 16-bit values, one varint each.
    Varints(Span),
    /// In another file.
    External(Reference),
    /// Of a type or in a form that no weight has.
    Unread,
}

/// The fields that values may lie in, by their numbers.
const FLOAT_DATA: u64 = 4;
const INT32_DATA: u64 = 5;
const STRING_DATA: u64 = 6;
const RAW_DATA: u64 = 9;
const DOUBLE_DATA: u64 = 10;

/// The fields of a tensor as they were met.
#[derive(Default)]
struct Fields {
    name: Option<String>,
    dims: Vec<i64>,
    data_type: Option<i64>,
    /// The one field that holds values, where it holds any.
    payload: Option<(u64, Span)>,
    location: Option<i64>,
    external: Vec<(String, String)>,
}

impl Tensor {
    pub(super) fn parse(wire: &mut Wire<'_>, message: Span) -> Result<Self, ImportError> {
        wire.spend(256)?;
        let mut fields = Fields::default();
        wire.fields(message, |wire, number, value| fields.set(wire, number, value))?;
        fields.check()
    }
}

impl Fields {
    fn set(&mut self, wire: &mut Wire<'_>, number: u64, value: Value) -> Result<(), ImportError> {
        match number {
            1 => wire.integers(value, RANK, &mut self.dims),
            2 => once(&mut self.data_type, value.integer()?, "the element type of a tensor"),
            3 => Err(ImportError::model("it cuts tensors into segments, which no exporter does")),
            8 => once(&mut self.name, wire.text(value)?, "the name of a tensor"),
            13 => {
                wire.spend(128)?;
                if self.external.len() == INTEGERS {
                    return Err(ImportError::damaged("a tensor with too many entries on where it lies"));
                }
                self.external.push(entry(wire, value)?);
                Ok(())
            }
            14 => once(&mut self.location, value.integer()?, "the location of a tensor"),
            FLOAT_DATA..=7 | RAW_DATA..=11 => self.hold(number, value),
            _ => Ok(()),
        }
    }

    /// Notes the values; an empty field holds none.
    fn hold(&mut self, number: u64, value: Value) -> Result<(), ImportError> {
        let Value::Bytes(span) = value else {
            return Err(ImportError::model(
                "it has tensors whose values are not packed, which no exporter does",
            ));
        };
        match self.payload {
            Some((STRING_DATA, _)) if number == STRING_DATA => Ok(()),
            Some(_) if span.length > 0 => Err(self.damaged("its values are there twice, or in pieces")),
            None if span.length > 0 || number == STRING_DATA => {
                self.payload = Some((number, span));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check(mut self) -> Result<Tensor, ImportError> {
        let shape = self.shape()?;
        let kind = self.data_type.unwrap_or_default();
        let Some((dtype, bits)) = element(kind) else {
            return Err(self.damaged(&format!("its element type is number {kind}, which does not exist")));
        };
        // In bits, in 128 of them: the shape alone fits into 64.
        let count = self.count().ok_or_else(|| self.damaged("its size overflows"))?;
        let bytes = u64::try_from((u128::from(count) * u128::from(bits)).div_ceil(8))
            .map_err(|_| self.damaged("its size overflows"))?;
        let values = match (self.location.unwrap_or_default(), self.payload) {
            (1, None) => {
                let entries = std::mem::take(&mut self.external);
                Values::External(Reference::parse(self.name.as_deref().unwrap_or_default(), &entries, bytes)?)
            }
            (0, _) if !self.external.is_empty() => {
                return Err(self.damaged("it names another file, and says to lie in this one"));
            }
            (0, None) if count == 0 => Values::Unread,
            (0, None) => return Err(self.damaged("it holds no values")),
            (0, Some(payload)) => self.values(dtype, count, bytes, payload)?,
            (1, Some(_)) => return Err(self.damaged("it lies in this file and in another one")),
            (other, _) => return Err(self.damaged(&format!("its location is number {other}"))),
        };
        Ok(Tensor { name: self.name.unwrap_or_default(), dtype, shape, values })
    }

    fn shape(&self) -> Result<Vec<usize>, ImportError> {
        let extent = |&extent| usize::try_from(extent).map_err(|_| self.damaged("a negative extent"));
        self.dims.iter().map(extent).collect()
    }

    fn count(&self) -> Option<u64> {
        self.dims.iter().try_fold(1_u64, |count, &extent| count.checked_mul(extent.cast_unsigned()))
    }

    /// Compares the length of the values with what the shape wants.
    fn values(
        &self,
        dtype: DType,
        count: u64,
        bytes: u64,
        (number, span): (u64, Span),
    ) -> Result<Values, ImportError> {
        let plain = |fits: bool| if fits { Some(Values::Plain(span.offset)) } else { None };
        let values = match (number, dtype) {
            (RAW_DATA, DType::Other("string")) => None,
            (RAW_DATA, _) | (FLOAT_DATA, DType::F32) | (DOUBLE_DATA, DType::F64) => {
                plain(span.length == bytes)
            }
            (INT32_DATA, DType::F16 | DType::Bf16) => {
                let fits = count <= span.length && span.length <= count.saturating_mul(10);
                if fits { Some(Values::Varints(span)) } else { None }
            }
            (_, dtype) if dtype.is_float() => {
                return Err(self.damaged("its values lie in a field of another type"));
            }
            _ => Some(Values::Unread),
        };
        values.ok_or_else(|| {
            self.damaged(&format!("{} values of type {} are in {} bytes", count, dtype.name(), span.length))
        })
    }

    fn damaged(&self, reason: &str) -> ImportError {
        let name = printable(self.name.as_deref().unwrap_or_default(), 80);
        ImportError::damaged(format!("tensor {name:?} of shape {:?}: {reason}", self.dims))
    }
}

/// Key and value of a `StringStringEntryProto`.
fn entry(wire: &mut Wire<'_>, value: Value) -> Result<(String, String), ImportError> {
    let (mut key, mut text) = (None, None);
    wire.fields(value.bytes()?, |wire, number, value| match number {
        1 => once(&mut key, wire.text(value)?, "the key of an entry"),
        2 => once(&mut text, wire.text(value)?, "the value of an entry"),
        _ => Ok(()),
    })?;
    Ok((key.unwrap_or_default(), text.unwrap_or_default()))
}

/// Sets what may be set once: a second one would mean another thing to another reader.
pub(super) fn once<T>(place: &mut Option<T>, value: T, what: &str) -> Result<(), ImportError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ImportError::damaged(format!("{what} is there twice"))),
    }
}

/// Element type and bits of one value, by `TensorProto.DataType` of onnx 1.23.
const fn element(number: i64) -> Option<(DType, u32)> {
    Some(match number {
        1 => (DType::F32, 32),
        2 => (DType::U8, 8),
        3 => (DType::Other("int8"), 8),
        4 => (DType::Other("uint16"), 16),
        5 => (DType::Other("int16"), 16),
        6 => (DType::Other("int32"), 32),
        7 => (DType::Other("int64"), 64),
        8 => (DType::Other("string"), 0),
        9 => (DType::Other("bool"), 8),
        10 => (DType::F16, 16),
        11 => (DType::F64, 64),
        12 => (DType::Other("uint32"), 32),
        13 => (DType::Other("uint64"), 64),
        14 => (DType::Other("complex64"), 64),
        15 => (DType::Other("complex128"), 128),
        16 => (DType::Bf16, 16),
        17..=20 => (DType::Other("float8"), 8),
        21 | 22 => (DType::Other("int4"), 4),
        23 => (DType::Other("float4"), 4),
        24 => (DType::Other("float8e8m0"), 8),
        25 | 26 => (DType::Other("int2"), 2),
        27 | 28 => (DType::Other("float6"), 6),
        _ => return None,
    })
}
