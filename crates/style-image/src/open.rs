//! A picture file by its path.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::limits::{MAX_FILE_BYTES, check_memory};
use crate::{Image, ImageError};

impl Image {
    /// Opens a picture file; see [`decode`](Self::decode) for what is read and how. The extension does
    /// not matter.
    ///
    /// # Errors
    ///
    /// [`ImageError::NotFound`], [`ImageError::IsADirectory`] or [`ImageError::Read`] if there is no file
    /// to read, otherwise [`ImageError::InFile`] with the path and what [`decode`](Self::decode) says.
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::{Image, ImageError};
    ///
    /// let error = Image::open("no-such-picture.jpg").unwrap_err();
    /// assert!(matches!(error, ImageError::NotFound { .. }));
    /// println!("{error}; {}", error.help());
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        let path = path.as_ref();
        let bytes = read(path)?;
        Self::decode(&bytes).map_err(|fault| fault.in_file(path))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ImageError> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ImageError::NotFound { path: path.to_owned() },
        _ => ImageError::Read { path: path.to_owned(), reason: error.to_string() },
    };
    let too_heavy = || {
        let fault = ImageError::TooHeavy { what: "the file's bytes", limit_mib: MAX_FILE_BYTES >> 20 };
        Err(fault.in_file(path))
    };
    // Asked of the path: on some systems a folder cannot even be opened.
    let metadata = fs::metadata(path).map_err(refused)?;
    if metadata.is_dir() {
        return Err(ImageError::IsADirectory { path: path.to_owned() });
    }
    if metadata.len() > MAX_FILE_BYTES as u64 {
        return too_heavy();
    }
    let length = metadata.len() as usize;
    check_memory(length).map_err(|fault| fault.in_file(path))?;
    let mut bytes = Vec::with_capacity(length);
    // A pipe has no length, and a file may grow while it is read.
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(refused)?;
    if bytes.len() > MAX_FILE_BYTES { too_heavy() } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing.png");
        let error = Image::open(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("no file {}", path.display()));
        let error = Image::open(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("{} is a folder, expected a file", folder.path().display()));
    }

    #[test]
    fn a_fault_in_a_file_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes, fault) in [
            ("empty.png", &b""[..], "the file is empty, expected a picture"),
            ("page.jpg", b"<!doctype html><p>404", "not a picture: it looks like a web page"),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let error = Image::open(&path).unwrap_err();
            assert_eq!(error.to_string(), format!("{}: {fault}", path.display()));
            assert_eq!(error.fault().to_string(), fault);
            assert_eq!(error.help(), error.fault().help());
        }
    }

    #[test]
    fn a_file_over_the_limit_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.png");
        File::create(&path).unwrap().set_len(MAX_FILE_BYTES as u64 + 1).unwrap();
        let text = Image::open(&path).unwrap_err().fault().to_string();
        assert_eq!(text, "the file's bytes take more than the limit of 512 MiB");
    }

    #[test]
    fn the_content_decides_not_the_extension() {
        let folder = tempfile::tempdir().unwrap();
        let image = Image::new(1, 2, vec![0.0, 1.0, 0.0, 1.0, 0.0, 1.0]).unwrap();
        let png = image.encode(crate::PictureFormat::Png).unwrap();
        for name in ["picture.jpg", "picture", "picture.txt"] {
            let path = folder.path().join(name);
            fs::write(&path, &png).unwrap();
            assert_eq!(Image::open(&path).unwrap(), image);
        }
    }
}
