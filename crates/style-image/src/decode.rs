//! Bytes of a picture file into pixels.

use std::error::Error as _;
use std::io::Cursor;
use std::panic::{UnwindSafe, catch_unwind};

use image::error::UnsupportedErrorKind;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::error::PIXELS;
use crate::limits::{check_memory, check_size_within};
use crate::metadata::{Metadata, first_page, png_pixels_only};
use crate::profile::{Conversion, Inks};
use crate::samples::colours;
use crate::{Image, ImageError, Mask, Picture, PictureInfo, ReadOptions, jpeg, palette, sniff, whole};

/// The most memory for what a decoder keeps beside the pixels.
const MAX_METADATA_MIB: usize = 32;

/// As much memory as 16 bits of four channels take.
const BYTES_PER_PIXEL: u64 = 8;

/// How large a picture may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) max_side: usize,
    pub(crate) max_pixels: usize,
}

impl Room {
    /// The most bytes for the pixels as they stand in the file.
    const fn bytes(self) -> u64 {
        BYTES_PER_PIXEL * self.max_pixels as u64
    }

    /// Compares the size in a header with the limits.
    fn check_claim(self, format: &'static str, (width, height): (usize, usize)) -> Result<(), ImageError> {
        let checked = check_size_within((width, height), self.max_side, self.max_pixels);
        checked.map_err(|fault| match fault {
            ImageError::NoPixels { width, height } => {
                ImageError::Damaged { format, reason: format!("its header claims {width} x {height} px") }
            }
            other => other,
        })
    }

    /// Compares what a header claims with the limits and with the memory there is. `bytes` are the pixels as they stand in
    /// the file, and the decoder has room for them so many `times`.
    pub(crate) fn check(
        self,
        format: &'static str,
        (width, height): (usize, usize),
        bytes: u64,
        times: usize,
    ) -> Result<(), ImageError> {
        self.check_claim(format, (width, height))?;
        let too_heavy = ImageError::TooHeavy { what: PIXELS, limit_mib: (self.bytes() >> 20) as usize };
        let bytes = usize::try_from(bytes).ok().filter(|&bytes| bytes as u64 <= self.bytes());
        // The pixels as floats, and their alpha.
        let floats = 4 * size_of::<f32>() * width * height;
        check_memory(times.saturating_mul(bytes.ok_or(too_heavy)?).saturating_add(floats))
    }

    fn limits(self) -> Limits {
        let mut limits = limits(self.bytes());
        limits.max_image_width = Some(u32::try_from(self.max_side).unwrap_or(u32::MAX));
        limits.max_image_height = limits.max_image_width;
        limits
    }
}

/// The picture in the bytes of a file, with everything that is known about it.
pub(crate) fn picture(options: &ReadOptions, bytes: &[u8]) -> Result<Picture, ImageError> {
    let format = sniff::picture_format(bytes)?;
    guarded(sniff::name(format), || read(options, format, bytes))
}

/// Runs decoders. No file is known that they or the colour library panic over, but they are not written to promise that: a
/// panic is the file's fault here, and does not take the program with it.
fn guarded<T>(
    format: &'static str,
    run: impl FnOnce() -> Result<T, ImageError> + UnwindSafe,
) -> Result<T, ImageError> {
    catch_unwind(run).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        Err(ImageError::Damaged { format, reason: format!("{GAVE_UP}: {words}") })
    })
}

const GAVE_UP: &str = "a decoder gave up";

fn read(options: &ReadOptions, format: ImageFormat, bytes: &[u8]) -> Result<Picture, ImageError> {
    let name = sniff::name(format);
    let room = options.room();
    if format == ImageFormat::Png
        && let Some(size) = whole::png_size(bytes)
    {
        // The PNG decoder makes room for a row before it can be asked for the size.
        room.check_claim(name, size)?;
    }
    let bytes = whole::picture(format, bytes)?;
    let metadata = Metadata::of(format, bytes);
    let mut warnings = Warnings { format: name, is_strict: options.is_strict(), texts: Vec::new() };
    let (mut picture, inks) = match format {
        ImageFormat::Jpeg => jpeg::decoded(bytes, room)?,
        ImageFormat::Png => {
            let bytes = png_pixels_only(bytes);
            let picture = decoded(format, &bytes, room)?;
            if let Some((colour, colours)) = palette::beyond(&bytes, MAX_METADATA_MIB << 20) {
                warnings.add(format!("a pixel has colour {colour} of a palette of {colours}"))?;
            }
            picture
        }
        ImageFormat::Tiff => decoded(format, &first_page(bytes), room)?,
        _ => decoded(format, bytes, room)?,
    };
    let bits = (8 * picture.color().bytes_per_pixel() / picture.color().channel_count()).min(32);
    let orientation = orientation(metadata.orientation, &mut warnings)?;
    picture.apply_orientation(orientation);
    let conversion = conversion(&metadata, inks, &mut warnings)?;
    let profile = match &conversion {
        Some(conversion) => conversion.name.clone(),
        None => metadata.encoding.map(|_| "sRGB".to_owned()),
    };
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (pixels, alpha) = match colours(&picture, inks, conversion.as_ref()) {
        Ok(colours) => colours,
        Err(reason) => {
            warnings.add(format!("its colour profile is ignored: {reason}"))?;
            colours(&picture, inks, None).unwrap_or_default()
        }
    };
    drop(picture);
    let image = Image::new(width, height, pixels)?;
    let alpha = alpha.map(|values| Mask::new(width, height, values)).transpose()?;
    if alpha.as_ref().is_some_and(|alpha| alpha.values().iter().all(|&value| value == 0.0)) {
        warnings.add("every pixel is transparent, so all of it is white".into())?;
    }
    if metadata.frames > 1 {
        warnings.add(format!("only the first of its {} pictures is read", metadata.frames))?;
    }
    let recipe = match metadata.recipe.transpose() {
        Ok(recipe) => recipe,
        Err(fault) => {
            warnings.add(fault.to_string())?;
            None
        }
    };
    let orientation = orientation.to_exif();
    let info =
        PictureInfo { format: name, width, height, bits, profile, orientation, warnings: warnings.texts };
    Ok(Picture { image, alpha, info, recipe })
}

