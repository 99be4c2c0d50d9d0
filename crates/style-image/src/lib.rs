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
//! * `ReadOptions` read PNG, JPEG, WebP, GIF (first frame), BMP and TIFF, from a path, a stream or memory, into a `Picture`:
//!   colours in sRGB, transparency, and what the file says about them. `Image::open` and `Image::decode` are short for it.
//! * `Image::save` and `Image::encode` write PNG, JPEG and WebP (`PictureFormat`); with `WriteOptions` also 16 bits,
//!   transparency and a text that says how the picture was made, which `recipe_of` finds again.
//! * `Animation` writes an animated PNG or GIF, frame by frame.
//! * `write_atomically` puts any bytes into a file as a whole or not at all.
//!
//! # Limits
//!
//! A picture that is read has at most [`MAX_SIDE`] px a side, [`MAX_PIXELS`] pixels and `MAX_FILE_BYTES` bytes, or what
//! `ReadOptions` say; what a header claims is compared with these before memory is asked for. Beside its pixels, reading a
//! file takes at most twice its size and 64 MiB.
//!
//! A file that ends early is an error. Bytes lost or changed in the middle of a JPEG or a BMP cannot be told from picture,
//! for these formats have no checksums.
//!
//! # Colours
//!
//! ICC profiles of RGB and grey pictures, and those of CMYK in a JPEG, are used; so are cICP, gAMA and cHRM of a PNG. What is
//! out of the range of sRGB is clamped. Curves of high dynamic range (PQ, HLG) are not known: such a picture is read as if
//! it were sRGB, with a warning. CMYK in a TIFF is mixed without its profile.

#[cfg(feature = "files")]
mod animation;
mod area;
mod colour;
#[cfg(feature = "files")]
mod decode;
#[cfg(feature = "files")]
mod encode;
mod error;
mod image;
#[cfg(feature = "files")]
mod jpeg;
mod limits;
mod luminance;
mod mask;
#[cfg(feature = "files")]
mod metadata;
#[cfg(feature = "files")]
mod open;
#[cfg(feature = "files")]
mod palette;
#[cfg(feature = "files")]
mod picture;
#[cfg(feature = "files")]
mod profile;
#[cfg(feature = "files")]
mod read_options;
mod resample;
mod resize;
#[cfg(feature = "files")]
mod samples;
#[cfg(feature = "files")]
mod sniff;
mod ssim;
mod symmetric;
#[cfg(test)]
#[cfg(feature = "files")]
mod test_pictures;
#[cfg(test)]
#[cfg(feature = "files")]
mod test_profiles;
#[cfg(feature = "files")]
mod whole;
#[cfg(feature = "files")]
mod write;
#[cfg(feature = "files")]
mod write_options;

pub use colour::ColourMatch;
pub use error::ImageError;
pub use image::Image;
pub use limits::{MAX_PIXELS, MAX_SIDE};
pub use mask::Mask;
pub use resample::{Filter, resample_planes};
pub use resize::with_long_side;
pub use ssim::ssim;

#[cfg(feature = "files")]
pub use animation::Animation;
#[cfg(feature = "files")]
pub use encode::PictureFormat;
#[cfg(feature = "files")]
pub use limits::MAX_FILE_BYTES;
#[cfg(feature = "files")]
pub use metadata::recipe_of;
#[cfg(feature = "files")]
pub use picture::{Picture, PictureInfo};
#[cfg(feature = "files")]
pub use read_options::ReadOptions;
#[cfg(feature = "files")]
pub use write::write_atomically;
#[cfg(feature = "files")]
pub use write_options::WriteOptions;
