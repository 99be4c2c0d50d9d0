//! The one open file that everything is read from.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::ImportError;

/// A regular file, held open: what was checked is what is read, even if the path gets another file.
#[derive(Debug)]
pub(crate) struct SourceFile {
    path: PathBuf,
    length: u64,
    file: Mutex<File>,
}

impl SourceFile {
    pub(crate) fn open(path: &Path) -> Result<Self, ImportError> {
        let unreadable = |error: std::io::Error| ImportError::unreadable(path, &error);
        let refuse = |reason: &str| Err(ImportError::Unreadable { path: path.into(), reason: reason.into() });
        // Before it is opened: opening a named pipe would wait for somebody who writes to it.
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        if metadata.is_dir() {
            return refuse("it is a folder");
        }
        if !metadata.is_file() {
            return refuse("it is no regular file");
        }
        let file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        Ok(Self { path: path.to_owned(), length, file: Mutex::new(file) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// So many bytes from `offset` on; the length is compared with the file's before memory is asked for.
    pub(crate) fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, ImportError> {
        if offset.checked_add(length).is_none_or(|end| end > self.length) {
            let reason = format!("{length} bytes at {offset} were promised, the file has {}", self.length);
            return Err(ImportError::damaged(reason));
        }
        let mut bytes = Vec::new();
        self.stream(offset, length)?.read_to_end(&mut bytes).map_err(|error| self.unreadable(&error))?;
        if bytes.len() as u64 == length {
            return Ok(bytes);
        }
        Err(ImportError::damaged("the file became shorter while it was read"))
    }

    /// The first bytes, at most `length` of them.
    pub(crate) fn head(&self, length: u64) -> Result<Vec<u8>, ImportError> {
        self.read(0, length.min(self.length))
    }

    /// SHA-256 of the whole file, in hex.
    pub(crate) fn sha256(&self) -> Result<String, ImportError> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        let mut stream = self.stream(0, self.length)?;
        loop {
            let length = stream.read(&mut buffer).map_err(|error| self.unreadable(&error))?;
            if length == 0 {
                return Ok(hex(&hash.finalize()));
            }
            hash.update(&buffer[..length]);
        }
    }

    fn stream(&self, offset: u64, length: u64) -> Result<impl Read, ImportError> {
        let mut file: MutexGuard<'_, File> = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset)).map_err(|error| self.unreadable(&error))?;
        Ok(Locked(file).take(length))
    }

    fn unreadable(&self, error: &std::io::Error) -> ImportError {
        ImportError::unreadable(&self.path, error)
    }
}

/// The file while nobody else moves its cursor.
struct Locked<'a>(MutexGuard<'a, File>);

impl Read for Locked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
