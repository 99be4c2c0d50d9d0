//! The chunks of a PNG: length, name, data, checksum.

use std::borrow::Cow;

use super::crc::crc32;
use super::inflate::{Fault, inflated};
use super::{MAX_PROFILE_BYTES, Metadata, ifd, recipe, too_long};

/// What a PNG without a profile says about its colours; the first of these that is there counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Encoding {
    /// cICP: primaries, transfer curve, matrix and range as numbers of ITU-T H.273.
    Codes([u8; 4]),
    /// sRGB.
    Srgb,
    /// gAMA and cHRM: the exponent in 1/100000, and the places of white, red, green and blue in the same.
    Gamma(u32, Option<[u32; 8]>),
}

/// The chunks after the signature, as far as they are whole.
pub(crate) fn chunks(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let (data, after) = after.split_at_checked(length)?;
        let (_checksum, after) = after.split_at_checked(4)?;
        rest = after;
        Some((*name, data))
    })
}

/// One chunk as it stands in a file.
pub(crate) fn chunk(name: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let data = parts.concat();
    let checksum = crc32(&[&name, &data]);
    [&(data.len() as u32).to_be_bytes()[..], &name, &data, &checksum.to_be_bytes()].concat()
}

/// The file without what does not make its pixels: a decoder would keep it, and inflate it.
///
/// The names of chunks that may be left out begin with a small letter. Of these only tRNS changes the pixels.
pub(crate) fn pixels_only(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(bytes.get(..8).unwrap_or_default());
    let mut at = kept.len();
    for (name, data) in chunks(bytes) {
        let end = at + data.len() + 12;
        if name[0].is_ascii_uppercase() || &name == b"tRNS" {
            kept.extend_from_slice(&bytes[at..end]);
        }
        at = end;
    }
    kept
}

pub(crate) fn metadata(bytes: &[u8]) -> Metadata<'_> {
    let mut found = Metadata::default();
    let (mut codes, mut is_srgb, mut gamma, mut places) = (None, false, None, None);
    for (name, data) in chunks(bytes) {
        match &name {
            b"iCCP" => found.profile = found.profile.or_else(|| Some(profile(data))),
            b"cICP" => codes = codes.or_else(|| data.first_chunk().copied()),
            b"sRGB" => is_srgb = true,
            b"gAMA" => gamma = gamma.or_else(|| Some(u32::from_be_bytes(*data.first_chunk()?))),
            b"cHRM" => places = places.or_else(|| chromaticities(data)),
            b"eXIf" => found.orientation = found.orientation.or_else(|| ifd::orientation(data)),
            b"iTXt" => found.recipe = found.recipe.or_else(|| text(data)),
            b"fcTL" => found.frames += 1,
            _ => {}
        }
    }
    let named = is_srgb.then_some(Encoding::Srgb);
    let measured = gamma.filter(|&gamma| gamma > 0).map(|gamma| Encoding::Gamma(gamma, places));
    // PNG 3, section 4.3: cICP, then iCCP, then sRGB, then gAMA and cHRM.
    found.encoding = codes.map(Encoding::Codes).or(named).or(measured);
    if codes.is_some() {
        found.profile = None;
    }
    found
}

fn chromaticities(data: &[u8]) -> Option<[u32; 8]> {
    let mut places = [0; 8];
    for (index, place) in places.iter_mut().enumerate() {
        *place = u32::from_be_bytes(*data.get(4 * index..)?.first_chunk()?);
    }
    Some(places)
}

/// iCCP: a name, 0, the method (0), the profile as a zlib stream.
fn profile(data: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let stream = data.splitn(2, |&byte| byte == 0).nth(1).and_then(|rest| rest.strip_prefix(b"\0"));
    let stream = stream.ok_or("its chunk is damaged")?;
    match inflated(stream, MAX_PROFILE_BYTES) {
        Ok(profile) => Ok(Cow::Owned(profile)),
        Err(Fault::TooLong) => Err(too_long()),
        Err(Fault::Damaged) => Err("it cannot be inflated".into()),
    }
}

/// iTXt: keyword, 0, whether it is compressed, the method (0), a language, 0, the keyword in it, 0, the text.
fn text(data: &[u8]) -> Option<Result<String, crate::ImageError>> {
    let rest = data.strip_prefix(recipe::KEYWORD.as_bytes())?.strip_prefix(b"\0")?;
    let [compressed, _method, rest @ ..] = rest else { return None };
    let text = rest.splitn(3, |&byte| byte == 0).nth(2)?;
    Some(match compressed {
        0 => recipe::checked("PNG", text.to_vec()),
        _ => match inflated(text, recipe::MAX_RECIPE_BYTES) {
            Ok(text) => recipe::checked("PNG", text),
            Err(Fault::TooLong) => Err(recipe::too_long()),
            Err(Fault::Damaged) => Err(recipe::damaged("PNG", "it cannot be inflated")),
        },
    })
}

/// The file with more chunks behind its header, which is always the first one and 25 bytes long.
pub(crate) fn with_chunks(bytes: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    let (header, rest) = bytes.split_at(bytes.len().min(33));
    [header, &chunks.concat(), rest].concat()
}

/// The chunk that holds a recipe, readable by any program that shows a PNG's texts.
pub(crate) fn recipe_chunk(text: &str) -> Vec<u8> {
    chunk(*b"iTXt", &[recipe::KEYWORD.as_bytes(), b"\0\0\0\0\0", text.as_bytes()])
}

/// The chunk that says sRGB, with the intent of photographs (perceptual).
pub(crate) fn srgb_chunk() -> Vec<u8> {
    chunk(*b"sRGB", &[&[0]])
}
