//! The text that says how a picture was made, inside of its file.

use image::ImageFormat;

use super::{Metadata, jpeg, png, webp};
use crate::error::RECIPE;
use crate::{ImageError, PictureFormat, sniff};

/// Under which name the text is kept.
pub(crate) const KEYWORD: &str = "style-transfer";

/// The longest text, in bytes.
pub(crate) const MAX_RECIPE_BYTES: usize = 1 << 20;

/// The text that [`WriteOptions::recipe`](crate::WriteOptions::recipe) put into a picture, or `None` if there is none:
/// from a PNG (the text chunk `style-transfer`), a JPEG (comments) or a WebP (XMP). No pixels are decoded, and a file that
/// was cut short gives its text as long as that is whole.
///
/// # Errors
///
/// As [`Image::decode`](crate::Image::decode) for what is no picture; [`ImageError::TooHeavy`] for a text over 1 MiB,
/// [`ImageError::Damaged`] for one that is no UTF-8 or not whole.
///
/// # Examples
///
/// ```
/// use style_image::{Image, PictureFormat, WriteOptions, recipe_of};
///
/// let image = Image::new(1, 1, vec![0.2, 0.4, 0.6])?;
/// let options = WriteOptions::default().recipe("{\"size\": 512}");
/// let bytes = image.encode_with(PictureFormat::Png, &options)?;
/// assert_eq!(recipe_of(&bytes)?.as_deref(), Some("{\"size\": 512}"));
/// assert_eq!(recipe_of(&image.encode(PictureFormat::Png)?)?, None);
/// # Ok::<(), style_image::ImageError>(())
/// ```
pub fn recipe_of(bytes: &[u8]) -> Result<Option<String>, ImageError> {
    match sniff::picture_format(bytes)? {
        format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) => {
            Metadata::of(format, bytes).recipe.transpose()
        }
        _ => Ok(None),
    }
}

/// A text that was found.
pub(crate) fn checked(format: &'static str, text: Vec<u8>) -> Result<String, ImageError> {
    if text.len() > MAX_RECIPE_BYTES {
        return Err(too_long());
    }
    String::from_utf8(text).map_err(|_| damaged(format, "it is no UTF-8"))
}

pub(crate) const fn too_long() -> ImageError {
    ImageError::TooHeavy { what: RECIPE, limit_mib: MAX_RECIPE_BYTES >> 20 }
}

pub(crate) fn damaged(format: &'static str, reason: &str) -> ImageError {
    ImageError::Damaged { format, reason: format!("its recipe cannot be read: {reason}") }
}

/// The bytes of a picture with a text inside, of the size and kind that they were encoded with.
pub(crate) fn written(
    format: PictureFormat,
    bytes: Vec<u8>,
    size: (usize, usize),
    has_alpha: bool,
    text: Option<&str>,
) -> Vec<u8> {
    match (format, text) {
        (PictureFormat::Png, None) => png::with_chunks(&bytes, &[png::srgb_chunk()]),
        (PictureFormat::Png, Some(text)) => {
            png::with_chunks(&bytes, &[png::srgb_chunk(), png::recipe_chunk(text)])
        }
        // What says nothing about its colours is sRGB to browsers (CSS Color 4, section 3.4).
        (PictureFormat::Jpeg | PictureFormat::WebP, None) => bytes,
        (PictureFormat::Jpeg, Some(text)) => jpeg::with_recipe(&bytes, text),
        (PictureFormat::WebP, Some(text)) => webp::with_recipe(&bytes, size, has_alpha, text),
    }
}
