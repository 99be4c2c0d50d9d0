//! Every kind of pixel, every orientation, and what damaged files get.

use std::time::{Duration, Instant};

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageBuffer, ImageEncoder as _, Luma, LumaA, Rgb, RgbImage, Rgba};
use proptest::prelude::*;

use super::*;
use crate::sniff::READ;
use crate::test_pictures::{chunk, colourful, encoded, exif, png, segment};

fn message(bytes: &[u8]) -> String {
    Image::decode(bytes).unwrap_err().to_string()
}

fn pixels(bytes: &[u8]) -> Vec<f32> {
    Image::decode(bytes).unwrap().pixels().to_vec()
}

fn near(found: &[f32], expected: &[f32], tolerance: f32) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance)
}

#[test]
fn lossless_formats_give_the_pixels_as_they_were() {
    let picture = colourful(7, 5);
    let expected: Vec<f32> = picture.as_bytes().iter().map(|&value| f32::from(value) / 255.0).collect();
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Tiff] {
        let image = Image::decode(&encoded(&picture, format)).unwrap();
        assert_eq!((image.width(), image.height()), (7, 5), "{format:?}");
        assert_eq!(image.pixels(), expected, "{format:?}");
    }
}

#[test]
fn a_jpeg_is_decoded_as_the_image_crate_decodes_it() {
    let grey = DynamicImage::ImageLuma8(colourful(21, 37).to_luma8());
    for picture in [colourful(70, 50), grey] {
        let jpeg = encoded(&picture, ImageFormat::Jpeg);
        let expected = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        let expected: Vec<f32> = expected.iter().map(|&value| f32::from(value) / 255.0).collect();
        assert_eq!(pixels(&jpeg), expected);
    }
}

#[test]
fn sixteen_bits_keep_their_precision() {
    let grey = DynamicImage::ImageLuma16(ImageBuffer::from_fn(2, 1, |x, _| Luma([x as u16 + 40_000])));
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let (one, two) = (40_000.0 / 65_535.0, 40_001.0 / 65_535.0);
        assert_eq!(pixels(&encoded(&grey, format)), [one, one, one, two, two, two]);
    }
    let colour = DynamicImage::ImageRgb16(ImageBuffer::from_pixel(1, 1, Rgb([1u16, 257, 65_535])));
    assert_eq!(pixels(&encoded(&colour, ImageFormat::Png)), [1.0 / 65_535.0, 1.0 / 255.0, 1.0]);
}

