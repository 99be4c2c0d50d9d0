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

/// One segment of a JPEG.
pub(crate) fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    [&[0xff, marker][..], &(data.len() as u16 + 2).to_be_bytes(), data].concat()
}

/// A baseline JPEG of one block of 8 x 8 px for each colour, side by side, exactly as they are given: what is coded is the
/// mean of a block and nothing else. With 3 channels the values are RGB (and stored as such, in Adobe's words), with 4 what
/// `transform` says: none for plain CMYK, 0 for Adobe's, 2 for YCCK. `extra` are whole segments.
pub(crate) fn flat_jpeg<const CHANNELS: usize>(
    colours: &[[u8; CHANNELS]],
    transform: Option<u8>,
    extra: &[u8],
) -> Vec<u8> {
    let transform = if CHANNELS == 3 { Some(0) } else { transform };
    let adobe =
        transform.map(|transform| segment(0xee, &[b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat()));
    // All steps are 8: the mean of a block, 8 times its value, becomes the value.
    let steps = segment(0xdb, &[&[0][..], &[8; 64]].concat());
    let width = (8 * colours.len() as u16).to_be_bytes();
    let channels = (1..=CHANNELS as u8).flat_map(|channel| [channel, 0x11, 0]).collect::<Vec<_>>();
    let frame = [&[8, 0, 8][..], &width, &[CHANNELS as u8], &channels].concat();
    // Ten codes of four bits, one for each length of a difference; one code of one bit, for the end of a block.
    let lengths = [&[0, 0, 0, 0, 10][..], &[0; 12], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]].concat();
    let ends = [&[0x10, 1][..], &[0; 15], &[0]].concat();
    let scan = (1..=CHANNELS as u8).flat_map(|channel| [channel, 0]).collect::<Vec<_>>();
    let scan = [&[CHANNELS as u8][..], &scan, &[0, 63, 0]].concat();
    let mut bits = Bits::default();
    let mut before = [0; CHANNELS];
    for colour in colours {
        for (channel, before) in before.iter_mut().enumerate() {
            let value = i32::from(colour[channel]) - 128;
            let difference = value - *before;
            *before = value;
            let length = 32 - difference.unsigned_abs().leading_zeros();
            bits.push(length, 4);
            // A negative number is stored less one, without its upper bits.
            bits.push((if difference < 0 { difference - 1 } else { difference }) as u32, length);
            bits.push(0, 1);
        }
    }
    let parts = [
        vec![0xff, 0xd8],
        adobe.unwrap_or_default(),
        extra.to_vec(),
        steps,
        segment(0xc0, &frame),
        segment(0xc4, &lengths),
        segment(0xc4, &ends),
        segment(0xda, &scan),
        bits.finished(),
        vec![0xff, 0xd9],
    ];
    parts.concat()
}

/// Bits of a JPEG's scan, the upper ones first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn push(&mut self, value: u32, length: u32) {
        self.0.extend((0..length).rev().map(|bit| value >> bit & 1 == 1));
    }

    /// Filled with ones; FF is followed by 00.
    fn finished(mut self) -> Vec<u8> {
        self.0.resize(self.0.len().next_multiple_of(8), true);
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
        self.0
            .chunks(8)
            .map(byte)
            .flat_map(|byte| if byte == 0xff { vec![0xff, 0] } else { vec![byte] })
            .collect()
    }
}
