//! Pictures as sRGB floats: open, resize, recolour, compare, save.
//!
//! * [`Image`]: the pixels, interleaved or as planes, and [resizing](Image::resized).
//! * [`resample_planes`]: any numbers on a grid at another size, by a [`Filter`].
//! * [`ColourMatch`]: one picture [in the colours](Image::with_colours_of) of another; its [luminance](Image::luminance),
//!   and its colours [in the light](Image::with_luminance_of) of another.
//! * [`ssim`]: how alike two pictures look.
//! * [`Mask`]: which part of a picture is meant.
//! * [`ImageError`]: what can be wrong, with a [next thing to do](ImageError::help).
//!
//! With the feature `files` (on by default):
//!
//! * `Image::open` and `Image::decode` read PNG, JPEG, WebP, GIF (first frame), BMP and TIFF.
//! * `Image::save` and `Image::encode` write PNG, JPEG and WebP (`PictureFormat`).
//! * `write_atomically` puts any bytes into a file as a whole or not at all.
//!
//! # Limits
//!
//! A decoded picture has at most [`MAX_SIDE`] px a side and [`MAX_PIXELS`] pixels; what a header claims
//! is compared with these before memory is asked for.
//!
//! A file that ends early is an error. Bytes lost or changed in the middle of a JPEG or a BMP cannot be
//! told from picture, for these formats have no checksums.
//!
//! Colour profiles (ICC) and the gamma of a PNG are ignored: numbers in a file are taken to be sRGB. A
//! picture in Adobe RGB or Display P3 comes out a little pale. CMYK is converted without a profile.

mod area;
mod colour;
#[cfg(feature = "files")]
mod decode;
#[cfg(feature = "files")]
mod encode;
mod error;
mod image;
mod limits;
mod luminance;
mod mask;
#[cfg(feature = "files")]
mod open;
mod resample;
mod resize;
#[cfg(feature = "files")]
mod sniff;
mod ssim;
mod symmetric;
#[cfg(test)]
#[cfg(feature = "files")]
mod test_pictures;
#[cfg(feature = "files")]
mod whole;
#[cfg(feature = "files")]
mod write;

pub use colour::ColourMatch;
pub use error::ImageError;
pub use image::Image;
pub use limits::{MAX_PIXELS, MAX_SIDE};
pub use mask::Mask;
pub use resample::{Filter, resample_planes};
pub use resize::with_long_side;
pub use ssim::ssim;

#[cfg(feature = "files")]
pub use encode::PictureFormat;
#[cfg(feature = "files")]
pub use limits::MAX_FILE_BYTES;
#[cfg(feature = "files")]
pub use write::write_atomically;
