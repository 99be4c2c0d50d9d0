//! Pictures in other colour spaces against the published numbers of these spaces.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder as _, ImageFormat};
use proptest::prelude::*;

use super::*;
use crate::test_pictures::{chunk, encoded, flat_jpeg, png, segment};
use crate::test_profiles::{ADOBE_RGB, DISPLAY_P3, SRGB, Space, cmyk_profile, grey_profile, lab_in_srgb};
use crate::{Image, ImageError, Picture, ReadOptions};

/// Colours of every kind: 6 x 6 x 6, and the greys.
fn colours() -> Vec<[u8; 3]> {
    let steps = || (0..=5).map(|step| step * 51);
    let cube = steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| [r, g, b])));
    cube.chain((0..=255).map(|value| [value; 3])).collect()
}

fn row(colours: &[[u8; 3]]) -> DynamicImage {
    let pixels = colours.concat();
    DynamicImage::ImageRgb8(image::RgbImage::from_raw(colours.len() as u32, 1, pixels).unwrap())
}

/// iCCP behind the header.
fn png_with_profile(plain: &[u8], profile: &[u8]) -> Vec<u8> {
    let mut stream = ZlibEncoder::new(b"a name\0\0".to_vec(), Compression::default());
    stream.write_all(profile).unwrap();
    [&plain[..33], &chunk(*b"iCCP", &stream.finish().unwrap()), &plain[33..]].concat()
}

/// In two parts.
fn jpeg_with_profile(plain: &[u8], profile: &[u8]) -> Vec<u8> {
    let (first, second) = profile.split_at(profile.len() / 2);
    let part = |number, data| segment(0xe2, &[b"ICC_PROFILE\0", &[number, 2][..], data].concat());
    // The parts may come in any order.
    [&plain[..2], &part(2, second), &part(1, first), &plain[2..]].concat()
}

fn read(bytes: &[u8]) -> Picture {
    ReadOptions::default().strict(true).decode(bytes).unwrap()
}

fn warning(bytes: &[u8]) -> String {
    let picture = ReadOptions::default().decode(bytes).unwrap();
    let [warning] = &picture.info.warnings[..] else { panic!("{:?}", picture.info.warnings) };
    let refused = ReadOptions::default().strict(true).decode(bytes).unwrap_err();
    let format = picture.info.format;
    assert_eq!(refused, ImageError::Doubtful { format, warning: warning.clone() });
    warning.clone()
}

/// The furthest that a picture is from what the numbers of a space say, in 1/255.
fn distance(found: &Image, colours: &[[u8; 3]], space: Space) -> f64 {
    let expected =
        colours.iter().flat_map(|colour| space.in_srgb(colour.map(|value| f64::from(value) / 255.0)));
    let distances = found.pixels().iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).abs());
    255.0 * distances.fold(0.0, f64::max)
}

#[test]
fn a_picture_in_display_p3_or_adobe_rgb_is_right_to_less_than_a_step() {
    for (space, name) in [(DISPLAY_P3, "Display P3"), (ADOBE_RGB, "Adobe RGB (1998)")] {
        let (colours, profile) = (colours(), space.profile(name));
        let picture = row(&colours);
        let mut webp = Vec::new();
        let mut encoder = WebPEncoder::new_lossless(&mut webp);
        encoder.set_icc_profile(profile.clone()).unwrap();
        encoder.write_image(picture.as_bytes(), colours.len() as u32, 1, ExtendedColorType::Rgb8).unwrap();
        let mut tiff = std::io::Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut tiff);
        encoder.set_icc_profile(profile.clone()).unwrap();
        encoder.write_image(picture.as_bytes(), colours.len() as u32, 1, ExtendedColorType::Rgb8).unwrap();
        for bytes in
            [png_with_profile(&encoded(&picture, ImageFormat::Png), &profile), webp, tiff.into_inner()]
        {
            let picture = read(&bytes);
            let distance = distance(&picture.image, &colours, space);
            assert!(distance < 0.5, "{name} in {}: {distance} of 1/255", picture.info.format);
            assert_eq!(picture.info.profile.as_deref(), Some(name));
        }
    }
}

