//! Checks of a safetensors header before anything in it is believed.

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
