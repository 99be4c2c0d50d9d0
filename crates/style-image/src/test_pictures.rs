//! Small picture files for the tests, put together byte by byte where no encoder makes them.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

/// One chunk of a PNG.
pub(crate) fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    crate::metadata::png_chunk(name, &[data])
}

/// A PNG from its parts. `rows` have their filter byte; `extra` are whole chunks before the pixels.
pub(crate) fn png(size: (u32, u32), depth: u8, colour: u8, extra: &[u8], rows: &[u8]) -> Vec<u8> {
    let length = rows.len() as u16;
    let stored = [&[0x78, 1, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), rows].concat();
    let data = [&stored[..], &adler32(rows).to_be_bytes()].concat();
    let header = [&size.0.to_be_bytes()[..], &size.1.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat();
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(*b"IHDR", &header),
        extra,
        &chunk(*b"IDAT", &data),
        &chunk(*b"IEND", b""),
    ]
    .concat()
}

/// Exif data that holds an orientation and nothing else.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
    [&b"MM\0*\0\0\0\x08\0\x01"[..], &entry, &[0; 4]].concat()
}

/// A picture in any format, from the encoders of the `image` crate.
pub(crate) fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A picture with something going on, in RGB.
pub(crate) fn colourful(width: u32, height: u32) -> DynamicImage {
    let pixel = |x: u32, y: u32| image::Rgb([(x * 29 + y) as u8, (y * 53) as u8, (x * y * 7) as u8]);
    DynamicImage::ImageRgb8(image::RgbImage::from_fn(width, height, pixel))
}
