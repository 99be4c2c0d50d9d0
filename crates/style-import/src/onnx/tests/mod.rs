//! One rule at a time; the models are in `builder`, real ones in `fixtures`.

mod builder;
mod chain;
mod external;
mod fixtures;
mod graph;
mod layers;
mod tensors;
mod wire;

use std::path::Path;
use std::sync::Arc;

use self::builder::Model;
use super::{External, read};
use crate::ImportError;
use crate::network::{At, Found};
use crate::source::SourceFile;

fn open(path: &Path, external: External) -> Result<Found, ImportError> {
    read(&Arc::new(SourceFile::open(path)?), external)
}

fn read_bytes(bytes: &[u8]) -> Result<Found, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    open(&path, External::Refused)
}

fn read_model(model: &Model) -> Result<Found, ImportError> {
    read_bytes(&model.build())
}

/// What is said about a model that is refused.
fn refusal(model: &Model) -> String {
    read_model(model).unwrap_err().to_string()
}

/// Refuses a model after a change, and says so with these words.
#[track_caller]
fn assert_refused(words: &str, change: impl FnOnce(&mut Model)) {
    let mut model = Model::vgg();
    change(&mut model);
    let said = refusal(&model);
    assert!(said.contains(words), "{said}");
}

/// Reads a model after a change, with the same weights as without it.
#[track_caller]
fn assert_same(change: impl FnOnce(&mut Model)) {
    let mut model = Model::vgg();
    let values = |model: &Model| -> Vec<Vec<f32>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, model.build()).unwrap();
        let found = open(&path, External::Refused).unwrap();
        assert_eq!(found.stages.len(), 2);
        assert_eq!(found.stages[0].at, At::Followed { pooled: false });
        found.stages.iter().map(|stage| stage.weight.read_floats().unwrap()).collect()
    };
    let before = values(&model);
    change(&mut model);
    assert_eq!(before, values(&model));
}