#[test]
fn palettes_and_single_bits_become_colours() {
    let palette = chunk(*b"PLTE", &[255, 0, 0, 0, 0, 255]);
    let bytes = png((3, 1), 1, 3, &palette, &[0, 0b0100_0000]);
    assert_eq!(pixels(&bytes), [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    let bytes = png((2, 1), 1, 0, &[], &[0, 0b0100_0000]);
    assert_eq!(pixels(&bytes), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let transparent = [palette, chunk(*b"tRNS", &[0])].concat();
    let bytes = png((2, 1), 1, 3, &transparent, &[0, 0b0100_0000]);
    assert_eq!(pixels(&bytes), [1.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn transparent_pixels_lie_over_white() {
    let half = 51.0 / 255.0;
    let rgba = ImageBuffer::from_pixel(1, 1, Rgba([255u8, 0, 102, 51]));
    let found = pixels(&encoded(&DynamicImage::ImageRgba8(rgba), ImageFormat::Png));
    assert!(near(&found, &[1.0, 1.0 - half, 0.4 * half + 1.0 - half], 1e-6), "{found:?}");
    let grey = ImageBuffer::from_pixel(1, 1, LumaA([0u8, 51]));
    let found = pixels(&encoded(&DynamicImage::ImageLumaA8(grey), ImageFormat::Png));
    assert!(near(&found, &[1.0 - half; 3], 1e-6), "{found:?}");
    let deep = ImageBuffer::from_pixel(1, 1, Rgba([0u16, 0, 0, 1]));
    let found = pixels(&encoded(&DynamicImage::ImageRgba16(deep), ImageFormat::Png));
    assert!(near(&found, &[65_534.0 / 65_535.0; 3], 1e-7), "{found:?}");
    let clear = ImageBuffer::from_pixel(2, 2, Rgba([9u8, 9, 9, 0]));
    assert_eq!(pixels(&encoded(&DynamicImage::ImageRgba8(clear), ImageFormat::WebP)), [1.0; 12]);
}

#[test]
fn floats_are_clamped_and_no_numbers_are_refused() {
    let tiff = |values| {
        let picture = ImageBuffer::from_pixel(1, 1, Rgb(values));
        encoded(&DynamicImage::ImageRgb32F(picture), ImageFormat::Tiff)
    };
    assert_eq!(pixels(&tiff([-1.0, 0.25, 3.0])), [0.0, 0.25, 1.0]);
    assert!(message(&tiff([0.0, f32::NAN, 0.0])).starts_with("value 1 of the pixels is NaN"));
}

#[test]
fn thin_pictures_are_read() {
    for (width, height) in [(1, 1), (1, 512), (512, 1)] {
        for format in READ {
            let image = Image::decode(&encoded(&colourful(width, height), format)).unwrap();
            assert_eq!((image.width() as u32, image.height() as u32), (width, height), "{format:?}");
        }
    }
}

/// The picture as a camera held in that way stores it, by the table of the Exif standard: which side of
/// the scene the first row and the first column show.
fn stored(upright: &RgbImage, orientation: u8) -> RgbImage {
    let (right, bottom) = (upright.width() - 1, upright.height() - 1);
    let turned = (5..=8).contains(&orientation);
    let (width, height) = if turned { (bottom + 1, right + 1) } else { (right + 1, bottom + 1) };
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = match orientation {
            2 => (right - x, y),
            3 => (right - x, bottom - y),
            4 => (x, bottom - y),
            5 => (y, x),
            6 => (right - y, x),
            7 => (right - y, bottom - x),
            8 => (y, bottom - x),
            _ => (x, y),
        };
        *upright.get_pixel(x, y)
    })
}

#[test]
fn every_orientation_comes_out_upright() {
    // Blocks of 8 x 8 px of one colour, which JPEG keeps.
    let upright = RgbImage::from_fn(24, 16, |x, y| {
        let block = (x / 8 + 3 * (y / 8)) as u8;
        Rgb([block * 50, 255 - block * 40, block * 20])
    });
    let expected: Vec<f32> = upright.iter().map(|&value| f32::from(value) / 255.0).collect();
    for orientation in 0..=9 {
        let lying = stored(&upright, orientation);
        let plain = encoded(&DynamicImage::ImageRgb8(lying.clone()), ImageFormat::Png);
        let tagged = [&plain[..33], &chunk(*b"eXIf", &exif(orientation)), &plain[33..]].concat();
        let mut webp = Vec::new();
        let mut encoder = WebPEncoder::new_lossless(&mut webp);
        encoder.set_exif_metadata(exif(orientation)).unwrap();
        encoder.write_image(&lying, lying.width(), lying.height(), ExtendedColorType::Rgb8).unwrap();
        for bytes in [tagged, webp, tiff(&lying, orientation)] {
            let picture = ReadOptions::default().decode(&bytes).unwrap();
            let format = picture.info.format;
            assert_eq!(
                (picture.info.width, picture.info.height),
                (24, 16),
                "{format}, orientation {orientation}"
            );
            assert_eq!(picture.image.pixels(), expected, "{format}, orientation {orientation}");
            if (1..=8).contains(&orientation) {
                assert_eq!(
                    (picture.info.orientation, picture.info.warnings.len()),
                    (orientation, 0),
                    "{format}"
                );
            } else {
                let text =
                    format!("its orientation is {orientation}, expected 1 to 8: it is read as it lies there");
                assert_eq!((picture.info.orientation, picture.info.warnings), (1, vec![text]), "{format}");
            }
        }

        let image = Image::decode(&plain).unwrap();
        let jpeg = image.encode(crate::PictureFormat::Jpeg).unwrap();
        let data = [b"Exif\0\0", &exif(orientation)[..]].concat();
        let tagged = [&jpeg[..2], &segment(0xe1, &data), &jpeg[2..]].concat();
        let found = Image::decode(&tagged).unwrap();
        assert_eq!((found.width(), found.height()), (24, 16), "JPEG, orientation {orientation}");
        assert!(near(found.pixels(), &expected, 0.03), "JPEG, orientation {orientation}");
    }
}

/// A TIFF (version 6.0) of one strip that says how the camera was held.
fn tiff(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    // Bits of a sample, RGB, the place of the pixels (behind ten entries), samples of a pixel, rows and bytes of the strip.
    let short = |tag: u16, value: u32| (tag, 3u16, value << 16);
    let entries = [
        short(256, width),
        short(257, height),
        short(258, 8),
        short(259, 1),
        short(262, 2),
        (273, 4, 8 + 2 + 10 * 12 + 4),
        short(274, orientation.into()),
        short(277, 3),
        short(278, height),
        (279, 4, 3 * width * height),
    ];
    let entry = |(tag, kind, value): (u16, u16, u32)| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &1u32.to_be_bytes(), &value.to_be_bytes()].concat()
    };
    [&b"MM\0*\0\0\0\x08\0\x0a"[..], &entries.map(entry).concat(), &[0; 4], picture].concat()
}

#[test]
fn a_damaged_orientation_is_no_reason_to_refuse() {
    let plain = encoded(&colourful(4, 4), ImageFormat::Png);
    let tagged = [&plain[..33], &chunk(*b"eXIf", b"MM\0*\0\0\0\x08\xff\xff"), &plain[33..]].concat();
    assert_eq!(pixels(&tagged), pixels(&plain));
}

#[test]
fn headers_that_claim_too_much_are_refused_at_once() {
    let start = Instant::now();
    for (width, height) in [(60_000, 60_000), (16_385, 1), (10_000, 10_000), (0x7fff_ffff, 0x7fff_ffff)] {
        let text = message(&png((width, height), 8, 2, &[], &[0; 64]));
        assert!(text.starts_with(&format!("{width} x {height} px is over the limit")), "{text}");
    }
    let mut jpeg = encoded(&colourful(8, 8), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xf0);
    assert!(message(&jpeg).starts_with("61680 x 61680 px is over the limit"), "{}", message(&jpeg));
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x1f, 0x40, 0x1f, 0x40]);
    let text = "the JPEG is cut short: it has less than one bit for every 8 x 8 px";
    assert_eq!(message(&jpeg), text);
    let mut gif = encoded(&colourful(8, 8), ImageFormat::Gif);
    gif[6..10].fill(0xff);
    assert!(message(&gif).starts_with("65535 x 65535 px is over the limit"), "{}", message(&gif));
    let mut bmp = encoded(&colourful(8, 8), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    assert!(message(&bmp).contains("is over the limit"), "{}", message(&bmp));
    let webp = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\x0f\xff\xff\x0f";
    assert!(Image::decode(webp).is_err());
    assert!(message(&png((8000, 8000), 16, 6, &[], &[0; 64])).contains("is damaged"));
    assert!(start.elapsed() < Duration::from_mins(1), "took {:?}", start.elapsed());
}

#[test]
fn pixels_over_the_memory_limit_are_refused() {
    let room = ReadOptions::default().room();
    assert_eq!(
        room.check("TIFF", (8192, 8192), 1 << 30, 2),
        Err(ImageError::TooHeavy { what: "the pixels", limit_mib: 512 })
    );
    assert_eq!(room.check("TIFF", (8, 8), 192, 2), Ok(()));
}

#[test]
fn a_picture_cut_short_says_so() {
    let png = encoded(&colourful(16, 16), ImageFormat::Png);
    assert_eq!(message(&png[..png.len() - 12]), "the PNG is cut short: it has no IEND chunk");
    let jpeg = encoded(&colourful(16, 16), ImageFormat::Jpeg);
    let text = "the JPEG is cut short: it has no end marker (FF D9)";
    assert_eq!(message(&jpeg[..jpeg.len() - 2]), text);
    assert_eq!(message(&jpeg[..jpeg.len() / 2]), text);
    let webp = encoded(&colourful(16, 16), ImageFormat::WebP);
    assert_eq!(message(&webp[..webp.len() - 9]), "the WebP is cut short: a chunk reaches over its end");
}

#[test]
fn a_damaged_picture_says_what_the_decoder_found() {
    let text = message(&png((2, 1), 8, 3, &[], &[0, 0, 0]));
    assert_eq!(text, "the PNG is damaged: Missing palette of indexed image.");
    assert_eq!(message(&png((0, 10), 8, 2, &[], &[])), "the PNG is damaged: its header claims 0 x 10 px");
}

#[test]
fn a_large_jpeg_of_one_colour_is_not_taken_for_a_stub() {
    let grey = Image::new(2048, 1024, vec![0.5; 3 * 2048 * 1024]).unwrap();
    let jpeg = grey.encode(crate::PictureFormat::Jpeg).unwrap();
    assert!(near(&pixels(&jpeg), grey.pixels(), 0.003));
}

#[test]
fn bytes_after_the_end_are_ignored() {
    for format in READ {
        let bytes = encoded(&colourful(6, 6), format);
        let longer = [&bytes[..], &[0xab; 100]].concat();
        assert_eq!(pixels(&longer), pixels(&bytes), "{format:?}");
    }
}

#[test]
fn a_flipped_bit_in_a_png_is_noticed() {
    let good = encoded(&colourful(16, 16), ImageFormat::Png);
    for position in 16..good.len() - 16 {
        let mut bytes = good.clone();
        bytes[position] ^= 4;
        assert!(Image::decode(&bytes).is_err(), "byte {position} of {}", good.len());
    }
}

#[test]
fn a_decoder_that_panics_is_taken_for_a_damaged_file() {
    let found = |run: fn() -> Result<(), ImageError>| guarded("PNG", run).unwrap_err().to_string();
    assert_eq!(
        found(|| panic!("index {} is out of range", 7)),
        "the PNG is damaged: a decoder gave up: index 7 is out of range"
    );
    assert_eq!(found(|| panic!("at last")), "the PNG is damaged: a decoder gave up: at last");
    assert_eq!(found(|| Err(ImageError::Empty)), ImageError::Empty.to_string());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn flipped_bytes_never_panic(
        format in prop::sample::select(READ.to_vec()),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = encoded(&colourful(19, 13), format);
        for (position, value) in flips {
            let position = position.index(bytes.len());
            bytes[position] = value;
        }
        match Image::decode(&bytes) {
            Ok(image) => prop_assert_eq!(image.pixels().len(), 3 * image.width() * image.height()),
            Err(error) => prop_assert!(!error.to_string().contains(GAVE_UP), "{error}"),
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused(
        format in prop::sample::select(READ.to_vec()),
        length in any::<prop::sample::Index>(),
    ) {
        let bytes = encoded(&colourful(19, 13), format);
        // The last bytes of a WebP hold no pixels: padding.
        let length = length.index(bytes.len() - if format == ImageFormat::WebP { 3 } else { 0 });
        prop_assert!(Image::decode(&bytes[..length]).is_err(), "{format:?}, {length} of {}", bytes.len());
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Image::decode(&bytes);
    }
}

#[test]
fn the_types_of_a_decoder_are_not_shown() {
    let mut bytes =
        crate::Image::new(4, 4, vec![0.5; 48]).unwrap().encode(crate::PictureFormat::Png).unwrap();
    let at = bytes.windows(4).position(|name| name == b"IDAT").unwrap();
    bytes[at + 3] = b'x' & !0x20;
    let text = crate::Image::decode(&bytes).unwrap_err().to_string();
    assert!(text.starts_with("the PNG is damaged: ") && !text.contains('{'), "{text}");
    assert_eq!(without_values("a: b: Kind { x: 3 }"), "a: b");
    assert_eq!(without_values("a: b"), "a: b");
    assert_eq!(without_values("{ no words }"), "{ no words }");
}
