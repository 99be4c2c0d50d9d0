//! Checks of a safetensors header before anything in it is believed.

use std::collections::BTreeMap;
use std::fmt;

use safetensors::tensor::Metadata;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::FormatError;

/// A header of ours is about 5 kB, that of a large training checkpoint 100 kB.
const LARGEST_HEADER: u64 = 1 << 20;

/// A VGG network with batch normalisation and classifier has about 120 tensors.
const MOST_TENSORS: usize = 4096;

/// No tensor of a network has more axes.
const LARGEST_RANK: usize = 8;

/// Characters of the longest name.
const LONGEST_NAME: usize = 256;

/// Where the metadata stands among the tensors.
const METADATA: &str = "__metadata__";

/// The element types of the safetensors format (in lower case) and the bits of one value.
const ELEMENTS: [(&str, u64); 22] = [
    ("f64", 64),
    ("f32", 32),
    ("f16", 16),
    ("bf16", 16),
    ("u8", 8),
    ("i8", 8),
    ("bool", 8),
    ("i16", 16),
    ("u16", 16),
    ("i32", 32),
    ("u32", 32),
    ("i64", 64),
    ("u64", 64),
    ("c64", 64),
    ("f4", 4),
    ("f6_e2m3", 6),
    ("f6_e3m2", 6),
    ("f8_e4m3", 8),
    ("f8_e5m2", 8),
    ("f8_e8m0", 8),
    ("f8_e4m3fnuz", 8),
    ("f8_e5m2fnuz", 8),
];

/// What a safetensors file says about its tensors, checked before any of it is believed.
///
/// Stricter than the format, so that no two readers can see two files: every key stands there once, no
/// byte belongs to two tensors or to none, and names can be printed.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetensorsHeader {
    /// Keys and texts.
    pub metadata: BTreeMap<String, String>,
    /// In the order of their values.
    pub tensors: Vec<DescribedTensor>,
}

/// One tensor of a safetensors file.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedTensor {
    /// At most 256 characters, none of which controls a terminal.
    pub name: String,
    /// In lower case: `f32`.
    pub dtype: &'static str,
    /// At most eight extents.
    pub shape: Vec<usize>,
    /// Bytes of all tensors before it.
    pub start: u64,
    /// Bytes of its values.
    pub length: u64,
}

impl SafetensorsHeader {
    /// The header's length in bytes, from a file's first eight bytes and the file's length.
    ///
    /// # Errors
    ///
    /// [`FormatError::NotSafetensors`] or [`FormatError::Truncated`].
    pub fn length(start: &[u8], file_length: u64) -> Result<u64, FormatError> {
        let Some(length) = start.first_chunk::<8>() else {
            return Err(refuse(format!("it has {file_length} bytes")));
        };
        let length = u64::from_le_bytes(*length);
        if length > LARGEST_HEADER {
            return Err(refuse(format!("its header claims {length} bytes, the limit is {LARGEST_HEADER}")));
        }
        if file_length < 8 + length {
            return Err(FormatError::Truncated { found: file_length, expected: 8 + length });
        }
        Ok(length)
    }

    /// Reads a header that `data_length` bytes follow.
    ///
    /// # Errors
    ///
    /// [`FormatError::NotSafetensors`] or [`FormatError::Truncated`].
    pub fn parse(header: &[u8], data_length: u64) -> Result<Self, FormatError> {
        if !header.starts_with(b"{") {
            return Err(refuse("its header is not valid: it does not begin with {".into()));
        }
        let Fields { metadata, tensors } = serde_json::from_slice(header)
            .map_err(|error| refuse(format!("its header is not valid: {error}")))?;
        let described = tensors.into_iter().map(|(name, entry)| entry.describe(name));
        let mut tensors = described.collect::<Result<Vec<_>, _>>()?;
        tensors.sort_by_key(|tensor| (tensor.start, tensor.length));
        let mut end = 0;
        for DescribedTensor { name, start, length, .. } in &tensors {
            if *start != end {
                let what = if *start < end { "shares bytes with" } else { "leaves a gap after" };
                return Err(refuse(format!("{name:?} {what} the tensor before it")));
            }
            end += length;
        }
        let before = 8 + header.len() as u64;
        match data_length.checked_sub(end) {
            Some(0) => Ok(Self { metadata, tensors }),
            Some(extra) => Err(refuse(format!("{extra} bytes follow its last tensor"))),
            None => Err(FormatError::Truncated { found: before + data_length, expected: before + end }),
        }
    }
}

