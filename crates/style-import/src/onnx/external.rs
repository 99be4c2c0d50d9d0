//! Tensors that lie in another file. A file that is read may not choose which others are, so they are
//! refused unless asked for, and then only regular files in the model's own folder are opened.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::limits::FILES;
use super::model::{Graph, Setting};
use super::stored::Values;
use crate::ImportError;
use crate::error::printable;
use crate::source::SourceFile;

pub(super) const UNASKED: &str = "no other file is read unless that is asked for";

/// What becomes of tensors that lie in other files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum External {
    /// A model that has some is refused.
    #[default]
    Refused,
    /// Regular files in the model's folder, or in one below it, are read.
    InFolder,
}

/// Another file and the place in it.
#[derive(Debug)]
pub(super) struct Reference {
    tensor: String,
    location: String,
    offset: u64,
    length: u64,
}

/// Refuses a model with tensors in other files, unless that was asked for.
pub(super) fn check(graph: &Graph, external: External) -> Result<(), ImportError> {
    let constants = graph.nodes.iter().flat_map(|node| &node.attributes);
    let constants = constants.filter_map(|attribute| match &attribute.setting {
        Setting::Tensor(tensor) => Some(&**tensor),
        _ => None,
    });
    let outside = graph.initializers.iter().chain(constants).find_map(|tensor| match &tensor.values {
        Values::External(reference) => Some(reference),
        _ => None,
    });
    match (external, outside) {
        (External::Refused, Some(reference)) => reference.refuse(UNASKED),
        _ => Ok(()),
    }
}

impl Reference {
    /// What the entries say, for a tensor that takes so many `bytes`.
    pub(super) fn parse(tensor: &str, entries: &[(String, String)], bytes: u64) -> Result<Self, ImportError> {
        let entry = |key| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        let location = entry("location").unwrap_or_default().to_owned();
        let mut reference = Self { tensor: tensor.to_owned(), location, offset: 0, length: bytes };
        let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return reference.refuse("it is described twice");
        }
        reference.check_location()?;
        if let Some(offset) = entry("offset") {
            reference.offset = reference.number(offset, "offset")?;
        }
        if let Some(length) = entry("length")
            && reference.number(length, "length")? != bytes
        {
            return reference.refuse(&format!("its length is not the {bytes} bytes that the shape wants"));
        }
        if reference.offset.checked_add(bytes).is_none() {
            return reference.refuse("its end overflows");
        }
        Ok(reference)
    }

    /// Whether the location stays in the folder by its words alone, on every operating system.
    fn check_location(&self) -> Result<(), ImportError> {
        let odd = |c: char| c == '\\' || c == ':' || c.is_control();
        let leaves = |part: &str| matches!(part, "" | "." | "..");
        let normal = |part| matches!(part, Component::Normal(_));
        if self.location.contains(odd)
            || self.location.split('/').any(leaves)
            || !Path::new(&self.location).components().all(normal)
        {
            return self.refuse("it is no plain relative path");
        }
        Ok(())
    }

    fn number(&self, text: &str, what: &str) -> Result<u64, ImportError> {
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let refused = || self.error(&format!("its {what} is {:?}", printable(text, 40)));
        number.ok_or_else(refused)
    }

    fn refuse<T>(&self, reason: &str) -> Result<T, ImportError> {
        Err(self.error(reason))
    }

    pub(super) fn error(&self, reason: &str) -> ImportError {
        ImportError::ExternalData {
            tensor: printable(&self.tensor, 80),
            location: printable(&self.location, 80),
            reason: reason.to_owned(),
        }
    }
}

/// The other files of a model, each opened once.
pub(super) struct Folder {
    path: PathBuf,
    files: HashMap<String, Arc<SourceFile>>,
}

impl Folder {
    /// The folder of a model.
    pub(super) fn of(model: &SourceFile) -> Self {
        let parent = model.path().parent().filter(|parent| !parent.as_os_str().is_empty());
        Self { path: parent.unwrap_or(Path::new(".")).to_owned(), files: HashMap::new() }
    }

    /// The file of a tensor and the offset at which its values begin.
    pub(super) fn find(&mut self, reference: &Reference) -> Result<(Arc<SourceFile>, u64), ImportError> {
        let file = match self.files.get(&reference.location) {
            Some(file) => Arc::clone(file),
            None if self.files.len() == FILES => {
                return reference
                    .refuse(&format!("it would be more than the {FILES} files that are allowed"));
            }
            None => {
                let file = Arc::new(self.open(reference)?);
                self.files.insert(reference.location.clone(), Arc::clone(&file));
                file
            }
        };
        let end = reference.offset.checked_add(reference.length);
        if end.is_none_or(|end| end > file.length()) {
            let length = file.length();
            let wanted = format!("{} bytes at {}", reference.length, reference.offset);
            return reference.refuse(&format!("{wanted} are wanted, the file has {length}"));
        }
        Ok((file, reference.offset))
    }

    fn open(&self, reference: &Reference) -> Result<SourceFile, ImportError> {
        let failed = |error: std::io::Error| reference.error(&error.to_string());
        let mut path = self.path.clone();
        for part in reference.location.split('/') {
            path.push(part);
            if fs::symlink_metadata(&path).map_err(failed)?.is_symlink() {
                return reference.refuse("a symbolic link leads there");
            }
        }
        if !fs::symlink_metadata(&path).map_err(failed)?.is_file() {
            return reference.refuse("it is no regular file");
        }
        let folder = fs::canonicalize(&self.path).map_err(failed)?;
        if !fs::canonicalize(&path).map_err(failed)?.starts_with(folder) {
            return reference.refuse("it lies outside of the model's folder");
        }
        SourceFile::open(&path)
    }
}
