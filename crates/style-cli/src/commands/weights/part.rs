//! A file on its way: `NAME.part`, which the next attempt goes on with.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure, Result};
use crate::lock::{NotHeld, hold};

/// No weights file of a VGG network is longer than this.
const LONGEST: u64 = 2 << 30;

/// The part of a file that is there; nobody else writes it as long as this lives.
#[derive(Debug)]
pub(super) struct Part {
    target: PathBuf,
    path: PathBuf,
    file: File,
    length: u64,
    limit: u64,
}

impl Part {
    /// Opens the part of `target`, which will have so many bytes, where that is known.
    ///
    /// # Errors
    ///
    /// Exit code 5 when it cannot be written, or another process is fetching the same file.
    pub(super) fn open(target: &Path, bytes: Option<u64>) -> Result<Self> {
        let mut path = target.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let refused = |error: io::Error| cannot_write(&path, &error);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(refused)?;
        }
        let file = match hold(&path, OpenOptions::new().create(true).append(true)) {
            Ok(file) => file,
            Err(NotHeld::Taken) => {
                let message = format!("another process is fetching {}", path.display());
                return Err(Failure::new(Exit::Output, message).help("wait until it is done, or end it"));
            }
            Err(NotHeld::Failed(error)) => return Err(refused(error)),
        };
        let length = file.metadata().map_err(refused)?.len();
        Ok(Self { target: target.to_owned(), path, file, length, limit: bytes.unwrap_or(LONGEST) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Whether it has more bytes than the file.
    pub(super) const fn is_too_long(&self) -> bool {
        self.length > self.limit
    }

    /// Takes some more bytes; [`io::ErrorKind::InvalidData`] for more than the file has.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len() as u64;
        if self.is_too_long() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.file.write_all(bytes)
    }

    /// Begins anew.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(|error| cannot_write(&self.path, &error))?;
        self.length = 0;
        Ok(())
    }

    /// The bytes were wrong: the next attempt begins anew.
    pub(super) fn discard(self) {
        let _ = fs::remove_file(&self.path); // a part that stays is found wrong again
    }

    /// It is whole: synced, and put into its place.
    pub(super) fn finish(self) -> Result<()> {
        let refused = |error: io::Error| cannot_write(&self.target, &error);
        self.file.sync_all().map_err(refused)?;
        fs::rename(&self.path, &self.target).map_err(refused)?;
        #[cfg(unix)]
        if let Some(folder) = self.target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(refused)?;
        }
        Ok(())
    }
}

/// A file that cannot be written.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", path.display());
    let help = match error.kind() {
        io::ErrorKind::StorageFull => "make room on the disk, or choose another place with --output",
        _ => "check that the folder may be written to, or choose another place with --output",
    };
    Failure::new(Exit::Output, message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_attempt_goes_on_where_the_last_one_ended() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deeper/file.pth");
        let mut part = Part::open(&target, Some(5)).unwrap();
        part.append(b"ab").unwrap();
        drop(part);
        let mut part = Part::open(&target, Some(5)).unwrap();
        assert_eq!(part.length(), 2);
        part.append(b"cde").unwrap();
        part.finish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"abcde");
        assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn two_processes_do_not_write_one_part() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file.pth");
        let _first = Part::open(&target, None).unwrap();
        let failure = Part::open(&target, None).unwrap_err();
        assert_eq!(failure.exit, Exit::Output);
        assert!(failure.message.contains("another process"), "{}", failure.message);
    }

    #[test]
    fn no_more_bytes_are_taken_than_the_file_has() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = Part::open(&folder.path().join("file.pth"), Some(3)).unwrap();
        part.append(b"abc").unwrap();
        assert_eq!(part.append(b"d").unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(part.is_too_long());
    }
}
