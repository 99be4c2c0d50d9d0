//! Which kind of file it is, and the tensors in it, described and not read.
//!
//! Everything up to a tensor's values is read by code of this module, from one open file, and checked
//! before it is believed: a pickle is walked over and never run, no length that a file states is given to
//! the allocator, and what takes memory is bounded by the limits below whatever the file says.

mod directory;
mod legacy;
mod pickle;
mod safetensors;
mod torch;
mod unpickle;
mod zip;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::ImportError;
use crate::error::printable;
use crate::source::SourceFile;
use crate::tensor::StoredTensor;

/// A VGG state dict's `data.pkl` is about 10 kB, that of a training checkpoint three times as much.
const LARGEST_PICKLE: u64 = 256 << 10;

/// A VGG network has at most 120 tensors, a training checkpoint of one some hundred.
const MOST_TENSORS: u64 = 4096;

/// Characters of the longest name of a tensor.
const LONGEST_NAME: usize = 256;

/// The first pickle of PyTorch's legacy stream: its magic number.
const LEGACY: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The containers that weights are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// PyTorch 1.6 and later.
    Zip,
    /// PyTorch 0.1.10 to 1.5.
    Legacy,
    Safetensors,
    Onnx,
}

/// Tells the containers apart by their first bytes, and says what a file is that is none of them.
///
/// `looks_like_onnx` sees the first 512 bytes: protocol buffers have no magic number, so that is a guess,
/// made when everything with one has been ruled out.
pub(crate) fn kind(file: &SourceFile, looks_like_onnx: impl Fn(&[u8]) -> bool) -> Result<Kind, ImportError> {
    let head = &file.head(512)?[..];
    let is_tar = head.get(257..262) == Some(b"ustar");
    if head.starts_with(b"PK") {
        Ok(Kind::Zip)
    } else if !is_tar && head.windows(LEGACY.len()).take(64).any(|bytes| bytes == LEGACY) {
        Ok(Kind::Legacy)
    } else if head.get(8) == Some(&b'{') && head.get(4..8) == Some(&[0; 4]) {
        Ok(Kind::Safetensors)
    } else if !is_tar && looks_like_onnx(head) {
        Ok(Kind::Onnx)
    } else {
        Err(refuse(head, is_tar))
    }
}

/// The tensors of a file, which are none for [`Kind::Onnx`]: there it takes a graph to make sense of them.
pub(crate) fn tensors(file: &Arc<SourceFile>, kind: Kind) -> Result<Vec<StoredTensor>, ImportError> {
    match kind {
        Kind::Zip => zip::tensors(file),
        Kind::Legacy => legacy::tensors(file),
        Kind::Safetensors => Ok(safetensors::read(file)?.1),
        Kind::Onnx => Ok(Vec::new()),
    }
}

/// What a safetensors file says about itself: that of ours has `style_format::FORMAT` under `format`.
pub(crate) fn metadata(file: &Arc<SourceFile>) -> Result<BTreeMap<String, String>, ImportError> {
    Ok(safetensors::read(file)?.0)
}

/// Says what a file is that is no container of weights, by its first bytes.
fn refuse(head: &[u8], is_tar: bool) -> ImportError {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let text = printable(&String::from_utf8_lossy(&head[..head.len().min(24)]), 24);
    let lower = text.trim_start().to_ascii_lowercase();
    if is_tar {
        return ImportError::UnsupportedContainer { container: "a TAR checkpoint (PyTorch before 0.1.10)" };
    }
    if starts(&[0x80]) || matches!(head, [b'(' | b'}' | b']' | b'c', ..]) {
        return ImportError::UnsupportedContainer { container: "a bare pickle" };
    }
    if lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<?xml") {
        return not_weights(&format!("it is a web page ({text:?})"));
    }
    not_weights(match head {
        [] => "it is empty",
        _ if starts(b"version https://git-lfs") => {
            "it is a Git LFS pointer, not the file it points to (git lfs pull fetches that)"
        }
        _ if starts(b"\x89HDF\r\n\x1a\n") => "it is an HDF5 file, as Keras writes it",
        _ if starts(b"\x93NUMPY") => "it is a NumPy array",
        _ if starts(b"GGUF") => "it is a GGUF file, as language models have it",
        _ => return not_weights(&format!("it starts with {text:?}")),
    })
}

fn not_weights(found: &str) -> ImportError {
    ImportError::NotACheckpoint { found: found.to_owned() }
}

fn big_endian() -> ImportError {
    ImportError::UnsupportedContainer { container: "a checkpoint of a big-endian machine" }
}

/// Refuses names that are no names.
fn check_name(name: &str) -> Result<(), ImportError> {
    let length = name.chars().count();
    if length > LONGEST_NAME {
        let (found, limit) = (length as u64, LONGEST_NAME as u64);
        return Err(ImportError::TooLarge { what: "the length of a name", found, limit });
    }
    if name.chars().any(char::is_control) {
        return Err(ImportError::damaged(format!("the name {name:?} has control characters")));
    }
    Ok(())
}

/// Looks at the file and refuses every container that is not read. Answers with the file's length.
pub(crate) fn check(path: &Path) -> Result<u64, ImportError> {
    let file = Arc::new(SourceFile::open(path)?);
    match kind(&file, |_| false)? {
        kind @ (Kind::Zip | Kind::Legacy) => tensors(&file, kind).map(|_| file.length()),
        Kind::Safetensors | Kind::Onnx => Err(not_weights("it is a safetensors file")),
    }
}

pub(crate) fn sha256(path: &Path) -> Result<String, ImportError> {
    SourceFile::open(path)?.sha256()
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
