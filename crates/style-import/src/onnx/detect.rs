//! Which files are taken for ONNX models.

/// Whether the first bytes of a file are fields of ONNX's `ModelProto`, the version of the format first.
///
/// Every writer puts `ir_version` first: protocol buffers are written in the order of the field numbers.
pub(crate) fn looks_like_onnx(head: &[u8]) -> bool {
    let Some((&0x08, mut rest)) = head.split_first() else { return false };
    if varint(&mut rest).is_none() {
        return false;
    }
    while let Some(tag) = varint(&mut rest) {
        let skipped = match (tag >> 3, tag & 7) {
            (5, 0) => varint(&mut rest).map(|_| 0),
            (2..=4 | 6..=8 | 14 | 20 | 25 | 26, 2) => varint(&mut rest),
            // Zero is no field either: that tells it from the length which a safetensors file begins with.
            _ => return false,
        };
        let rest_of = |length: u64| rest.get(usize::try_from(length).ok()?..);
        let Some(next) = skipped.and_then(rest_of) else { return true };
        rest = next;
    }
    true
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_begins_with_its_version_and_goes_on_with_fields_of_a_model() {
        assert!(looks_like_onnx(b"\x08\x0a\x12\x07pytorch\x1a\x062.15.0:\xff\xff\x03")); // PyTorch
        assert!(looks_like_onnx(b"\x08\x03:\x90\xb5\xfb\x91\x02\x0a\x05")); // a long graph right away
        assert!(looks_like_onnx(b"\x08\x03\x12\x05cnt"), "a head may end anywhere");
    }

    #[test]
    fn other_files_are_no_models() {
        let others: [&[u8]; 9] = [
            b"",
            b"PK\x03\x04\x14\0",                         // zip
            b"\x80\x02}q\0.",                            // pickle
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", // legacy PyTorch
            b"<!DOCTYPE html>",
            b"version https://git-lfs.github.com/spec/v1",
            b"\x08\x03\0\0\0\0\0\0{\"a\":", // safetensors, header of 776 bytes
            b"\x08:\x12\0\0\0\0\0{\"a\":",  // and of 1,194,504
            b"\x0a\x02\x08\x01",            // another kind of protocol-buffer file
        ];
        for other in others {
            assert!(!looks_like_onnx(other), "{other:?}");
        }
    }
}
