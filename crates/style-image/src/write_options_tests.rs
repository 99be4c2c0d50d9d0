//! What goes in comes out again: bits, transparency and recipes in every format that has them.

use proptest::prelude::*;

use super::*;
use crate::{Picture, ReadOptions, recipe_of};

const FORMATS: [PictureFormat; 3] = [PictureFormat::Png, PictureFormat::Jpeg, PictureFormat::WebP];

fn image(width: usize, height: usize) -> Image {
    let value = |i: usize| (i * 2_654_435_761 % 65_536) as f32 / 65_535.0;
    Image::new(width, height, (0..3 * width * height).map(value).collect()).unwrap()
}

fn again(image: &Image, format: PictureFormat, options: &WriteOptions<'_>) -> Picture {
    ReadOptions::default().strict(true).decode(&image.encode_with(format, options).unwrap()).unwrap()
}

#[test]
fn sixteen_bits_come_back_exactly() {
    let image = image(19, 7);
    let picture = again(&image, PictureFormat::Png, &WriteOptions::default().bits(16));
    assert_eq!((picture.image, picture.info.bits), (image.clone(), 16));
    assert_eq!(again(&image, PictureFormat::Png, &WriteOptions::default()).info.bits, 8);
}

#[test]
fn transparency_comes_back_with_the_colours_below_it() {
    // Straight colours under every share of opacity, as they lie in a file.
    let alpha: Vec<f32> = (0..=255u8).map(|value| f32::from(value) / 255.0).collect();
    let alpha = Mask::new(256, 1, alpha).unwrap();
    let straight = [0.0, 0.4, 1.0];
    let on_white = alpha.values().iter().flat_map(|a| straight.map(|value| value * a + (1.0 - a)));
    let image = Image::new(256, 1, on_white.collect()).unwrap();
    for (format, bits, tolerance) in [
        (PictureFormat::Png, 8, 0.5 / 255.0),
        (PictureFormat::WebP, 8, 0.5 / 255.0),
        (PictureFormat::Png, 16, 1e-5),
    ] {
        let options = WriteOptions::default().alpha(&alpha).bits(bits);
        let picture = again(&image, format, &options);
        assert_eq!(picture.alpha.as_ref(), Some(&alpha), "{format:?}, {bits} bits");
        let pairs = picture.image.pixels().iter().zip(image.pixels());
        // A little opaque pixel shows its own rounding even less.
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() <= tolerance + 1e-6), "{format:?}, {bits} bits");
        // What was read can be written and read for ever.
        let once_more = again(&picture.image, format, &options);
        assert_eq!(once_more.alpha, picture.alpha);
        let pairs = picture.image.pixels().iter().zip(once_more.image.pixels());
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() <= 1e-6), "{format:?}, {bits} bits");
    }
}

#[test]
fn an_opaque_mask_leaves_an_opaque_picture() {
    let (image, alpha) = (image(5, 4), Mask::new(5, 4, vec![1.0; 20]).unwrap());
    let picture = again(&image, PictureFormat::WebP, &WriteOptions::default().alpha(&alpha));
    assert_eq!(picture.alpha, None);
    assert_eq!(picture.image, again(&image, PictureFormat::WebP, &WriteOptions::default()).image);
}

#[test]
fn what_a_format_has_not_is_refused() {
    let (image, alpha) = (image(5, 4), Mask::new(5, 4, vec![0.5; 20]).unwrap());
    let refused = |format, options: WriteOptions<'_>| image.encode_with(format, &options).unwrap_err();
    let error = refused(PictureFormat::Jpeg, WriteOptions::default().alpha(&alpha));
    assert_eq!(error.to_string(), "cannot write this picture as JPEG: it has no transparency");
    assert_eq!(error.help(), "save it as .png");
    let error = refused(PictureFormat::WebP, WriteOptions::default().bits(16));
    assert_eq!(error.to_string(), "cannot write this picture as WebP: it has no 16 bits");
    let error = refused(PictureFormat::Png, WriteOptions::default().bits(12));
    assert_eq!(error.to_string(), "the number of bits is 12, expected 8 or 16");
    for quality in [0, 101] {
        let error = refused(PictureFormat::Jpeg, WriteOptions::default().quality(quality));
        assert_eq!(error.to_string(), format!("the quality is {quality}, expected 1 to 100"));
    }
    let small = Mask::new(4, 4, vec![0.5; 16]).unwrap();
    let error = refused(PictureFormat::Png, WriteOptions::default().alpha(&small));
    assert!(matches!(error, ImageError::DifferentSizes { .. }), "{error}");
    let text = "x".repeat(MAX_RECIPE_BYTES + 1);
    let error = refused(PictureFormat::Png, WriteOptions::default().recipe(&text));
    assert_eq!(error.to_string(), "the bytes of the recipe take more than the limit of 1 MiB");
}

