//! Files that are read whole, and never more of them than a limit.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Most bytes of a recipe or a preset; those that the program writes have about a thousandth of it.
pub(crate) const TEXT_BYTES: u64 = 1 << 20;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error("it has more than {} are read", most(*.limit))]
    TooLong { limit: u64 },
    #[error("it is no text: its bytes are not UTF-8")]
    NotText,
    #[error("it is no regular file")]
    NoFile,
    #[error("{0}")]
    Failed(#[from] io::Error),
}

/// `the 1 MiB that`
fn most(limit: u64) -> String {
    match limit {
        _ if limit.is_multiple_of(1 << 20) => format!("the {} MiB that", limit >> 20),
        _ => format!("the {limit} bytes that"),
    }
}

/// All bytes of a file, a pipe or a device, which are at most so many. One that never ends, as `/dev/zero`, is left
/// there.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Unread> {
    take(File::open(path)?, limit)
}

/// The same of a regular file only: what is longer is refused before a byte of it is read.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Unread> {
    // Asked before it is opened, as opening a pipe that nobody writes to waits for ever.
    if !path.metadata()?.is_file() {
        return Err(Unread::NoFile);
    }
    take(File::open(path)?, limit)
}

/// The same as text.
pub(crate) fn read_text(path: &Path) -> Result<String, Unread> {
    String::from_utf8(read(path, TEXT_BYTES)?).map_err(|_| Unread::NotText)
}

fn take(file: File, limit: u64) -> Result<Vec<u8>, Unread> {
    if file.metadata()?.len() > limit {
        return Err(Unread::TooLong { limit });
    }
    let mut bytes = Vec::new();
    // A pipe has no length, and a file may grow while it is read.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(Unread::TooLong { limit }) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read_file(&path, 5).unwrap(), b"12345");
        assert_eq!(read_text(&path).unwrap(), "12345");
        let refused = read_file(&path, 4).unwrap_err();
        assert_eq!(refused.to_string(), "it has more than the 4 bytes that are read");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(read_text(&path), Err(Unread::NotText)));
        assert!(matches!(read(&folder.path().join("none"), 1), Err(Unread::Failed(_))));
        assert!(matches!(read_file(folder.path(), 1), Err(Unread::NoFile)));
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_left() {
        let refused = read_text(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(refused.to_string(), "it has more than the 1 MiB that are read");
        assert!(matches!(read_file(Path::new("/dev/zero"), 1 << 40), Err(Unread::NoFile)));
        assert_eq!(read(Path::new("/dev/null"), 1).unwrap(), b"");
    }
}
