//! The chunks of a WebP: name, length, data, a byte of padding if the length is odd.

use std::borrow::Cow;

use super::{Metadata, checked, ifd, recipe};
use crate::ImageError;

/// The chunks after the header, as far as they are whole.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let data = after.get(..length)?;
        rest = after.get(length + length % 2..).unwrap_or_default();
        Some((*name, data))
    })
}

pub(crate) fn metadata(bytes: &[u8]) -> Metadata<'_> {
    let mut found = Metadata::default();
    for (name, data) in chunks(bytes) {
        match &name {
            b"ICCP" => found.profile = found.profile.or_else(|| Some(checked(data))),
            b"EXIF" => {
                // Some programs leave the heading that belongs into a JPEG.
                let exif = data.strip_prefix(b"Exif\0\0").unwrap_or(data);
                found.orientation = found.orientation.or_else(|| ifd::orientation(exif));
            }
            b"XMP " => found.recipe = found.recipe.or_else(|| text(data)),
            b"ANMF" => found.frames += 1,
            _ => {}
        }
    }
    found
}

const OPENING: &str = "<style:recipe>";
const CLOSING: &str = "</style:recipe>";

/// The recipe from the XMP packet that [`with_recipe`] writes.
fn text(packet: &[u8]) -> Option<Result<String, ImageError>> {
    let place = |wanted: &str| packet.windows(wanted.len()).position(|window| window == wanted.as_bytes());
    let start = place(OPENING)? + OPENING.len();
    let escaped = packet.get(start..place(CLOSING)?)?;
    // An escape takes six bytes for one at most.
    if escaped.len() > 6 * recipe::MAX_RECIPE_BYTES {
        return Some(Err(recipe::too_long()));
    }
    Some(match std::str::from_utf8(escaped).ok().and_then(unescaped) {
        Some(text) => recipe::checked("WebP", text.into_owned().into_bytes()),
        None => Err(recipe::damaged("WebP", "its characters are escaped in no known way")),
    })
}

/// Characters that mean something in XML, and those that a reader of XML may change, become numbers.
fn escaped(text: &str) -> String {
    let must_go = |c: char| matches!(c, '&' | '<' | '>' | '\u{fffe}' | '\u{ffff}') || c.is_control();
    let mut written = String::with_capacity(text.len());
    for part in text.split_inclusive(must_go) {
        let plain = part.trim_end_matches(must_go);
        written.push_str(plain);
        written.extend(part[plain.len()..].chars().map(|character| format!("&#{};", u32::from(character))));
    }
    written
}

fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    let mut parts = text.split('&');
    let first = parts.next()?;
    let mut written = Cow::Borrowed(first);
    for part in parts {
        let (name, rest) = part.split_once(';')?;
        let character = match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => match number.strip_prefix("#x") {
                Some(digits) => char::from_u32(u32::from_str_radix(digits, 16).ok()?)?,
                None => char::from_u32(number.strip_prefix('#')?.parse().ok()?)?,
            },
        };
        let written = written.to_mut();
        written.push(character);
        written.push_str(rest);
    }
    Some(written)
}

/// A simple lossless file as an extended one, with the recipe as XMP.
///
/// The container's specification: VP8X (flags, three bytes of nothing, width - 1 and height - 1 in 24 bits), the picture,
/// then the metadata.
pub(crate) fn with_recipe(
    bytes: &[u8],
    (width, height): (usize, usize),
    has_alpha: bool,
    text: &str,
) -> Vec<u8> {
    const XMP: u8 = 0x04;
    const ALPHA: u8 = 0x10;
    let picture = bytes.get(12..).unwrap_or_default();
    let side = |px: usize| [(px - 1) as u8, ((px - 1) >> 8) as u8, ((px - 1) >> 16) as u8];
    let flags = XMP | if has_alpha { ALPHA } else { 0 };
    let header = [&[flags, 0, 0, 0][..], &side(width), &side(height)].concat();
    let packet = format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:style=\"urn:{}\">{OPENING}{}{CLOSING}</rdf:Description></rdf:RDF>\
         </x:xmpmeta>",
        recipe::KEYWORD,
        escaped(text)
    );
    let chunks = [&chunk(*b"VP8X", &header)[..], picture, &chunk(*b"XMP ", packet.as_bytes())].concat();
    [b"RIFF", &(chunks.len() as u32 + 4).to_le_bytes()[..], b"WEBP", &chunks].concat()
}

fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [&name[..], &(data.len() as u32).to_le_bytes(), data, padding].concat()
}
