//! How much of a picture file is read.

use std::io::Read;
use std::path::Path;

use crate::decode::{Room, picture};
use crate::limits::{MAX_FILE_BYTES, MAX_PIXELS, MAX_SIDE};
use crate::{ImageError, Picture, open};

/// Limits on a picture that is read, and how strictly it is looked at.
///
/// What a header claims is compared with the limits before memory is asked for, and the system is asked whether it has that
/// memory. Beside the pixels, reading takes at most twice the file's size and 64 MiB.
///
/// # Examples
///
/// ```
/// use style_image::{Image, ImageError, PictureFormat, ReadOptions};
///
/// let bytes = Image::new(20, 10, vec![0.5; 600])?.encode(PictureFormat::Png)?;
/// let error = ReadOptions::default().max_side(16).decode(&bytes).unwrap_err();
/// assert_eq!(error.to_string(), "20 x 10 px is over the limit of 16 px a side and 67108864 pixels");
/// let picture = ReadOptions::default().decode(&bytes)?;
/// assert_eq!((picture.image.width(), picture.info.format), (20, "PNG"));
/// # Ok::<(), ImageError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct ReadOptions {
    max_pixels: usize,
    max_side: usize,
    max_bytes: usize,
    strict: bool,
}

impl Default for ReadOptions {
    /// 64 Mpx ([`MAX_PIXELS`]), 16384 px a side ([`MAX_SIDE`]), 512 MiB ([`MAX_FILE_BYTES`]), doubts are warnings.
    fn default() -> Self {
        Self { max_pixels: MAX_PIXELS, max_side: MAX_SIDE, max_bytes: MAX_FILE_BYTES, strict: false }
    }
}

impl ReadOptions {
    /// The most pixels, width times height. The pixels as they stand in the file may take 8 bytes each.
    pub const fn max_pixels(mut self, pixels: usize) -> Self {
        self.max_pixels = pixels;
        self
    }

    /// The longest side in px.
    pub const fn max_side(mut self, px: usize) -> Self {
        self.max_side = px;
        self
    }

    /// The most bytes of the file or stream.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Whether a picture is refused ([`ImageError::Doubtful`]) about which there would be a
    /// [warning](crate::PictureInfo::warnings).
    pub const fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    pub(crate) const fn room(&self) -> Room {
        Room { max_side: self.max_side, max_pixels: self.max_pixels }
    }

    pub(crate) const fn is_strict(&self) -> bool {
        self.strict
    }

    /// Opens a picture file. The extension does not matter.
    ///
    /// The path may name a pipe or a device: what comes is read until it ends, is no picture, or is over the limit. Opening
    /// a pipe waits for whoever writes into it.
    ///
    /// # Errors
    ///
    /// [`ImageError::NotFound`], [`ImageError::IsADirectory`] or [`ImageError::Read`] if there is no file to read, otherwise
    /// [`ImageError::InFile`] with the path and what [`decode`](Self::decode) says.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Picture, ImageError> {
        let path = path.as_ref();
        let bytes = open::file(path, self.max_bytes)?;
        picture(self, &bytes).map_err(|fault| fault.in_file(path))
    }

    /// Reads a picture from a stream, such as standard input, to its end. A stream that does not begin like a picture is
    /// left at once.
    ///
    /// # Errors
    ///
    /// [`ImageError::Stream`] if reading fails, otherwise as [`decode`](Self::decode).
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::{ImageError, ReadOptions};
    ///
    /// let endless = std::io::repeat(b'a');
    /// assert!(matches!(ReadOptions::default().read(endless), Err(ImageError::NotAPicture { .. })));
    /// ```
    pub fn read(&self, stream: impl Read) -> Result<Picture, ImageError> {
        let read = open::stream(stream, self.max_bytes);
        let bytes = read.map_err(|error| ImageError::Stream { reason: error.to_string() })??;
        picture(self, &bytes)
    }

    /// Reads a picture file that is in memory: PNG, JPEG, WebP, GIF (first frame), BMP or TIFF, told apart by their content.
    ///
    /// * The Exif orientation is applied.
    /// * Colours of an ICC profile become sRGB (perceptual intent where the profile has a choice); those of a PNG's cICP
    ///   or gAMA and cHRM chunks too. What is out of the range of sRGB is clamped. A profile that cannot be used is a
    ///   warning.
    /// * CMYK is mixed by its profile; without one each ink takes its own share of the light.
    /// * Grey and palettes become RGB; 16 bits keep their precision; floats are taken as sRGB and clamped.
    ///
    /// # Errors
    ///
    /// [`ImageError::Empty`], [`ImageError::NotAPicture`], [`ImageError::UnsupportedFormat`] and
    /// [`ImageError::UnsupportedFeature`] for what is not read, [`ImageError::CutShort`] and [`ImageError::Damaged`] for a
    /// broken file, [`ImageError::TooLarge`], [`ImageError::TooHeavy`] and [`ImageError::NotEnoughMemory`] for one that is
    /// over a limit, [`ImageError::Doubtful`] for what would be a warning if [`strict`](Self::strict) is set.
    pub fn decode(&self, bytes: &[u8]) -> Result<Picture, ImageError> {
        if bytes.len() > self.max_bytes {
            return Err(open::too_heavy(self.max_bytes));
        }
        picture(self, bytes)
    }
}

#[cfg(test)]
#[path = "read_options_tests.rs"]
mod tests;
