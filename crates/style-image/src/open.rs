//! The bytes of a file or a stream, up to a limit.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::error::FILE_BYTES;
use crate::limits::check_memory;
use crate::{Image, ImageError, ReadOptions, sniff};

/// How many bytes are looked at before the rest of a stream is read.
const HEAD: usize = 4096;

impl Image {
    /// Opens a picture file: short for [`ReadOptions::open`] with the default limits, the colours alone.
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
        ReadOptions::default().open(path).map(|picture| picture.image)
    }

    /// Reads a picture file that is in memory: short for [`ReadOptions::decode`] with the default limits, the colours
    /// alone. Transparent pixels are laid over white.
    ///
    /// # Errors
    ///
    /// As [`ReadOptions::decode`].
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::{Image, PictureFormat};
    ///
    /// let image = Image::new(2, 1, vec![1.0, 0.0, 0.0, 0.0, 0.0, 1.0])?;
    /// let bytes = image.encode(PictureFormat::Png)?;
    /// assert_eq!(Image::decode(&bytes)?, image);
    ///
    /// let error = Image::decode(b"<html>404 Not Found</html>").unwrap_err();
    /// assert_eq!(error.to_string(), "not a picture: it looks like a web page");
    /// # Ok::<(), style_image::ImageError>(())
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Self, ImageError> {
        ReadOptions::default().decode(bytes).map(|picture| picture.image)
    }
}

pub(crate) const fn too_heavy(limit: usize) -> ImageError {
    ImageError::TooHeavy { what: FILE_BYTES, limit_mib: limit.div_ceil(1 << 20) }
}

/// The bytes of the file at a path.
pub(crate) fn file(path: &Path, limit: usize) -> Result<Vec<u8>, ImageError> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ImageError::NotFound { path: path.to_owned() },
        _ => ImageError::Read { path: path.to_owned(), reason: error.to_string() },
    };
    // Asked of the path: on some systems a folder cannot even be opened.
    let metadata = fs::metadata(path).map_err(refused)?;
    if metadata.is_dir() {
        return Err(ImageError::IsADirectory { path: path.to_owned() });
    }
    if metadata.len() > limit as u64 {
        return Err(too_heavy(limit).in_file(path));
    }
    check_memory(metadata.len() as usize).map_err(|fault| fault.in_file(path))?;
    let read = File::open(path).and_then(|file| stream(file, limit)).map_err(refused)?;
    read.map_err(|fault| fault.in_file(path))
}

/// The bytes of a stream. The outer error is the system's.
///
/// What does not begin like a picture is left after its first bytes: a device like `/dev/zero` never ends.
pub(crate) fn stream(mut stream: impl Read, limit: usize) -> io::Result<Result<Vec<u8>, ImageError>> {
    let mut bytes = Vec::new();
    stream.by_ref().take(HEAD as u64).read_to_end(&mut bytes)?;
    if let Err(fault) = sniff::picture_format(&bytes) {
        return Ok(Err(fault));
    }
    // A pipe has no length, and a file may grow while it is read.
    let rest = (limit + 1).saturating_sub(bytes.len());
    stream.take(rest as u64).read_to_end(&mut bytes)?;
    Ok(if bytes.len() > limit { Err(too_heavy(limit)) } else { Ok(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_FILE_BYTES;

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
    fn a_stream_without_end_ends_at_the_limit() {
        let limit = 1 << 20;
        let read =
            |head: &'static [u8]| ReadOptions::default().max_bytes(limit).read(head.chain(io::repeat(0)));
        assert_eq!(read(b"\x89PNG\r\n\x1a\n"), Err(too_heavy(limit)));
        let text = read(b"").unwrap_err().to_string();
        assert_eq!(text, "not a picture: it looks like zeros");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_without_end_is_left_at_once() {
        let error = Image::open("/dev/zero").unwrap_err();
        assert_eq!(error.to_string(), "/dev/zero: not a picture: it looks like zeros");
        assert_eq!(Image::open("/dev/null").unwrap_err().fault(), &ImageError::Empty);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_read_like_a_file_and_up_to_the_limit() {
        use std::io::Write as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let image = Image::new(2, 2, vec![0.5; 12]).unwrap();
        let png = image.encode(crate::PictureFormat::Png).unwrap();
        let read_while_writing = |endless: bool| {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let mut pipe = File::options().write(true).open(&path).unwrap();
                    pipe.write_all(&png).unwrap();
                    // Fails when the reader has gone.
                    while endless && pipe.write_all(&[0; 4096]).is_ok() {}
                });
                ReadOptions::default().max_bytes(1 << 20).open(&path)
            })
        };
        assert_eq!(read_while_writing(false).unwrap().image.width(), 2);
        assert_eq!(read_while_writing(true).unwrap_err().fault(), &too_heavy(1 << 20));
    }

    #[test]
    fn a_stream_that_breaks_off_is_told() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("unplugged"))
            }
        }
        let error = ReadOptions::default().read(Broken).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the picture: unplugged");
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
