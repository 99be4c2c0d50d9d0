//! Limits that are raised and lowered, and what is told about a picture.

use super::*;
use crate::test_pictures::{chunk, colourful, encoded, png};
use crate::{Image, Mask, PictureFormat, WriteOptions};
use image::{DynamicImage, ImageFormat};

fn bytes(width: usize, height: usize) -> Vec<u8> {
    Image::new(width, height, vec![0.5; 3 * width * height]).unwrap().encode(PictureFormat::Png).unwrap()
}

#[test]
fn limits_can_be_lowered_and_raised() {
    let picture = bytes(100, 50);
    let options = ReadOptions::default();
    assert_eq!(
        options.max_side(99).decode(&picture),
        Err(ImageError::TooLarge { width: 100, height: 50, max_side: 99, max_pixels: MAX_PIXELS })
    );
    assert_eq!(
        options.max_pixels(4999).decode(&picture),
        Err(ImageError::TooLarge { width: 100, height: 50, max_side: MAX_SIDE, max_pixels: 4999 })
    );
    assert!(options.max_side(100).max_pixels(5000).decode(&picture).is_ok());
    let long = bytes(MAX_SIDE + 1, 1);
    let error = options.decode(&long).unwrap_err();
    assert!(
        matches!(error, ImageError::TooLarge { .. }) && error.help().contains("ReadOptions::max_side"),
        "{error}"
    );
    assert_eq!(options.max_side(MAX_SIDE + 1).decode(&long).unwrap().image.width(), MAX_SIDE + 1);
    for format in
        [ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::Tiff]
    {
        let picture = encoded(&colourful(20, 10), format);
        let error = options.max_side(19).decode(&picture).unwrap_err();
        assert!(matches!(error, ImageError::TooLarge { .. }), "{format:?}: {error}");
        assert!(options.max_side(20).max_pixels(200).decode(&picture).is_ok(), "{format:?}");
    }
}

#[test]
fn the_bytes_of_a_file_are_limited_wherever_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let picture = encoded(&colourful(900, 900), ImageFormat::Bmp);
    std::fs::write(&path, &picture).unwrap();
    let options = ReadOptions::default().max_bytes(1 << 20);
    let refused = ImageError::TooHeavy { what: "the file's bytes", limit_mib: 1 };
    assert!(refused.help().contains("ReadOptions::max_bytes"));
    assert_eq!(options.decode(&picture), Err(refused.clone()));
    assert_eq!(options.read(&picture[..]), Err(refused.clone()));
    assert_eq!(options.open(&path).unwrap_err().fault(), &refused);
    let exactly = options.max_bytes(picture.len());
    assert!(
        exactly.decode(&picture).is_ok() && exactly.read(&picture[..]).is_ok() && exactly.open(&path).is_ok()
    );
}

#[test]
fn what_is_odd_about_a_picture_is_told_or_refused() {
    let clear = Mask::new(2, 1, vec![0.0; 2]).unwrap();
    let clear = Image::new(2, 1, vec![0.5; 6])
        .unwrap()
        .encode_with(PictureFormat::Png, &WriteOptions::default().alpha(&clear))
        .unwrap();
    let plain = bytes(2, 2);
    let frame = chunk(*b"fcTL", &[0; 26]);
    let frames = [&plain[..33], &frame, &frame, &plain[33..]].concat();
    for (bytes, warning) in [
        (clear, "every pixel is transparent, so all of it is white"),
        (frames, "only the first of its 2 pictures is read"),
        (
            png((2, 1), 8, 3, &chunk(*b"PLTE", &[1, 2, 3]), &[0, 0, 9]),
            "a pixel has colour 9 of a palette of 1",
        ),
    ] {
        let picture = ReadOptions::default().decode(&bytes).unwrap();
        assert_eq!(picture.info.warnings, [warning]);
        let refused = ReadOptions::default().strict(true).decode(&bytes).unwrap_err();
        assert_eq!(refused.to_string(), format!("the PNG is doubtful: {warning}"));
    }
}

#[test]
fn bits_and_format_are_told() {
    let deep =
        DynamicImage::ImageRgba16(image::ImageBuffer::from_pixel(1, 1, image::Rgba([0u16, 0, 0, 65_535])));
    let float =
        DynamicImage::ImageRgb32F(image::ImageBuffer::from_pixel(1, 1, image::Rgb([0.5f32, 0.0, 0.0])));
    for (bytes, format, bits) in [
        (encoded(&deep, ImageFormat::Png), "PNG", 16),
        (encoded(&float, ImageFormat::Tiff), "TIFF", 32),
        (encoded(&colourful(3, 3), ImageFormat::Jpeg), "JPEG", 8),
        (png((2, 1), 1, 0, &[], &[0, 0b0100_0000]), "PNG", 8),
    ] {
        let info = ReadOptions::default().strict(true).decode(&bytes).unwrap().info;
        assert_eq!((info.format, info.bits, info.orientation, info.profile), (format, bits, 1, None));
    }
}
