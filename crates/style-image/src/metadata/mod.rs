//! What a picture file says about its picture, read from the frames of the format without decoding a pixel.
//!
//! Everything here is bounded by the file's own bytes: parts of the file are borrowed, and what is compressed is inflated
//! up to a limit.

pub(crate) mod crc;
mod ifd;
mod inflate;
mod jpeg;
mod png;
mod recipe;
mod webp;

use std::borrow::Cow;

use image::ImageFormat;

use crate::ImageError;

pub use recipe::recipe_of;

pub(crate) use ifd::first_page;
pub(crate) use jpeg::{adobe_transform, pixels_only as jpeg_pixels_only};
pub(crate) use png::{Encoding, chunk as png_chunk, chunks as png_chunks, pixels_only as png_pixels_only};
pub(crate) use recipe::{MAX_RECIPE_BYTES, written};

/// The largest colour profile that is looked at, in bytes. Those of printers have 1 to 3 MB.
const MAX_PROFILE_BYTES: usize = 4 << 20;

/// What was found in a file.
#[derive(Default)]
pub(crate) struct Metadata<'a> {
    /// The embedded colour profile, or what is wrong with it.
    pub(crate) profile: Option<Result<Cow<'a, [u8]>, String>>,
    /// What a PNG says about its colours in other chunks.
    pub(crate) encoding: Option<Encoding>,
    /// The number of the Exif orientation, as it stands there.
    pub(crate) orientation: Option<u16>,
    /// Frames of an animation or pages, 0 or 1 where there is one picture.
    pub(crate) frames: usize,
    /// The text that this library wrote, or what is wrong with it.
    pub(crate) recipe: Option<Result<String, ImageError>>,
}

impl<'a> Metadata<'a> {
    /// Reads as far as the file is in order.
    pub(crate) fn of(format: ImageFormat, bytes: &'a [u8]) -> Self {
        match format {
            ImageFormat::Png => png::metadata(bytes),
            ImageFormat::Jpeg => jpeg::metadata(bytes),
            ImageFormat::WebP => webp::metadata(bytes),
            ImageFormat::Tiff => Self {
                profile: ifd::bytes_of(bytes, ifd::PROFILE).map(checked),
                orientation: ifd::orientation(bytes),
                frames: ifd::pages(bytes),
                ..Self::default()
            },
            ImageFormat::Gif => Self { frames: crate::whole::gif_frames(bytes), ..Self::default() },
            _ => Self::default(),
        }
    }
}

/// A profile of a length that is looked at.
fn checked(profile: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if profile.len() > MAX_PROFILE_BYTES { Err(too_long()) } else { Ok(Cow::Borrowed(profile)) }
}

fn too_long() -> String {
    format!("it takes more than the limit of {} MiB", MAX_PROFILE_BYTES >> 20)
}