#[test]
fn sixteen_bits_in_display_p3_keep_their_precision() {
    let samples: Vec<u16> =
        (0..=255u16).flat_map(|step| [step * 257, step * 101 + 7, 65_535 - step * 200]).collect();
    let picture = image::ImageBuffer::from_raw(256, 1, samples.clone()).unwrap();
    let plain = encoded(&DynamicImage::ImageRgb16(picture), ImageFormat::Png);
    let found = read(&png_with_profile(&plain, &DISPLAY_P3.profile("P3"))).image;
    for (found, sample) in found.pixels().as_chunks::<3>().0.iter().zip(samples.as_chunks::<3>().0) {
        let expected = DISPLAY_P3.in_srgb(sample.map(|value| f64::from(value) / 65_535.0));
        for (a, b) in found.iter().zip(expected) {
            assert!((f64::from(*a) - b).abs() < 0.5 / 255.0, "{found:?}, expected {expected:?}");
        }
    }
}

#[test]
fn a_jpeg_in_display_p3_is_the_same_jpeg_in_other_colours() {
    let colours = [[255, 0, 0], [0, 255, 0], [10, 200, 40], [128, 128, 128]];
    let plain = flat_jpeg(&colours, None, &[]);
    let found = read(&jpeg_with_profile(&plain, &DISPLAY_P3.profile("Display P3")));
    assert_eq!(found.info.profile.as_deref(), Some("Display P3"));
    let untagged = read(&plain);
    assert_eq!(untagged.info.profile, None);
    for (found, plain) in
        found.image.pixels().as_chunks::<3>().0.iter().zip(untagged.image.pixels().as_chunks::<3>().0)
    {
        let expected = DISPLAY_P3.in_srgb(plain.map(f64::from));
        assert!(found.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 0.5 / 255.0));
    }
}

#[test]
fn a_picture_that_is_srgb_by_its_profile_keeps_every_bit() {
    let picture = row(&colours());
    let plain = encoded(&picture, ImageFormat::Png);
    let found = read(&png_with_profile(&plain, &SRGB.profile("sRGB in other words")));
    assert_eq!(found.image, Image::decode(&plain).unwrap());
    assert_eq!(found.info.profile.as_deref(), Some("sRGB in other words"));
}

#[test]
fn transparent_pixels_in_display_p3_lie_over_white_after_they_were_converted() {
    let pixel = image::Rgba([10u8, 200, 30, 51]);
    let plain =
        encoded(&DynamicImage::ImageRgba8(image::ImageBuffer::from_pixel(1, 1, pixel)), ImageFormat::Png);
    let found = read(&png_with_profile(&plain, &DISPLAY_P3.profile("P3")));
    let expected =
        DISPLAY_P3.in_srgb([10.0, 200.0, 30.0].map(|value| value / 255.0)).map(|value| value * 0.2 + 0.8);
    assert!(found.image.pixels().iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 0.001));
    assert!((found.alpha.unwrap().values()[0] - 0.2).abs() < 1e-6);
}

#[test]
fn grey_pixels_follow_a_profile_for_greys_and_one_for_colours() {
    let values: Vec<u8> = (0..=255).collect();
    let grey = image::GrayImage::from_raw(256, 1, values).unwrap();
    let plain = encoded(&DynamicImage::ImageLuma8(grey), ImageFormat::Png);
    for (profile, gamma) in
        [(grey_profile(1.8), 1.8), (grey_profile(2.2), 2.2), (ADOBE_RGB.profile("A"), 563.0 / 256.0)]
    {
        let found = read(&png_with_profile(&plain, &profile)).image;
        for (value, found) in found.pixels().as_chunks::<3>().0.iter().enumerate() {
            let light = (value as f64 / 255.0).powf(gamma);
            let expected =
                if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
            assert!(found.iter().all(|a| (f64::from(*a) - expected).abs() < 0.5 / 255.0), "{gamma}: {value}");
        }
    }
}

