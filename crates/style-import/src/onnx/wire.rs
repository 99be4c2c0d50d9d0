//! Protocol buffers as they lie in a file: numbered fields, and byte strings that are passed over.
//!
//! Our own walker instead of a library, because those decode into memory: here a tensor's values are never
//! touched, and what is wanted is the offset at which they lie.
//! Wire format: <https://protobuf.dev/programming-guides/encoding/>.

use super::limits::{MEMORY, TEXT};
use crate::ImportError;
use crate::source::SourceFile;

/// Bytes that are fetched at a time.
const WINDOW: u64 = 1 << 14;

/// The largest field number of protocol buffers.
const LAST_FIELD: u64 = (1 << 29) - 1;

/// A stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Span {
    /// A checked span ends within the file, so this does not overflow.
    const fn end(self) -> u64 {
        self.offset + self.length
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Varint(u64),
    Fixed64,
    Fixed32([u8; 4]),
    Bytes(Span),
}

impl Value {
    pub(super) fn integer(self) -> Result<i64, ImportError> {
        match self {
            Self::Varint(value) => Ok(value.cast_signed()),
            _ => Err(ImportError::damaged("a field that should be an integer is none")),
        }
    }

    pub(super) fn float(self) -> Result<f32, ImportError> {
        match self {
            Self::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(ImportError::damaged("a field that should be a float is none")),
        }
    }

    pub(super) fn bytes(self) -> Result<Span, ImportError> {
        match self {
            Self::Bytes(span) => Ok(span),
            _ => Err(ImportError::damaged("a field that should have a length has none")),
        }
    }
}

/// A reader that goes over the messages of a file and counts what is kept of them.
pub(super) struct Wire<'a> {
    file: &'a SourceFile,
    window: Vec<u8>,
    window_offset: u64,
    spent: u64,
}

impl<'a> Wire<'a> {
    pub(super) fn new(file: &'a SourceFile) -> Self {
        Self { file, window: Vec::new(), window_offset: 0, spent: 0 }
    }

    /// The whole file.
    pub(super) fn file(&self) -> Span {
        Span { offset: 0, length: self.file.length() }
    }

    /// Calls `each` with the number and value of every field of a message.
    pub(super) fn fields(
        &mut self,
        message: Span,
        mut each: impl FnMut(&mut Self, u64, Value) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let (mut at, end) = (message.offset, message.end());
        while at < end {
            let tag = self.varint(&mut at, end)?;
            let number = tag >> 3;
            if number == 0 || number > LAST_FIELD {
                return Err(ImportError::damaged(format!("field number {number} at {at}")));
            }
            let value = match tag & 7 {
                0 => Value::Varint(self.varint(&mut at, end)?),
                1 => {
                    take(&mut at, 8, end)?;
                    Value::Fixed64
                }
                2 => {
                    let length = self.varint(&mut at, end)?;
                    Value::Bytes(Span { offset: take(&mut at, length, end)?, length })
                }
                5 => {
                    let offset = take(&mut at, 4, end)?;
                    let mut bytes = [0; 4];
                    for (byte, offset) in bytes.iter_mut().zip(offset..) {
                        *byte = self.byte(offset)?;
                    }
                    Value::Fixed32(bytes)
                }
                other => return Err(ImportError::damaged(format!("wire type {other} at {at}"))),
            };
            each(self, number, value)?;
        }
        Ok(())
    }

    /// A text of the graph: a name, an operator.
    pub(super) fn text(&mut self, value: Value) -> Result<String, ImportError> {
        let span = value.bytes()?;
        within("the length of a name in the graph", span.length, TEXT)?;
        // The text, and its place in the tables of who makes and who uses it.
        self.spend(256 + span.length)?;
        let mut bytes = Vec::with_capacity(span.length as usize);
        for offset in span.offset..span.end() {
            bytes.push(self.byte(offset)?);
        }
        String::from_utf8(bytes).map_err(|_| ImportError::damaged("a name that is not UTF-8"))
    }

    /// Integers of a repeated field, one by one or packed.
    pub(super) fn integers(
        &mut self,
        value: Value,
        limit: usize,
        integers: &mut Vec<i64>,
    ) -> Result<(), ImportError> {
        self.spend(8)?;
        let Value::Bytes(span) = value else {
            integers.push(value.integer()?);
            return within("the length of a list of integers", integers.len() as u64, limit as u64);
        };
        let mut at = span.offset;
        while at < span.end() {
            integers.push(self.varint(&mut at, span.end())?.cast_signed());
            within("the length of a list of integers", integers.len() as u64, limit as u64)?;
        }
        Ok(())
    }

    /// Counts memory for something that is kept, before it is made.
    pub(super) fn spend(&mut self, bytes: u64) -> Result<(), ImportError> {
        self.spent += bytes;
        within("the memory of the graph without its weights", self.spent, MEMORY)
    }

    fn varint(&mut self, at: &mut u64, end: u64) -> Result<u64, ImportError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(take(at, 1, end)?)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ImportError::damaged(format!("an integer of more than ten bytes at {at}")))
    }

    fn byte(&mut self, offset: u64) -> Result<u8, ImportError> {
        let place = |wire: &Self| usize::try_from(offset.checked_sub(wire.window_offset)?).ok();
        if let Some(&byte) = place(self).and_then(|place| self.window.get(place)) {
            return Ok(byte);
        }
        let length = WINDOW.min(self.file.length().saturating_sub(offset));
        self.window = self.file.read(offset, length)?;
        self.window_offset = offset;
        self.window.first().copied().ok_or_else(|| ImportError::damaged("the file ends in the middle"))
    }
}

/// Refuses what is beyond a limit.
pub(super) fn within(what: &'static str, found: u64, limit: u64) -> Result<(), ImportError> {
    if found <= limit { Ok(()) } else { Err(ImportError::TooLarge { what, found, limit }) }
}

/// Moves on by so many bytes and answers with the place before that.
fn take(at: &mut u64, length: u64, end: u64) -> Result<u64, ImportError> {
    let start = *at;
    if length > end - start {
        let reason = format!("{length} bytes at {start} reach past {end}, where what they are part of ends");
        return Err(ImportError::damaged(reason));
    }
    *at += length;
    Ok(start)
}