/// What is said about a picture that is read all the same.
struct Warnings {
    format: &'static str,
    is_strict: bool,
    texts: Vec<String>,
}

impl Warnings {
    fn add(&mut self, warning: String) -> Result<(), ImageError> {
        if self.is_strict {
            return Err(ImageError::Doubtful { format: self.format, warning });
        }
        self.texts.push(warning);
        Ok(())
    }
}

fn orientation(found: Option<u16>, warnings: &mut Warnings) -> Result<Orientation, ImageError> {
    let Some(found) = found else { return Ok(Orientation::NoTransforms) };
    if let Some(orientation) = u8::try_from(found).ok().and_then(Orientation::from_exif) {
        return Ok(orientation);
    }
    warnings.add(format!("its orientation is {found}, expected 1 to 8: it is read as it lies there"))?;
    Ok(Orientation::NoTransforms)
}

/// The way of the colours into sRGB, if the file names one that can be used.
fn conversion(
    metadata: &Metadata<'_>,
    inks: Inks,
    warnings: &mut Warnings,
) -> Result<Option<Conversion>, ImageError> {
    let found = match (&metadata.profile, metadata.encoding) {
        (Some(Ok(profile)), _) => Conversion::by_profile(profile, inks).map(Some),
        (Some(Err(reason)), _) => Err(reason.clone()),
        (None, Some(encoding)) => Conversion::by_encoding(encoding),
        (None, None) => Ok(None),
    };
    let conversion = match found {
        Ok(conversion) => conversion,
        Err(reason) => {
            warnings.add(format!("its colour profile is ignored: {reason}"))?;
            None
        }
    };
    if inks == Inks::Cmyk && conversion.is_none() {
        warnings.add("its inks (CMYK) are mixed without a profile, so its colours are a guess".into())?;
    }
    Ok(conversion)
}

/// The picture as it lies in the file, with the file's own kind of pixels.
fn decoded(format: ImageFormat, bytes: &[u8], room: Room) -> Result<(DynamicImage, Inks), ImageError> {
    let picture = by_image(format, bytes, room).map_err(|error| in_our_words(format, room, error))??;
    let is_grey =
        matches!(picture.color(), ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16);
    Ok((picture, if is_grey { Inks::Grey } else { Inks::Rgb }))
}

/// The outer error is the decoder's.
fn by_image(
    format: ImageFormat,
    bytes: &[u8],
    room: Room,
) -> image::ImageResult<Result<DynamicImage, ImageError>> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits((MAX_METADATA_MIB as u64) << 20));
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let (bytes, name) = (decoder.total_bytes(), sniff::name(format));
    // Twice: turning a picture upright makes a copy, and so do some decoders.
    if let Err(fault) = room.check(name, (width as usize, height as usize), bytes, 2) {
        return Ok(Err(fault));
    }
    decoder.set_limits(room.limits())?;
    DynamicImage::from_decoder(decoder).map(Ok)
}

fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(bytes);
    limits
}

fn in_our_words(format: ImageFormat, room: Room, error: image::ImageError) -> ImageError {
    let limit_mib = if format == ImageFormat::Png { MAX_METADATA_MIB } else { (room.bytes() >> 20) as usize };
    let format = sniff::name(format);
    match error {
        image::ImageError::Limits(_) => ImageError::TooHeavy { what: "the rows or metadata", limit_mib },
        image::ImageError::Unsupported(error) => {
            let reason = match error.kind() {
                UnsupportedErrorKind::GenericFeature(feature) => feature,
                _ => error.to_string(),
            };
            ImageError::UnsupportedFeature { format, reason }
        }
        image::ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            ImageError::CutShort { format, missing: "its pixels do not reach the last row" }
        }
        // The outer message only says that decoding failed.
        other => {
            let reason = other.source().map_or_else(|| other.to_string(), ToString::to_string);
            ImageError::Damaged { format, reason: without_values(&reason).to_owned() }
        }
    }
}

/// A decoder's sentence without the fields of its types, which it may print behind a colon: `Unrecognized critical chunk:
/// ChunkType { type: ... }`.
fn without_values(reason: &str) -> &str {
    let fields = reason.find(" { ").unwrap_or(reason.len());
    match reason[..fields].rfind(": ") {
        Some(colon) if fields < reason.len() => &reason[..colon],
        _ => reason,
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
