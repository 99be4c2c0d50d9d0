//! PyTorch 0.1.10 to 1.5: five pickles one after the other, and then the storages.
//!
//! The pickles are a magic number, the number 1001, what the machine was like, the state dict, and the keys
//! of the storages in the order in which they follow, each with its number of values before it.
//!
//! # Reference
//!
//! PyTorch's `torch/serialization.py`, `_legacy_save`.

use std::collections::HashMap;
use std::sync::Arc;

use super::pickle::{self, Fault};
use super::{LARGEST_PICKLE, LEGACY, MOST_TENSORS, check_name, torch, unpickle};
use crate::ImportError;
use crate::source::SourceFile;
use crate::storage::Storage;
use crate::tensor::StoredTensor;

const PROTOCOL: i64 = 1001;

/// The tensors of a checkpoint, none of them read.
pub(super) fn tensors(file: &Arc<SourceFile>) -> Result<Vec<StoredTensor>, ImportError> {
    let start = file.head(LARGEST_PICKLE)?;
    let mut rest = &start[..];
    let [magic, protocol, machine, data, keys] = [(); 5].map(|()| next_pickle(&mut rest, file.length()));
    check_magic(magic?)?;
    let (heap, root) = unpickle::load(protocol?)?;
    if heap.integer(root) != Some(PROTOCOL) {
        return Err(ImportError::damaged("its protocol is not 1001"));
    }
    check_machine(machine?)?;
    let (heap, root) = unpickle::load(data?)?;
    let keys = read_keys(keys?)?;
    let storages = lay_out(file, &heap, &keys, (start.len() - rest.len()) as u64)?;
    torch::tensors(&heap, root, |key, described| {
        let missing = || ImportError::damaged(format!("the storage {key:?} is not in the file"));
        let storage = storages.get(key).ok_or_else(missing)?;
        described.check_length(key, storage.length())?;
        Ok(storage.clone())
    })
}

/// Takes a pickle off the front, if it is a harmless one.
fn next_pickle<'a>(rest: &mut &'a [u8], file_length: u64) -> Result<&'a [u8], ImportError> {
    let length = match pickle::length(rest) {
        Ok(length) => length,
        Err(Fault::CutOff) if file_length > LARGEST_PICKLE => {
            let (what, limit) = ("the length of the checkpoint's pickles in bytes", LARGEST_PICKLE);
            return Err(ImportError::TooLarge { what, found: limit + 1, limit });
        }
        Err(fault) => return Err(fault.into()),
    };
    let (taken, after) = rest.split_at(length);
    *rest = after;
    pickle::check(taken)?;
    Ok(taken)
}

fn check_magic(pickle: &[u8]) -> Result<(), ImportError> {
    match pickle {
        [0x80, _, 0x8a, 10, magic @ .., pickle::STOP] if *magic == LEGACY => Ok(()),
        _ => Err(ImportError::damaged("its magic number is not where it belongs")),
    }
}

fn check_machine(pickle: &[u8]) -> Result<(), ImportError> {
    let (heap, root) = unpickle::load(pickle)?;
    match heap.truth(root, "little_endian") {
        Some(true) => Ok(()),
        Some(false) => Err(super::big_endian()),
        None => Err(ImportError::damaged("it does not say in which order numbers have their bytes")),
    }
}

fn read_keys(pickle: &[u8]) -> Result<Vec<String>, ImportError> {
    let invalid = || ImportError::damaged("its list of storages is none");
    let (heap, root) = unpickle::load(pickle)?;
    let keys = heap.items(root).ok_or_else(invalid)?;
    if keys.len() as u64 > MOST_TENSORS {
        let (found, limit) = (keys.len() as u64, MOST_TENSORS);
        return Err(ImportError::TooLarge { what: "the number of storages", found, limit });
    }
    let name = |&key| {
        let key = heap.key(key).ok_or_else(invalid)?;
        check_name(&key)?;
        Ok(key.into_owned())
    };
    keys.iter().map(name).collect()
}

/// Where the storages lie, from `start` on; nothing may follow them.
fn lay_out<'a>(
    file: &Arc<SourceFile>,
    heap: &'a unpickle::Heap<'_>,
    keys: &[String],
    mut start: u64,
) -> Result<HashMap<String, Arc<Storage>>, ImportError> {
    let by_key = |storage: &'a torch::Storage| Some((heap.key(storage.key)?, storage));
    let described: HashMap<_, _> = heap.storages().filter_map(by_key).collect();
    let mut storages = HashMap::new();
    for key in keys {
        let Some(storage) = described.get(key.as_str()) else {
            return Err(ImportError::damaged(format!("nothing is known of its storage {key:?}")));
        };
        let count = file.read(start, 8)?;
        if count != storage.values.to_le_bytes() {
            let reason = format!("its storage {key:?} does not have the {} values described", storage.values);
            return Err(ImportError::damaged(reason));
        }
        let length = storage.byte_len()?;
        let laid = Storage::new(file, start + 8, length, None)?;
        start += 8 + length;
        if storages.insert(key.clone(), Arc::new(laid)).is_some() {
            return Err(ImportError::damaged(format!("it has the storage {key:?} twice")));
        }
    }
    match file.length() - start {
        0 => Ok(storages),
        extra => Err(ImportError::damaged(format!("{extra} bytes follow its last storage"))),
    }
}
