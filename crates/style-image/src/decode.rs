//! Bytes of a picture file into pixels.

use std::error::Error as _;
use std::io::Cursor;

use image::error::UnsupportedErrorKind;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::limits::{MAX_SIDE, check_memory, check_size};
use crate::{Image, ImageError, sniff, whole};

/// The most memory for the pixels as they stand in the file.
const MAX_DECODED_MIB: usize = 512;

/// The most memory for a PNG's metadata, such as a compressed colour profile.
const MAX_METADATA_MIB: usize = 32;

impl Image {
    /// Reads a picture file that is in memory: PNG, JPEG, WebP, GIF (first frame), BMP or TIFF, told apart
    /// by their content.
    ///
    /// The Exif orientation is applied. Grey, palettes and CMYK become RGB; 16 bits keep their precision;
    /// floats are taken as sRGB and clamped. Transparent pixels are laid over white, in sRGB, as browsers
    /// do. Colour profiles are ignored.
    ///
    /// # Errors
    ///
    /// [`ImageError::Empty`], [`ImageError::NotAPicture`], [`ImageError::UnsupportedFormat`] and
    /// [`ImageError::UnsupportedFeature`] for what is not read, [`ImageError::CutShort`] and
    /// [`ImageError::Damaged`] for a broken file, [`ImageError::TooLarge`], [`ImageError::TooHeavy`] and
    /// [`ImageError::NotEnoughMemory`] for one that is over a limit.
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
        let format = sniff::picture_format(bytes)?;
        if format == ImageFormat::Png
            && let Some((width, height)) = whole::png_size(bytes)
        {
            // The PNG decoder makes room for a row before it can be asked for the size.
            check_claim(format, width, height)?;
        }
        let bytes = whole::picture(format, bytes)?;
        let picture = decoded(format, bytes).map_err(|error| in_our_words(format, error))??;
        to_image(&picture)
    }
}

/// The picture, upright, with the file's own kind of pixels. The outer error is the decoder's.
fn decoded(format: ImageFormat, bytes: &[u8]) -> image::ImageResult<Result<DynamicImage, ImageError>> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits(MAX_METADATA_MIB));
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if let Err(fault) = check_room(format, width as usize, height as usize, decoder.total_bytes()) {
        return Ok(Err(fault));
    }
    if format == ImageFormat::Jpeg && !whole::jpeg_fills(width as usize, height as usize, bytes.len()) {
        let missing = "it has less than one bit for every 8 x 8 px";
        return Ok(Err(ImageError::CutShort { format: sniff::name(format), missing }));
    }
    let mut strict = limits(MAX_DECODED_MIB);
    strict.max_image_width = Some(MAX_SIDE as u32);
    strict.max_image_height = Some(MAX_SIDE as u32);
    decoder.set_limits(strict)?;
    // A damaged orientation is no reason to refuse the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(Ok(picture))
}

fn limits(mib: usize) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some((mib as u64) << 20);
    limits
}

/// Compares the size in the header with the limits.
fn check_claim(format: ImageFormat, width: usize, height: usize) -> Result<(), ImageError> {
    check_size(width, height).map_err(|fault| match fault {
        ImageError::NoPixels { width, height } => ImageError::Damaged {
            format: sniff::name(format),
            reason: format!("its header claims {width} x {height} px"),
        },
        other => other,
    })
}

/// Compares what the header claims with the limits and with the memory there is.
fn check_room(format: ImageFormat, width: usize, height: usize, bytes: u64) -> Result<(), ImageError> {
    check_claim(format, width, height)?;
    let too_heavy = ImageError::TooHeavy { what: "the pixels", limit_mib: MAX_DECODED_MIB };
    let bytes =
        usize::try_from(bytes).ok().filter(|&bytes| bytes <= MAX_DECODED_MIB << 20).ok_or(too_heavy)?;
    // Twice: turning a picture upright makes a copy, and so do some decoders.
    check_memory(2 * bytes + 3 * size_of::<f32>() * width * height)
}

fn in_our_words(format: ImageFormat, error: image::ImageError) -> ImageError {
    let limit_mib = if format == ImageFormat::Png { MAX_METADATA_MIB } else { MAX_DECODED_MIB };
    let format = sniff::name(format);
    match error {
        image::ImageError::Limits(_) => ImageError::TooHeavy { what: "the rows or metadata", limit_mib },
        image::ImageError::Unsupported(error) => {
            let reason = match error.kind() {
                UnsupportedErrorKind::GenericFeature(feature) => feature,
                _ => error.to_string(),
            };
            ImageError::UnsupportedFeature { format, reason }
        }
        image::ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            ImageError::CutShort { format, missing: "its pixels do not reach the last row" }
        }
        // The outer message only says that decoding failed.
        other => {
            let reason = other.source().map_or_else(|| other.to_string(), ToString::to_string);
            ImageError::Damaged { format, reason }
        }
    }
}

fn to_image(picture: &DynamicImage) -> Result<Image, ImageError> {
    let pixels = match picture {
        DynamicImage::ImageLuma8(p) => over_white(p, 1, from_8_bit),
        DynamicImage::ImageLumaA8(p) => over_white(p, 2, from_8_bit),
        DynamicImage::ImageRgb8(p) => over_white(p, 3, from_8_bit),
        DynamicImage::ImageRgba8(p) => over_white(p, 4, from_8_bit),
        DynamicImage::ImageLuma16(p) => over_white(p, 1, from_16_bit),
        DynamicImage::ImageLumaA16(p) => over_white(p, 2, from_16_bit),
        DynamicImage::ImageRgb16(p) => over_white(p, 3, from_16_bit),
        DynamicImage::ImageRgba16(p) => over_white(p, 4, from_16_bit),
        DynamicImage::ImageRgb32F(p) => over_white(p, 3, |value| value),
        DynamicImage::ImageRgba32F(p) => over_white(p, 4, |value| value),
        // A kind of pixel that a later version of the decoders may know.
        other => over_white(other.to_rgba32f().as_raw(), 4, |value| value),
    };
    Image::new(picture.width() as usize, picture.height() as usize, pixels)
}

fn from_8_bit(value: u8) -> f32 {
    f32::from(value) / 255.0
}

fn from_16_bit(value: u16) -> f32 {
    f32::from(value) / 65_535.0
}

/// Interleaved samples of 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels as RGB on white.
fn over_white<T: Copy>(samples: &[T], channels: usize, value: impl Fn(T) -> f32) -> Vec<f32> {
    let mut pixels = Vec::with_capacity(samples.len() / channels * 3);
    for pixel in samples.chunks_exact(channels) {
        let (colour, alpha) = match *pixel {
            [grey] => ([value(grey); 3], 1.0),
            [grey, alpha] => ([value(grey); 3], value(alpha)),
            [red, green, blue] => ([value(red), value(green), value(blue)], 1.0),
            [red, green, blue, alpha] => ([value(red), value(green), value(blue)], value(alpha)),
            _ => ([1.0; 3], 1.0),
        };
        // Without this test an opaque 0.1 would come back as 0.1 + rounding.
        if alpha == 1.0 {
            pixels.extend(colour);
        } else {
            pixels.extend(colour.map(|value| value * alpha + (1.0 - alpha)));
        }
    }
    pixels
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
