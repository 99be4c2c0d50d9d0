//! PyTorch 1.6 and later: a zip archive of one pickle and of every storage as an entry.

use std::collections::HashMap;
use std::sync::Arc;

use super::directory::{self, Entry};
use super::{LARGEST_PICKLE, not_weights, pickle, torch, unpickle};
use crate::ImportError;
use crate::error::printable;
use crate::source::SourceFile;
use crate::storage::{Storage, View};
use crate::tensor::StoredTensor;

/// The tensors of a checkpoint, none of them read.
pub(super) fn tensors(file: &Arc<SourceFile>) -> Result<Vec<StoredTensor>, ImportError> {
    let entries = directory::read(file)?;
    let program = |entry: &&Entry| entry.name.ends_with("/constants.pkl") || entry.name.contains("/code/");
    if let Some(entry) = entries.iter().find(program) {
        return Err(ImportError::TorchScript { entry: printable(&entry.name, 80) });
    }
    let is_pickle = |entry: &&Entry| entry.name == "data.pkl" || entry.name.ends_with("/data.pkl");
    let pickles: Vec<_> = entries.iter().filter(is_pickle).collect();
    let [data] = pickles[..] else {
        return Err(match pickles.len() {
            0 => not_weights("it is a zip archive without data.pkl"),
            count => ImportError::damaged(format!("it has {count} entries data.pkl, one is allowed")),
        });
    };
    if data.length > LARGEST_PICKLE {
        let what = "the length of data.pkl in bytes";
        return Err(ImportError::TooLarge { what, found: data.length, limit: LARGEST_PICKLE });
    }
    let root = data.name.trim_end_matches("data.pkl");
    let entry = |name: &str| {
        let name = format!("{root}{name}");
        entries.iter().find(|entry| entry.name == name)
    };
    if let Some(order) = entry("byteorder") {
        check_byte_order(&contents(file, order)?)?;
    }
    let data = contents(file, data)?;
    pickle::check(&data)?;
    let (heap, root) = unpickle::load(&data)?;
    let mut storages: HashMap<String, Arc<Storage>> = HashMap::new();
    torch::tensors(&heap, root, |key, described| {
        if let Some(known) = storages.get(key) {
            described.check_length(key, known.length())?;
            return Ok(known.clone());
        }
        let missing = || ImportError::damaged(format!("the archive has no entry for the storage {key:?}"));
        let found = entry(&format!("data/{key}")).ok_or_else(missing)?;
        described.check_length(key, found.length)?;
        let storage = Arc::new(found.storage(file)?);
        storages.insert(key.to_owned(), storage.clone());
        Ok(storage)
    })
}

/// The bytes of a small entry.
fn contents(file: &Arc<SourceFile>, entry: &Entry) -> Result<Vec<u8>, ImportError> {
    let length = usize::try_from(entry.length).ok().filter(|&length| length as u64 <= LARGEST_PICKLE);
    let too_long = || ImportError::damaged(format!("entry {:?} is too long", printable(&entry.name, 80)));
    let storage = Arc::new(entry.storage(file)?);
    View { storage, offset: 0, strides: vec![1] }.read(&[length.ok_or_else(too_long)?], 1)
}

fn check_byte_order(text: &[u8]) -> Result<(), ImportError> {
    match text.trim_ascii() {
        b"little" => Ok(()),
        b"big" => Err(super::big_endian()),
        _ => Err(ImportError::damaged("its byte order is neither little nor big")),
    }
}
