//! Pictures one after the other in one file.

mod apng;
mod gif;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use burn_pack::AtomicFile;

use crate::encode::{extension, unsupported_extension};
use crate::{Image, ImageError};

/// Writes an animated picture frame by frame: APNG (`.png`, `.apng`: every colour) or GIF (`.gif`: 256 colours a frame). It
/// repeats for ever.
///
/// Frames go to the disk as they come, so a long animation takes no more memory than a short one. They are written beside
/// the target; [`finish`](Self::finish) puts them into its place as a whole. Without it (the program stopped, or an error)
/// the target stays as it was.
///
/// # Units
///
/// The delay between frames is rounded to 1/1000 s (APNG) or 1/100 s (GIF) and is 65 s at most.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use style_image::{Animation, Image};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("dawn.png");
/// let mut animation = Animation::create(&path, 4, 2, Duration::from_millis(100))?;
/// for step in 0..10 {
///     animation.push(&Image::new(4, 2, vec![step as f32 / 9.0; 24])?)?;
/// }
/// animation.finish()?;
/// assert_eq!(Image::open(&path)?.pixels()[0], 0.0, "the first frame is what every program shows");
/// # Ok::<(), style_image::ImageError>(())
/// ```
#[derive(Debug)]
pub struct Animation {
    path: PathBuf,
    size: (usize, usize),
    frames: usize,
    // Before `scratch`: on some systems a file that is open cannot be removed.
    writer: Writer,
    scratch: Scratch,
}

#[derive(Debug)]
enum Writer {
    Apng(apng::Writer),
    Gif(Box<gif::Writer>),
}

/// The file beside the target, which is removed when it is dropped.
struct Scratch(AtomicFile);

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.path().fmt(f)
    }
}

impl Animation {
    /// Begins an animation of frames of width x height px; the path's extension chooses the format, and folders that are
    /// missing are made.
    ///
    /// # Errors
    ///
    /// [`ImageError::UnsupportedExtension`] for any but `png`, `apng` and `gif`, [`ImageError::NoPixels`] if a side is 0,
    /// [`ImageError::Encode`] if the format cannot hold the size, [`ImageError::Write`] or [`ImageError::IsADirectory`] if
    /// there is no place for the file.
    pub fn create(
        path: impl AsRef<Path>,
        width: usize,
        height: usize,
        delay: Duration,
    ) -> Result<Self, ImageError> {
        let path = path.as_ref();
        let extension = extension(path);
        let is_gif = match extension.as_deref() {
            Some("png" | "apng") => false,
            Some("gif") => true,
            _ => return Err(unsupported_extension(path, ".png, .apng or .gif")),
        };
        if width == 0 || height == 0 {
            return Err(ImageError::NoPixels { width, height });
        }
        let (format, largest) = if is_gif { ("GIF", u16::MAX.into()) } else { ("PNG", i32::MAX as usize) };
        if width.max(height) > largest {
            let reason = format!("a side of {} px is too long", width.max(height));
            return Err(ImageError::Encode { format, reason });
        }
        if path.is_dir() {
            return Err(ImageError::IsADirectory { path: path.to_owned() });
        }
        let refused = |reason: String| ImageError::Write { path: path.to_owned(), reason };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| refused(error.to_string()))?;
        }
        let (scratch, file) = AtomicFile::create(path).map_err(|error| refused(error.to_string()))?;
        let file = BufWriter::new(file);
        let writer = if is_gif {
            let writer = gif::Writer::new(file, (width as u16, height as u16), delay);
            Writer::Gif(Box::new(writer.map_err(|error| refused(error.to_string()))?))
        } else {
            Writer::Apng(apng::Writer::new(file, (width, height), delay))
        };
        Ok(Self {
            path: path.to_owned(),
            size: (width, height),
            frames: 0,
            writer,
            scratch: Scratch(scratch),
        })
    }

    /// Frames from the next one on stay so long: the last of a run may be looked at for a while.
    pub fn set_delay(&mut self, delay: Duration) {
        match &mut self.writer {
            Writer::Apng(writer) => writer.set_delay(delay),
            Writer::Gif(writer) => writer.set_delay(delay),
        }
    }

    /// Adds a frame behind the others.
    ///
    /// # Errors
    ///
    /// [`ImageError::DifferentSizes`] if it has not the animation's size, [`ImageError::Write`] if the system refuses,
    /// [`ImageError::NotEnoughMemory`].
    pub fn push(&mut self, frame: &Image) -> Result<(), ImageError> {
        let (width, height) = self.size;
        if (frame.width(), frame.height()) != self.size {
            let (other_width, other_height) = (frame.width(), frame.height());
            return Err(ImageError::DifferentSizes { width, height, other_width, other_height });
        }
        let pushed = match &mut self.writer {
            Writer::Apng(writer) => writer.push(frame)?,
            Writer::Gif(writer) => writer.push(frame)?,
        };
        pushed.map_err(|error| self.refused(error))?;
        self.frames += 1;
        Ok(())
    }

    /// How many frames there are by now.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// The file beside the target that the frames go to until the end; for who ends the program without dropping this.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.0.path()
    }

    /// Writes the end, syncs the file to the disk and puts it into the place of the target.
    ///
    /// # Errors
    ///
    /// [`ImageError::Encode`] if there is no frame, [`ImageError::Write`] if the system refuses.
    pub fn finish(self) -> Result<(), ImageError> {
        let Self { path, frames, writer, scratch, .. } = self;
        let refused = |reason: String| ImageError::Write { path: path.clone(), reason };
        if frames == 0 {
            let format = if matches!(writer, Writer::Gif(_)) { "GIF" } else { "PNG" };
            return Err(ImageError::Encode { format, reason: "it has no frame".into() });
        }
        let finished = match writer {
            Writer::Apng(writer) => writer.finish(),
            Writer::Gif(writer) => writer.finish(),
        };
        // A late error of the disk is told to the handle that wrote, so it is synced and goes first.
        finished.and_then(|file| file.sync_all()).map_err(|error| refused(error.to_string()))?;
        scratch.0.commit().map_err(|error| refused(error.to_string()))
    }

    fn refused(&self, error: io::Error) -> ImageError {
        ImageError::Write { path: self.path.clone(), reason: error.to_string() }
    }
}

/// The file behind a buffer that is written out.
fn unbuffered(mut file: BufWriter<File>) -> io::Result<File> {
    file.flush()?;
    file.into_inner().map_err(io::IntoInnerError::into_error)
}

#[cfg(test)]
mod tests;
