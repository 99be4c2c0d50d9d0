//! How a picture is written.

use crate::error::RECIPE;
use crate::metadata::MAX_RECIPE_BYTES;
use crate::{Image, ImageError, Mask, PictureFormat};

/// Of 100. At 95 the blocks of 8 x 8 px cannot be seen.
const JPEG_QUALITY: u8 = 95;

/// What goes into a picture file beside the colours.
///
/// # Examples
///
/// ```
/// use style_image::{Image, PictureFormat, WriteOptions};
///
/// let image = Image::new(1, 1, vec![0.500_01, 0.2, 0.3])?;
/// let bytes = image.encode_with(PictureFormat::Png, &WriteOptions::default().bits(16))?;
/// let read = Image::decode(&bytes)?;
/// assert!((read.pixels()[0] - 0.500_01).abs() < 1e-5);
///
/// let error = image.encode_with(PictureFormat::Jpeg, &WriteOptions::default().bits(16)).unwrap_err();
/// assert_eq!(error.to_string(), "cannot write this picture as JPEG: it has no 16 bits");
/// # Ok::<(), style_image::ImageError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
pub struct WriteOptions<'a> {
    pub(crate) bits: u8,
    pub(crate) quality: u8,
    pub(crate) alpha: Option<&'a Mask>,
    pub(crate) recipe: Option<&'a str>,
}

impl Default for WriteOptions<'_> {
    /// 8 bits, JPEG quality 95, opaque, no recipe.
    fn default() -> Self {
        Self { bits: 8, quality: JPEG_QUALITY, alpha: None, recipe: None }
    }
}

impl<'a> WriteOptions<'a> {
    /// Bits of a value: 8, or 16 in a PNG.
    pub const fn bits(mut self, bits: u8) -> Self {
        self.bits = bits;
        self
    }

    /// Quality of a JPEG, from 1 to 100.
    pub const fn quality(mut self, quality: u8) -> Self {
        self.quality = quality;
        self
    }

    /// How opaque each pixel is, for PNG and WebP. The mask has the picture's size.
    ///
    /// The picture is taken for what shows on white ([`Picture::image`](crate::Picture::image)); its own colours are worked
    /// out from that, so on white the file looks as the picture does, as far as the colours of a pixel that is little opaque
    /// can reach.
    pub const fn alpha(mut self, alpha: &'a Mask) -> Self {
        self.alpha = Some(alpha);
        self
    }

    /// A text of up to 1 MiB, for example how the picture was made: it goes into a text chunk of a PNG, into comments of a
    /// JPEG, into the XMP of a WebP, and [`recipe_of`](crate::recipe_of) finds it again.
    pub const fn recipe(mut self, text: &'a str) -> Self {
        self.recipe = Some(text);
        self
    }

    /// Refuses what the format has not.
    pub(crate) fn check(&self, image: &Image, format: PictureFormat) -> Result<(), ImageError> {
        let has_not = |what: &str| {
            let reason = format!("it has no {what}");
            Err(ImageError::Encode { format: format.name(), reason })
        };
        let out_of_range = |what, found: u8, expected| {
            Err(ImageError::OutOfRange { what, found: usize::from(found), expected })
        };
        match (self.bits, format) {
            (8, _) | (16, PictureFormat::Png) => {}
            (16, _) => return has_not("16 bits"),
            (bits, _) => return out_of_range("the number of bits", bits, "8 or 16"),
        }
        if !(1..=100).contains(&self.quality) {
            return out_of_range("the quality", self.quality, "1 to 100");
        }
        if let Some(alpha) = self.alpha {
            if format == PictureFormat::Jpeg {
                return has_not("transparency");
            }
            let (width, height) = (image.width(), image.height());
            let (other_width, other_height) = (alpha.width(), alpha.height());
            if (width, height) != (other_width, other_height) {
                return Err(ImageError::DifferentSizes { width, height, other_width, other_height });
            }
        }
        if self.recipe.is_some_and(|text| text.len() > MAX_RECIPE_BYTES) {
            return Err(ImageError::TooHeavy { what: RECIPE, limit_mib: MAX_RECIPE_BYTES >> 20 });
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "write_options_tests.rs"]
mod tests;