fn refuse(reason: String) -> FormatError {
    // Parts of it may be texts out of the file.
    let printable = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    FormatError::NotSafetensors { reason: reason.chars().take(300).map(printable).collect() }
}

/// A tensor as the header's JSON has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl Entry {
    fn describe(self, name: String) -> Result<DescribedTensor, FormatError> {
        let Self { dtype, shape, data_offsets: (start, end) } = self;
        let known = ELEMENTS.into_iter().find(|(known, _)| known.to_ascii_uppercase() == dtype);
        let (dtype, bits) =
            known.ok_or_else(|| refuse(format!("{name:?} has the unknown element type {dtype:?}")))?;
        if shape.len() > LARGEST_RANK {
            let found = shape.len();
            return Err(refuse(format!("{name:?} has {found} axes, at most {LARGEST_RANK} are allowed")));
        }
        let bits = shape.iter().try_fold(bits, |product, &extent| product.checked_mul(extent));
        let length = bits.filter(|bits| bits % 8 == 0).map(|bits| bits / 8);
        if length.is_none() || end.checked_sub(start) != length {
            let what = format!("{dtype} values of shape {shape:?} do not take the bytes {start} to {end}");
            return Err(refuse(format!("{name:?} is damaged: {what}")));
        }
        let extents = shape.iter().map(|&extent| usize::try_from(extent)).collect::<Result<_, _>>();
        let shape = extents.map_err(|_| refuse(format!("{name:?} is too large for this machine")))?;
        Ok(DescribedTensor { name, dtype, shape, start, length: end - start })
    }
}

/// The header's JSON, no key of which may stand there twice.
struct Fields {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, Entry>,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by their names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut metadata = None;
        let mut tensors = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                let Texts(texts) = map.next_value()?;
                if metadata.replace(texts).is_some() {
                    return Err(twice(&name));
                }
                continue;
            }
            check_name(&name).map_err(de::Error::custom)?;
            if tensors.len() == MOST_TENSORS {
                return Err(de::Error::custom(format!("it has more than {MOST_TENSORS} tensors")));
            }
            insert(&mut tensors, name, map.next_value()?)?;
        }
        Ok(Fields { metadata: metadata.unwrap_or_default(), tensors })
    }
}

/// The metadata: texts by their keys.
struct Texts(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by their keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut texts = BTreeMap::new();
        while let Some((key, text)) = map.next_entry::<String, String>()? {
            insert(&mut texts, key, text)?;
        }
        Ok(Texts(texts))
    }
}

fn insert<V, E: de::Error>(map: &mut BTreeMap<String, V>, key: String, value: V) -> Result<(), E> {
    if map.contains_key(&key) {
        return Err(twice(&key));
    }
    map.insert(key, value);
    Ok(())
}

fn twice<E: de::Error>(key: &str) -> E {
    let key: String = key.chars().take(LONGEST_NAME).collect();
    E::custom(format!("{key:?} stands there twice"))
}

fn check_name(name: &str) -> Result<(), String> {
    let length = name.chars().count();
    if length > LONGEST_NAME {
        return Err(format!("a name has {length} characters, at most {LONGEST_NAME} are allowed"));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("the name {name:?} has control characters"));
    }
    Ok(())
}

/// Reads and checks the header: lengths against the bytes that are really there.
pub(crate) fn read(bytes: &[u8]) -> Result<Metadata, FormatError> {
    let found = bytes.len() as u64;
    let length = SafetensorsHeader::length(bytes, found)?;
    let header = &bytes[8..8 + length as usize];
    SafetensorsHeader::parse(header, found - 8 - length)?;
    serde_json::from_slice(header).map_err(|error| refuse(format!("its header is not valid: {error}")))
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
