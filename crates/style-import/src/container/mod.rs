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

use std::sync::Arc;

use style_format::{FORMAT, FileInfo};

use crate::error::printable;
use crate::network::Found;
use crate::onnx::{self, External};
use crate::source::SourceFile;
use crate::tensor::StoredTensor;
use crate::{Container, ImportError};

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
enum Kind {
    /// PyTorch 1.6 and later.
    Zip,
    /// PyTorch 0.1.10 to 1.5.
    Legacy,
    Safetensors,
    Onnx,
}

/// Tells the containers apart by their first bytes, and says what a file is that is none of them.
///
/// Protocol buffers have no magic number, so that a file is ONNX is a guess, made when everything with one has been
/// ruled out.
fn kind(file: &SourceFile) -> Result<Kind, ImportError> {
    let head = &file.head(512)?[..];
    let is_tar = head.get(257..262) == Some(b"ustar");
    if head.starts_with(b"PK") {
        Ok(Kind::Zip)
    } else if !is_tar && head.windows(LEGACY.len()).take(64).any(|bytes| bytes == LEGACY) {
        Ok(Kind::Legacy)
    } else if head.get(8) == Some(&b'{') && head.get(4..8) == Some(&[0; 4]) {
        Ok(Kind::Safetensors)
    } else if !is_tar && onnx::looks_like_onnx(head) {
        Ok(Kind::Onnx)
    } else {
        Err(refuse(head, is_tar))
    }
}

/// What a file holds of a network, before anybody knows which one it is.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) container: Container,
    pub(crate) network: Network,
    /// What our own file says about itself.
    pub(crate) info: Option<FileInfo>,
}

/// The convolutions, as far as the container tells them.
#[derive(Debug)]
pub(crate) enum Network {
    /// By their names.
    Tensors(Vec<StoredTensor>),
    /// In the order of computation.
    Graph(Found),
}

/// Looks into a file of any kind. No tensor is read.
pub(crate) fn read(file: &Arc<SourceFile>, external: External) -> Result<Contents, ImportError> {
    let named = |container, tensors| Contents { container, network: Network::Tensors(tensors), info: None };
    match kind(file)? {
        Kind::Zip => Ok(named(Container::PytorchZip, zip::tensors(file)?)),
        Kind::Legacy => Ok(named(Container::PytorchLegacy, legacy::tensors(file)?)),
        Kind::Onnx => {
            let network = Network::Graph(onnx::read(file, external)?);
            Ok(Contents { container: Container::Onnx, network, info: None })
        }
        Kind::Safetensors => {
            let (metadata, tensors) = safetensors::read(file)?;
            if metadata.get("format").is_none_or(|format| format != FORMAT) {
                return Ok(named(Container::Safetensors, tensors));
            }
            let info = FileInfo::from_metadata(|key| metadata.get(key).map(String::as_str))?;
            Ok(Contents { info: Some(info), ..named(Container::Native, tensors) })
        }
    }
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

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
