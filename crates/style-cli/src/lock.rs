//! A file that one process holds at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Why a file is not held.
#[derive(Debug)]
pub(crate) enum NotHeld {
    /// Another process holds it.
    Taken,
    Failed(io::Error),
}

/// Opens a file and locks it until it is closed.
///
/// Whoever waited for a file that its holder removed or renamed would hold one that nobody else finds, so that is looked
/// at, and the file opened again.
pub(crate) fn hold(path: &Path, options: &OpenOptions) -> Result<File, NotHeld> {
    loop {
        let file = options.open(path).map_err(NotHeld::Failed)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => return Ok(file),
            Ok(()) => {} // its holder has removed it meanwhile
            Err(TryLockError::WouldBlock) => return Err(NotHeld::Taken),
            // Some network file systems know no locks; the work goes on without.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(NotHeld::Failed(error)),
        }
    }
}

/// Whether an open file is still the one of that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata().map(place), fs::metadata(path).map(place)), (Ok(a), Ok(b)) if a == b)
}

/// Open files cannot be removed here.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        options
    }

    #[test]
    fn a_file_is_held_once_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = hold(&path, &options()).unwrap();
        assert!(matches!(hold(&path, &options()), Err(NotHeld::Taken)));
        drop(first);
        hold(&path, &options()).unwrap();
        assert!(matches!(hold(&folder.path().join("no/a.lock"), &options()), Err(NotHeld::Failed(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_removed_or_renamed_is_no_longer_the_one_of_that_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.part");
        let file = hold(&path, &options()).unwrap();
        assert!(is_at(&file, &path));
        fs::rename(&path, folder.path().join("a")).unwrap();
        assert!(!is_at(&file, &path));
        fs::write(&path, b"another").unwrap();
        assert!(!is_at(&file, &path));
    }

    /// Of threads that take a file, write and remove it, no two ever hold the one that is there at the same time.
    #[cfg(unix)]
    #[test]
    fn holders_that_remove_what_they_held_do_not_overlap() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let (inside, most, held) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let Ok(file) = hold(&path, &options()) else { continue };
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        held.fetch_add(1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        let _ = fs::remove_file(&path);
                        drop(file);
                    }
                });
            }
        });
        assert!(held.into_inner() > 0);
        assert_eq!(most.into_inner(), 1);
    }
}
