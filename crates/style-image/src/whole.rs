//! Whether a file holds its picture to the end.
//!
//! Decoders forgive: a JPEG cut in half decodes with its lower half grey, a PNG without its last chunks
//! as if whole. A picture that lost its end should be an error, so the formats' own frames are walked
//! here: chunks and markers, not pixels.

use image::ImageFormat;

use crate::ImageError;

/// The bytes that belong to the picture, or why there are too few of them. What follows its end is left
/// out where the end is known.
pub(crate) fn picture(format: ImageFormat, bytes: &[u8]) -> Result<&[u8], ImageError> {
    let (end, format, missing) = match format {
        ImageFormat::Png => (png_end(bytes), "PNG", "it has no IEND chunk"),
        ImageFormat::Jpeg => (jpeg_end(bytes), "JPEG", "it has no end marker (FF D9)"),
        ImageFormat::WebP => (webp_end(bytes), "WebP", "a chunk reaches over its end"),
        ImageFormat::Gif => (gif_end(bytes), "GIF", "it has no trailer (3B)"),
        _ => return Ok(bytes),
    };
    end.and_then(|end| bytes.get(..end)).ok_or(ImageError::CutShort { format, missing })
}

/// Width and height from a PNG's header, which is always its first chunk.
pub(crate) fn png_size(bytes: &[u8]) -> Option<(usize, usize)> {
    let side = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    (bytes.get(12..16)? == b"IHDR").then_some((side(16)?, side(20)?))
}

/// Where the PNG's IEND chunk ends. Chunks: length, name, data, checksum.
fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8;
    loop {
        let length = u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?) as usize;
        let name = bytes.get(at + 4..at + 8)?;
        at = at.checked_add(length)?.checked_add(12)?;
        if at > bytes.len() {
            return None;
        }
        if name == b"IEND" {
            return Some(at);
        }
    }
}

/// Where the JPEG's end marker ends. Segments are skipped by their length, so the end marker of a
/// thumbnail inside the Exif segment is not taken for the picture's own.
fn jpeg_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        // Compressed data has FF 00 for the value FF and restart markers D0 to D7; FF FF is filling.
        // Between segments there should be nothing, and what there is, is skipped the same way.
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)?;
        match *bytes.get(at + 1)? {
            0xd9 => return Some(at + 2),
            0xff => at += 1,
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            _ => at += 2 + usize::from(u16::from_be_bytes(*bytes.get(at + 2..)?.first_chunk()?)),
        }
    }
}

/// Whether a JPEG of so many bytes can hold a picture of this size. Its code spends at least one bit on
/// the brightness of every 8 x 8 px; the decoder would paint what is missing grey, all of it if need be.
pub(crate) const fn jpeg_fills(width: usize, height: usize, bytes: usize) -> bool {
    width.div_ceil(8) * height.div_ceil(8) <= 8 * bytes
}

/// Where the GIF's trailer ends.
fn gif_end(bytes: &[u8]) -> Option<usize> {
    gif_blocks(bytes, &mut 0)
}

/// The number of pictures in a GIF, as far as its blocks are whole.
pub(crate) fn gif_frames(bytes: &[u8]) -> usize {
    let mut frames = 0;
    let _ = gif_blocks(bytes, &mut frames);
    frames
}

/// Walks over the blocks to the end of the trailer, and counts the pictures. Blocks: extensions (21) and pictures (2C), whose
/// data come in sub-blocks that begin with their length, until one of length 0.
fn gif_blocks(bytes: &[u8], frames: &mut usize) -> Option<usize> {
    // A table of colours is announced by its flags, with the logarithm of its length less one.
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 6 << (flags & 7) };
    let mut at = 13 + table(*bytes.get(10)?);
    loop {
        at = match *bytes.get(at)? {
            0x3b => return Some(at + 1),
            0x2c => {
                *frames += 1;
                at + 11 + table(*bytes.get(at + 9)?)
            }
            0x21 => at + 2,
            _ => return None,
        };
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1 + length;
            if length == 0 {
                break;
            }
        }
    }
}

/// Where the WebP ends by its header. Decoders ask for as much memory as a chunk claims to have, so every
/// chunk must lie within; a frame of an animation holds chunks of its own.
fn webp_end(bytes: &[u8]) -> Option<usize> {
    let size = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?) as usize;
    let end = size.checked_add(8)?;
    // Some programs forget the padding byte after the last chunk.
    let end = if end == bytes.len() + 1 { bytes.len() } else { end };
    riff_chunks(bytes.get(12..end)?).then_some(end)
}

/// Whether every chunk ends within the bytes. Chunks: name, length, data, a byte of padding if odd.
fn riff_chunks(mut rest: &[u8]) -> bool {
    while let Some((header, data)) = rest.split_first_chunk::<8>() {
        let [.., a, b, c, d] = *header;
        let size = u32::from_le_bytes([a, b, c, d]) as usize;
        let Some(chunk) = data.get(..size) else { return false };
        // A frame's header has 16 bytes, then come its chunks.
        if header.starts_with(b"ANMF") && !chunk.get(16..).is_some_and(riff_chunks) {
            return false;
        }
        rest = data.get(size + size % 2..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_marker_of_a_thumbnail_is_not_the_end() {
        let thumbnail = [0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd8, 0xff, 0xd9];
        let scan = [0xff, 0xda, 0, 2, 0x12, 0xff, 0x00, 0xff, 0xd0, 0x34];
        let cut = [&thumbnail[..], &scan].concat();
        assert_eq!(jpeg_end(&cut), None);
        assert_eq!(jpeg_end(&[&cut[..], &[0xff, 0xff, 0xd9, 7]].concat()), Some(cut.len() + 3));
        assert_eq!(jpeg_end(&thumbnail[..7]), None);
    }

    #[test]
    fn a_gif_ends_with_its_trailer_and_not_with_a_byte_like_it() {
        let screen = b"GIF89a\x01\0\x01\0\x80\0\0......";
        let comment = b"\x21\xfe\x02;;\0";
        let picture = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0";
        let bytes = [&screen[..], comment, picture, b";", b"more"].concat();
        let end = bytes.len() - 4;
        assert_eq!(gif_end(&bytes), Some(end));
        assert!((0..end).all(|length| gif_end(&bytes[..length]).is_none()));
        assert_eq!(gif_end(&[&screen[..], b"\x07"].concat()), None, "no block begins so");
    }

    #[test]
    fn a_chunk_of_a_png_may_not_reach_over_the_end() {
        let header = b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR\0\0\0\x02\0\0\0\x03";
        assert_eq!(png_end(header), None);
        assert_eq!(png_size(header), Some((2, 3)));
        assert_eq!(png_size(&header[..20]), None);
    }

    #[test]
    fn a_chunk_in_a_frame_of_a_webp_may_not_reach_over_the_end() {
        let mut bytes = b"RIFF\x24\0\0\0WEBPANMF\x18\0\0\0................EXIF\0\0\0\0".to_vec();
        assert_eq!(webp_end(&bytes), Some(bytes.len()));
        let at = bytes.len() - 1;
        bytes[at] = 0x7f;
        assert_eq!(webp_end(&bytes), None);
    }
}
