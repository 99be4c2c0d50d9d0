//! A picture file as it was read: pixels, transparency and what the file says about them.

use crate::{Image, Mask};

/// A picture from a file, with what a program may want to tell about it or put back when it saves.
///
/// # Examples
///
/// ```
/// use style_image::{Image, Mask, PictureFormat, ReadOptions, WriteOptions};
///
/// // Half of it is transparent.
/// let (image, alpha) = (Image::new(2, 1, vec![0.2; 6])?, Mask::new(2, 1, vec![1.0, 0.0])?);
/// let options = WriteOptions::default().alpha(&alpha).recipe("a small test");
/// let bytes = image.encode_with(PictureFormat::Png, &options)?;
///
/// let picture = ReadOptions::default().decode(&bytes)?;
/// assert_eq!(picture.alpha, Some(alpha));
/// assert_eq!(picture.image.pixels()[3..], [1.0; 3], "what shows through is white");
/// assert_eq!(picture.recipe.as_deref(), Some("a small test"));
/// assert_eq!((picture.info.format, picture.info.bits), ("PNG", 8));
/// # Ok::<(), style_image::ImageError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Picture {
    /// The colours in sRGB, upright. Where the picture is transparent they are laid over white, as a browser shows them:
    /// that is what a network should see.
    pub image: Image,
    /// How opaque each pixel is, from 0 to 1; `None` if all of them are.
    /// [`WriteOptions::alpha`](crate::WriteOptions::alpha) puts it back.
    pub alpha: Option<Mask>,
    /// What the file says about the picture.
    pub info: PictureInfo,
    /// The text that this library put into the file, see [`recipe_of`](crate::recipe_of).
    pub recipe: Option<String>,
}

/// What a file says about its picture.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PictureInfo {
    /// Name of the format, for example `PNG`.
    pub format: &'static str,
    /// Width in px, upright.
    pub width: usize,
    /// Height in px, upright.
    pub height: usize,
    /// Bits of a value as they were read: 8, 16 or 32. Palettes and values of fewer bits count as 8.
    pub bits: u8,
    /// Name of the colour space that the file names, such as `Display P3` or `sRGB`; `None` if it names none, which is read
    /// as sRGB. The colours of [`Picture::image`] are sRGB whatever it was.
    pub profile: Option<String>,
    /// The Exif orientation that was applied, from 1 (upright already) to 8.
    pub orientation: u8,
    /// What was odd about the file and had to be guessed or left out, one sentence each, in lower case.
    pub warnings: Vec<String>,
}
