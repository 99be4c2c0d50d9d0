//! Hostile and odd picture files, made here byte by byte, each with what reading it must come to.

mod others;
mod png;

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use style_image::{Image, Mask, PictureFormat, WriteOptions};

/// What reading a file must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A picture, nothing to say.
    Read,
    /// A picture, and a warning.
    Warned,
    /// An error.
    Refused,
}

/// One file.
pub(crate) struct BadPicture {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Outcome,
}

fn read(name: &str, bytes: Vec<u8>) -> BadPicture {
    BadPicture { name: name.into(), bytes, expected: Outcome::Read }
}

fn warned(name: &str, bytes: Vec<u8>) -> BadPicture {
    BadPicture { name: name.into(), bytes, expected: Outcome::Warned }
}

fn refused(name: &str, bytes: impl Into<Vec<u8>>) -> BadPicture {
    BadPicture { name: name.into(), bytes: bytes.into(), expected: Outcome::Refused }
}

/// All of them.
pub(crate) fn all() -> Vec<BadPicture> {
    [png::pictures(), others::pictures(), cut_short()].into_iter().flatten().collect()
}

/// A good file of each format that is read, the ones that this library writes with all that can be in them.
pub(crate) fn good() -> Vec<(&'static str, Vec<u8>)> {
    let value = |i: usize| (i * 7919 % 256) as f32 / 255.0;
    let image = Image::new(23, 17, (0..3 * 23 * 17).map(value).collect()).unwrap();
    let alpha = Mask::new(23, 17, (0..23 * 17).map(value).collect()).unwrap();
    let options = WriteOptions::default().recipe("{\"size\": 512}");
    let written = |format, options: &WriteOptions<'_>| image.encode_with(format, options).unwrap();
    vec![
        ("PNG", written(PictureFormat::Png, &options.alpha(&alpha))),
        ("PNG of 16 bits", written(PictureFormat::Png, &options.alpha(&alpha).bits(16))),
        ("JPEG", written(PictureFormat::Jpeg, &options)),
        ("WebP", written(PictureFormat::WebP, &options.alpha(&alpha))),
        ("GIF", encoded(ImageFormat::Gif)),
        ("BMP", encoded(ImageFormat::Bmp)),
        ("TIFF", encoded(ImageFormat::Tiff)),
    ]
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let pixel = |x: u32, y: u32| Rgb([(x * 29 + y) as u8, (y * 53) as u8, (x * y * 7) as u8]);
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(RgbImage::from_fn(31, 13, pixel)).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The good files, cut off at twelve places each. What is left of a WebP without its last bytes may be whole: they are
/// metadata; and the trailer of a GIF is one byte.
fn cut_short() -> Vec<BadPicture> {
    let cuts = |(name, bytes): (&'static str, Vec<u8>)| {
        let part = move |twelfth: usize| {
            refused(&format!("{name}, {twelfth}/12 of it"), &bytes[..bytes.len() * twelfth / 12])
        };
        (0..12).map(part)
    };
    good().into_iter().flat_map(cuts).collect()
}

/// Parts that a deflater has made small: `count` times the same bytes.
fn deflated(part: &[u8], count: usize) -> Vec<u8> {
    let mut stream = ZlibEncoder::new(Vec::new(), Compression::best());
    for _ in 0..count {
        stream.write_all(part).unwrap();
    }
    stream.finish().unwrap()
}
