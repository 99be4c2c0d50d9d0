//! JPEG, which the other decoders here know in fewer colours: CMYK and YCCK come as inks, so that a profile can be used.

use image::{DynamicImage, ImageBuffer};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::decode::Room;
use crate::metadata::{adobe_transform, jpeg_pixels_only};
use crate::profile::Inks;
use crate::{ImageError, whole};

/// The picture as it lies in the file; CMYK (0 for no ink) in the clothes of RGBA.
pub(crate) fn decoded(bytes: &[u8], room: Room) -> Result<(DynamicImage, Inks), ImageError> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        // The size is compared with the limits below, in our words.
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let is_adobe = adobe_transform(bytes).is_some();
    let bytes = &jpeg_pixels_only(bytes)[..];
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(in_our_words)?;
    let (Some(info), Some(found)) = (decoder.info(), decoder.input_colorspace()) else {
        return Err(damaged("it has no header"));
    };
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    // Adobe's segment names colours before it is known how many channels there are: the number decides.
    let (wanted, channels) = match (info.components, found) {
        (1, _) => (ColorSpace::Luma, 1),
        (4, ColorSpace::CMYK | ColorSpace::YCCK) => (found, 4),
        (3 | 4, _) => (ColorSpace::RGB, 3),
        (other, _) => {
            let reason = format!("pixels of {other} channels");
            return Err(ImageError::UnsupportedFeature { format: "JPEG", reason });
        }
    };
    // The coefficients of a progressive one take 16 bits each.
    room.check("JPEG", (width, height), (channels * width * height) as u64, 3)?;
    if !whole::jpeg_fills(width, height, bytes.len()) {
        let missing = "it has less than one bit for every 8 x 8 px";
        return Err(ImageError::CutShort { format: "JPEG", missing });
    }
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(wanted));
    let mut samples = vec![0; channels * width * height];
    decoder.decode_into(&mut samples).map_err(in_our_words)?;
    if channels == 4 {
        to_inks(&mut samples, found == ColorSpace::YCCK, is_adobe);
    }
    let (width, height) = (width as u32, height as u32);
    let picture = match channels {
        1 => ImageBuffer::from_raw(width, height, samples).map(|p| (DynamicImage::ImageLuma8(p), Inks::Grey)),
        3 => ImageBuffer::from_raw(width, height, samples).map(|p| (DynamicImage::ImageRgb8(p), Inks::Rgb)),
        _ => ImageBuffer::from_raw(width, height, samples).map(|p| (DynamicImage::ImageRgba8(p), Inks::Cmyk)),
    };
    picture.ok_or_else(|| damaged("its pixels do not fill it"))
}

/// Four channels as they were coded into inks.
///
/// Adobe's programs store what is left of the light (255 for no ink) and say so by their segment APP14; files without the
/// segment store inks. YCCK is what `YCbCr` makes of the complement of the first three numbers.
fn to_inks(samples: &mut [u8], is_ycck: bool, is_adobe: bool) {
    for pixel in samples.as_chunks_mut::<4>().0 {
        if is_ycck {
            let [luma, blue, red, _] = pixel.map(f32::from);
            let (blue, red) = (blue - 128.0, red - 128.0);
            // ITU-T T.871, section 7.
            let rgb = [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue];
            for (value, part) in pixel.iter_mut().zip(rgb) {
                *value = 255 - part.round().clamp(0.0, 255.0) as u8;
            }
        }
        if is_adobe {
            *pixel = pixel.map(|value| 255 - value);
        }
    }
}

fn damaged(reason: &str) -> ImageError {
    ImageError::Damaged { format: "JPEG", reason: reason.to_owned() }
}

fn in_our_words(error: DecodeErrors) -> ImageError {
    match error {
        DecodeErrors::Unsupported(feature) => {
            ImageError::UnsupportedFeature { format: "JPEG", reason: format!("{feature:?}") }
        }
        DecodeErrors::ExhaustedData => {
            ImageError::CutShort { format: "JPEG", missing: "its pixels do not reach the last row" }
        }
        // The decoder's own words are for its developers: quotation marks and capital letters.
        other => damaged(format!("{other:?}").trim_matches('"')),
    }
}
