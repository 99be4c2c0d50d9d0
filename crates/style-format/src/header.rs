//! Checks of a safetensors header before anything in it is believed, and its canonical writing.

use safetensors::tensor::Metadata;

use crate::FormatError;

/// A header of ours is about 5 kB; anything near this is not ours.
const LARGEST_HEADER: u64 = 1 << 20;

/// Reads and checks the header: lengths against the bytes that are really there.
pub(crate) fn read(bytes: &[u8]) -> Result<Metadata, FormatError> {
    let refuse = |reason: String| Err(FormatError::NotSafetensors { reason });
    let found = bytes.len() as u64;
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return refuse(format!("it has {found} bytes"));
    };
    let length = u64::from_le_bytes(*length);
    if length > LARGEST_HEADER {
        return refuse(format!("its header claims {length} bytes, the limit is {LARGEST_HEADER}"));
    }
    let Some(header) = rest.get(..length as usize) else {
        return Err(FormatError::Truncated { found, expected: 8 + length });
    };
    let metadata: Metadata = match serde_json::from_slice(header) {
        Ok(metadata) => metadata,
        Err(error) => return refuse(format!("its header is not valid: {error}")),
    };
    let expected = 8 + length + metadata.data_len() as u64;
    if found < expected {
        return Err(FormatError::Truncated { found, expected });
    }
    if found > expected {
        return refuse(format!("{} bytes follow its last tensor", found - expected));
    }
    Ok(metadata)
}

/// Sorts the keys of a safetensors file's header, so that equal contents are equal bytes.
///
/// The `safetensors` crate keeps metadata in a hash map, whose order changes from run to run.
pub(crate) fn canonical(bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
    let invalid = |reason: String| FormatError::NotSafetensors { reason };
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| invalid("no header".into()))?;
    let (header, data) = rest
        .split_at_checked(u64::from_le_bytes(*length) as usize)
        .ok_or_else(|| invalid("no header".into()))?;
    let sorted: serde_json::Value =
        serde_json::from_slice(header).map_err(|error| invalid(error.to_string()))?;
    let mut header = sorted.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = (header.len() as u64).to_le_bytes();
    Ok([&length[..], &header, data].concat())
}
