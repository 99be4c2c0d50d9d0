//! Files that are there as a whole or not at all.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use burn_pack::AtomicFile;

use crate::ImageError;

/// Puts `bytes` into the file at `path`: written beside it, synced to the disk, then renamed onto it. A
/// crash at any moment leaves the old file or the new one. Folders that are missing are made; a symbolic
/// link at `path` is replaced, not followed.
///
/// # Errors
///
/// [`ImageError::IsADirectory`] if a folder stands at `path`, [`ImageError::Write`] if the system refuses.
///
/// # Examples
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("reports/run.json");
/// style_image::write_atomically(&path, b"{}")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"{}");
/// # Ok::<(), style_image::ImageError>(())
/// ```
pub fn write_atomically(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), ImageError> {
    let path = path.as_ref();
    let refused = |reason: String| ImageError::Write { path: path.to_owned(), reason };
    if path.is_dir() {
        return Err(ImageError::IsADirectory { path: path.to_owned() });
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| refused(error.to_string()))?;
    }
    let (scratch, mut file) = AtomicFile::create(path).map_err(|error| refused(error.to_string()))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| refused(error.to_string()))?;
    // A late error of the disk is told to the handle that wrote, so it was synced and goes first.
    drop(file);
    scratch.commit().map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Image;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        fs::write(&path, b"old").unwrap();
        let image = Image::new(2, 2, vec![1.0; 12]).unwrap();
        image.save(&path).unwrap();
        assert_eq!(Image::open(&path).unwrap(), image);
        assert_eq!(names(folder.path()), ["picture.png"]);
    }

    #[test]
    fn a_reader_sees_the_old_file_or_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let contents = [vec![1u8; 300_000], vec![2u8; 200_000]];
        write_atomically(&path, &contents[0]).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for round in 0..20 {
                    write_atomically(&path, &contents[round % 2]).unwrap();
                }
            });
            while !writer.is_finished() {
                let seen = fs::read(&path).unwrap();
                assert!(contents.contains(&seen), "{} bytes", seen.len());
            }
        });
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_no_scraps() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"old").unwrap();
        let error = write_atomically(file.join("below.png"), b"new").unwrap_err();
        assert!(matches!(error, ImageError::Write { .. }), "{error}");
        let error = write_atomically(folder.path(), b"new").unwrap_err();
        assert!(matches!(error, ImageError::IsADirectory { .. }), "{error}");
        assert!(matches!(write_atomically("", b""), Err(ImageError::Write { .. })));
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn missing_folders_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one/two/picture.webp");
        Image::new(1, 1, vec![0.0; 3]).unwrap().save(&path).unwrap();
        assert!(path.is_file());
    }
}