#[test]
fn a_lower_quality_makes_a_smaller_jpeg() {
    let length = |quality| {
        let options = WriteOptions::default().quality(quality);
        image(64, 64).encode_with(PictureFormat::Jpeg, &options).unwrap().len()
    };
    assert!(length(30) < length(80) && length(80) < length(100));
    assert_eq!(length(95), image(64, 64).encode(PictureFormat::Jpeg).unwrap().len());
}

#[test]
fn options_change_no_pixel_and_no_options_no_byte() {
    for format in FORMATS {
        let (image, plain) = (image(33, 9), image(33, 9).encode(format).unwrap());
        let with = image.encode_with(format, &WriteOptions::default().recipe("size = 512\n")).unwrap();
        assert_eq!(Image::decode(&with).unwrap(), Image::decode(&plain).unwrap(), "{format:?}");
        let without = image.encode_with(format, &WriteOptions::default()).unwrap();
        // A PNG has 13 more: the chunk that says sRGB.
        let more = if format == PictureFormat::Png { 13 } else { 0 };
        assert_eq!(without.len(), plain.len() + more, "{format:?}");
    }
    assert_eq!(
        again(&image(3, 3), PictureFormat::Png, &WriteOptions::default()).info.profile.unwrap(),
        "sRGB"
    );
}

#[test]
fn a_long_recipe_is_cut_where_the_format_wants_it_and_put_together() {
    let part = "ä€😀 <&>\"'\n\t";
    let text = part.repeat(MAX_RECIPE_BYTES / part.len());
    assert!(text.len() > MAX_RECIPE_BYTES - part.len());
    let alpha = Mask::new(3, 5, vec![0.5; 15]).unwrap();
    for format in FORMATS {
        let options = WriteOptions::default().recipe(&text);
        assert_eq!(again(&image(3, 5), format, &options).recipe.as_ref(), Some(&text), "{format:?}");
        if format != PictureFormat::Jpeg {
            let picture = again(&image(3, 5), format, &options.alpha(&alpha));
            assert_eq!(picture.recipe.as_ref(), Some(&text), "{format:?}");
            assert!(picture.alpha.is_some(), "{format:?}");
        }
    }
}

#[test]
fn a_recipe_is_found_in_a_file_without_its_end() {
    let options = WriteOptions::default().recipe("kept");
    for format in [PictureFormat::Png, PictureFormat::Jpeg] {
        let bytes = image(40, 40).encode_with(format, &options).unwrap();
        assert_eq!(recipe_of(&bytes[..bytes.len() / 2]).unwrap().as_deref(), Some("kept"), "{format:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_comes_back(text in any::<String>(), format in prop::sample::select(FORMATS.to_vec())) {
        let bytes = image(2, 3).encode_with(format, &WriteOptions::default().recipe(&text)).unwrap();
        prop_assert_eq!(recipe_of(&bytes).unwrap(), Some(text));
        prop_assert_eq!(Image::decode(&bytes).unwrap(), Image::decode(&image(2, 3).encode(format).unwrap()).unwrap());
    }

    #[test]
    fn damaged_metadata_never_panics(
        format in prop::sample::select(FORMATS.to_vec()),
        flips in prop::collection::vec((0usize..200, any::<u8>()), 1..6),
    ) {
        let options = WriteOptions::default().recipe("a recipe of some length, to be hit");
        let mut bytes = image(2, 2).encode_with(format, &options).unwrap();
        for (position, value) in flips {
            let position = position % bytes.len();
            bytes[position] = value;
        }
        let _ = recipe_of(&bytes);
        if let Err(error) = ReadOptions::default().decode(&bytes) {
            prop_assert!(!error.to_string().contains("a decoder gave up"), "{error}");
        }
    }
}