#[test]
fn a_profile_that_does_not_fit_or_is_broken_is_a_warning() {
    let plain = encoded(&row(&colours()), ImageFormat::Png);
    let ignored = "its colour profile is ignored: ";
    for (profile, reason) in [
        (grey_profile(2.2), "it is for Gray pixels, and the picture has others"),
        (cmyk_profile(|_| [50.0, 0.0, 0.0]), "it is for Cmyk pixels, and the picture has others"),
        (b"no profile at all".to_vec(), "Invalid ICC profile"),
        (DISPLAY_P3.profile("P3")[..200].to_vec(), "Invalid ICC profile"),
        (vec![0; 5 << 20], "it takes more than the limit of 4 MiB"),
    ] {
        let bytes = png_with_profile(&plain, &profile);
        assert_eq!(warning(&bytes), format!("{ignored}{reason}"));
        assert_eq!(Image::decode(&bytes).unwrap(), Image::decode(&plain).unwrap());
    }
    let broken = [&plain[..33], &chunk(*b"iCCP", b"a name\0\0no zlib stream"), &plain[33..]].concat();
    assert_eq!(warning(&broken), format!("{ignored}it cannot be inflated"));
    let jpeg = flat_jpeg(&[[1, 2, 3]], None, &segment(0xe2, b"ICC_PROFILE\0\x02\x02half"));
    assert_eq!(warning(&jpeg), format!("{ignored}part 1 of 2 is missing"));
}

#[test]
fn a_png_says_its_colours_without_a_profile_too() {
    let (colours, near) = (colours(), |a: f64| a < 0.5);
    let plain = encoded(&row(&colours), ImageFormat::Png);
    let with = |chunks: &[u8]| [&plain[..33], chunks, &plain[33..]].concat();
    // ITU-T H.273: primaries 12 are P3 with the white of sRGB, curve 13 is sRGB's.
    let p3 = chunk(*b"cICP", &[12, 13, 0, 1]);
    let found = read(&with(&p3));
    assert!(
        near(distance(&found.image, &colours, DISPLAY_P3)),
        "{}",
        distance(&found.image, &colours, DISPLAY_P3)
    );
    assert_eq!(found.info.profile.as_deref(), Some("Display P3"));
    // What says sRGB changes nothing.
    let gamma = |gamma: u32| chunk(*b"gAMA", &gamma.to_be_bytes());
    let places = |places: [u32; 8]| chunk(*b"cHRM", &places.map(u32::to_be_bytes).concat());
    let srgb = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
    for chunks in [
        chunk(*b"sRGB", &[0]),
        chunk(*b"cICP", &[1, 13, 0, 1]),
        gamma(45_455),
        [gamma(45_455), places(srgb)].concat(),
        [chunk(*b"sRGB", &[0]), gamma(100_000)].concat(),
        gamma(0),
    ] {
        assert_eq!(read(&with(&chunks)).image, Image::decode(&plain).unwrap());
    }
    // Adobe RGB in numbers.
    let adobe = [31_270, 32_900, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000];
    let found = read(&with(&[gamma(45_471), places(adobe)].concat())).image;
    let space = Space { curve: crate::test_profiles::Curve::Srgb, ..ADOBE_RGB };
    assert!(near(distance(&found, &colours, space)), "{}", distance(&found, &colours, space));
    let linear = Space { curve: crate::test_profiles::Curve::Gamma(1.0), ..SRGB };
    let found = read(&with(&gamma(100_000))).image;
    assert!(near(distance(&found, &colours, linear)), "{}", distance(&found, &colours, linear));
    let text = warning(&with(&chunk(*b"cICP", &[9, 16, 0, 1])));
    assert_eq!(text, "its colour profile is ignored: its curve is one of high dynamic range");
    assert!(warning(&with(&chunk(*b"cICP", &[200, 13, 0, 1]))).ends_with("are not known"));
    assert!(warning(&with(&gamma(1))).ends_with("its gamma is 100000"));
    assert!(
        warning(&with(&[gamma(45_455), places([0; 8])].concat())).ends_with("its primaries are no colours")
    );
}

