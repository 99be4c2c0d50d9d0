//! The segments of a JPEG before its first scan: FF, marker, length, data.

use std::borrow::Cow;

use super::{MAX_PROFILE_BYTES, Metadata, ifd, recipe, too_long};
use crate::ImageError;

const EXIF: u8 = 0xe1;
const PROFILE: u8 = 0xe2;
const ADOBE: u8 = 0xee;
const COMMENT: u8 = 0xfe;

/// A segment's length takes two of its 65535 bytes; what is left is cut a little shorter, for the heading.
const PART: usize = 65_000;

/// Markers and data of the segments, as far as they are whole.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            let start = rest.iter().position(|&byte| byte == 0xff)?;
            rest = &rest[start + 1..];
            match *rest.first()? {
                // The scan, or the end.
                0xd9 | 0xda => return None,
                // Filling, and markers without a segment.
                0xff => {}
                0x00 | 0x01 | 0xd0..=0xd8 => rest = &rest[1..],
                marker => {
                    let length = usize::from(u16::from_be_bytes(*rest.get(1..)?.first_chunk()?));
                    let data = rest.get(3..length + 1)?;
                    rest = &rest[length + 1..];
                    return Some((marker, data));
                }
            }
        }
    })
}

/// The file without what does not make its pixels: a decoder would keep it. What stays of the segments for applications are
/// the first, which may say that the tables are the usual ones, and Adobe's. Where the file is not in order the rest of it
/// stays as it is.
pub(crate) fn pixels_only(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    // Between two markers lie segments' data, compressed data and filling; FF 00 and FF FF are no markers.
    while let Some(at) = rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff)) {
        let (before, from) = rest.split_at(at);
        kept.extend_from_slice(before);
        let marker = from[1];
        let length = match marker {
            0x01 | 0xd0..=0xd9 => Some(2),
            _ => from.get(2..4).map(|length| 2 + usize::from(u16::from_be_bytes([length[0], length[1]]))),
        };
        let Some((segment, after)) = length.and_then(|length| from.split_at_checked(length)) else {
            rest = from;
            break;
        };
        if marker == ADOBE || !matches!(marker, EXIF..=0xef | COMMENT) {
            kept.extend_from_slice(segment);
        }
        rest = after;
    }
    kept.extend_from_slice(rest);
    kept
}

pub(crate) fn metadata(bytes: &[u8]) -> Metadata<'_> {
    let mut exif = segments(bytes).filter(|(marker, _)| *marker == EXIF);
    let orientation = exif.find_map(|(_, data)| ifd::orientation(data.strip_prefix(b"Exif\0\0")?));
    Metadata { profile: profile(bytes), orientation, recipe: text(bytes), ..Metadata::default() }
}

/// What Adobe's segment says about the colours (0: as they are, 1: `YCbCr`, 2: YCCK); none without such a segment.
pub(crate) fn adobe_transform(bytes: &[u8]) -> Option<u8> {
    let mut adobe = segments(bytes).filter(|(marker, _)| *marker == ADOBE);
    // "Adobe", then version and two fields of flags of 16 bits each.
    adobe.find_map(|(_, data)| data.strip_prefix(b"Adobe")?.get(6).copied())
}

/// The profile, which is cut into segments that know their number (from 1) and how many there are (ICC.1, annex B.4).
fn profile(bytes: &[u8]) -> Option<Result<Cow<'_, [u8]>, String>> {
    let parts = || {
        segments(bytes).filter_map(|(marker, data)| {
            let [number, count, part @ ..] = data.strip_prefix(b"ICC_PROFILE\0")? else { return None };
            (marker == PROFILE).then_some((*number, *count, part))
        })
    };
    let (_, count, _) = parts().next()?;
    if parts().map(|(_, _, part)| part.len()).sum::<usize>() > MAX_PROFILE_BYTES {
        return Some(Err(too_long()));
    }
    let mut profile = Vec::new();
    for wanted in 1..=count {
        let Some((_, _, part)) = parts().find(|(number, ..)| *number == wanted) else {
            return Some(Err(format!("part {wanted} of {count} is missing")));
        };
        profile.extend_from_slice(part);
    }
    Some(Ok(Cow::Owned(profile)))
}

/// The recipe from the comments, each of which begins with a heading: `style-transfer 1/2`, end of line.
fn text(bytes: &[u8]) -> Option<Result<String, ImageError>> {
    let comments = segments(bytes).filter(|(marker, _)| *marker == COMMENT).map(|(_, data)| data);
    let mut parts = comments.filter_map(|data| {
        let data = data.strip_prefix(recipe::KEYWORD.as_bytes())?.strip_prefix(b" ")?;
        let end = data.iter().position(|&byte| byte == b'\n')?;
        let (number, count) = std::str::from_utf8(&data[..end]).ok()?.split_once('/')?;
        Some((number.parse::<usize>().ok()?, count.parse::<usize>().ok()?, &data[end + 1..]))
    });
    let (1, count, first) = parts.next()? else { return None };
    let mut text = first.to_vec();
    for wanted in 2..=count {
        if text.len() > recipe::MAX_RECIPE_BYTES {
            break;
        }
        match parts.next() {
            Some((number, of, part)) if number == wanted && of == count => text.extend_from_slice(part),
            _ => return Some(Err(recipe::damaged("JPEG", "one of its parts is missing"))),
        }
    }
    Some(recipe::checked("JPEG", text))
}

/// The file with the recipe in comments behind its first segment, which must stay the first one (JFIF).
pub(crate) fn with_recipe(bytes: &[u8], text: &str) -> Vec<u8> {
    let first = segments(bytes).next().map_or(0, |(_, data)| data.len() + 4);
    let (head, rest) = bytes.split_at(bytes.len().min(2 + first));
    let mut written = head.to_vec();
    let count = text.len().div_ceil(PART).max(1);
    for number in 1..=count {
        let part = &text.as_bytes()[(number - 1) * PART..text.len().min(number * PART)];
        let heading = format!("{} {number}/{count}\n", recipe::KEYWORD);
        written.extend_from_slice(&[0xff, COMMENT]);
        written.extend_from_slice(&((2 + heading.len() + part.len()) as u16).to_be_bytes());
        written.extend_from_slice(heading.as_bytes());
        written.extend_from_slice(part);
    }
    written.extend_from_slice(rest);
    written
}