/// Some inks that never were: cyan takes red, and so on, each less than the one before.
fn inks([cyan, magenta, yellow, black]: [f64; 4]) -> [f64; 3] {
    let light = 100.0 - 20.0 * cyan - 25.0 * magenta - 5.0 * yellow - 50.0 * black;
    [light, -35.0 * cyan + 60.0 * magenta - 5.0 * yellow, -40.0 * cyan + 80.0 * yellow]
}

const MIXTURES: [[u8; 4]; 7] = [
    [0, 0, 0, 0],
    [255, 0, 0, 0],
    [0, 255, 0, 0],
    [0, 0, 255, 0],
    [0, 0, 0, 255],
    [60, 120, 30, 45],
    [128, 128, 128, 0],
];

/// As Adobe's programs store them, or as they are; YCCK is `YCbCr` of the complement of what is stored.
fn stored(inks: [u8; 4], is_adobe: bool, is_ycck: bool) -> [u8; 4] {
    let stored = if is_adobe { inks.map(|ink| 255 - ink) } else { inks };
    if !is_ycck {
        return stored;
    }
    let [red, green, blue, _] = stored.map(|value| f64::from(255 - value));
    // ITU-T T.871, section 7.
    let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    let [blue, red] = [(blue - luma) / 1.772 + 128.0, (red - luma) / 1.402 + 128.0];
    let [luma, blue, red] = [luma, blue, red].map(|value| value.round() as u8);
    [luma, blue, red, stored[3]]
}

#[test]
fn cmyk_of_every_kind_is_mixed_the_same() {
    for (transform, is_adobe, is_ycck) in
        [(None, false, false), (Some(0), true, false), (Some(2), true, true)]
    {
        let pixels = MIXTURES.map(|inks| stored(inks, is_adobe, is_ycck));
        let jpeg = flat_jpeg(&pixels, transform, &[]);
        let found = ReadOptions::default().decode(&jpeg).unwrap();
        let guess = "its inks (CMYK) are mixed without a profile, so its colours are a guess";
        assert_eq!(found.info.warnings, [guess], "{transform:?}");
        let tagged = read(&jpeg_with_profile(&jpeg, &cmyk_profile(inks)));
        assert_eq!(tagged.info.profile.as_deref(), Some("some inks"));
        for (index, mixture) in MIXTURES.iter().enumerate() {
            let [cyan, magenta, yellow, black] = mixture.map(|ink| f64::from(ink) / 255.0);
            let plain = [cyan, magenta, yellow].map(|ink| (1.0 - ink) * (1.0 - black));
            let by_profile = lab_in_srgb(inks([cyan, magenta, yellow, black]));
            // YCCK is rounded once more.
            for (image, expected, tolerance) in [(&found.image, plain, 1.6), (&tagged.image, by_profile, 2.5)]
            {
                let pixel = &image.pixels()[3 * 8 * index..][..3];
                for (a, b) in pixel.iter().zip(expected) {
                    let distance = 255.0 * (f64::from(*a) - b).abs();
                    assert!(
                        distance < tolerance,
                        "{transform:?}, {mixture:?}: {pixel:?}, expected {expected:?}"
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_profiles_never_panic(
        kind in 0usize..3,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
    ) {
        let (mut profile, inks) = match kind {
            0 => (DISPLAY_P3.profile("P3"), Inks::Rgb),
            1 => (grey_profile(2.2), Inks::Grey),
            _ => (cmyk_profile(super::tests::inks), Inks::Cmyk),
        };
        for (position, value) in flips {
            // Nearly all of a table is numbers; the structure is at the front.
            let position = position.index(profile.len().min(400));
            profile[position] = value;
        }
        let length = profile.len();
        profile.truncate(length - end.index(length) / 8);
        if let Ok(conversion) = Conversion::by_profile(&profile, inks) {
            let from = vec![12_345; 10 * conversion.takes.channels()];
            let _ = conversion.convert(&from, &mut [0; 30]);
        }
    }
}

#[test]
fn a_profile_on_a_png_of_one_bit_is_used() {
    let plain = png((2, 1), 1, 0, &[], &[0, 0b0100_0000]);
    let found = read(&png_with_profile(&plain, &grey_profile(1.0)));
    assert_eq!(found.image.pixels(), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
}
