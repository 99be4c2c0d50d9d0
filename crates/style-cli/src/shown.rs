//! Pictures as pages show them.

use style_transfer::{Image, ImageError, PictureFormat};

/// The picture with no longer side than this many px, as a JPEG.
pub(crate) fn jpeg(image: &Image, longest: usize) -> Result<Vec<u8>, ImageError> {
    if image.width().max(image.height()) > longest {
        image.resized_to_long_side(longest)?.encode(PictureFormat::Jpeg)
    } else {
        image.encode(PictureFormat::Jpeg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_picture_is_shown_smaller() {
        let shown = |width: usize| {
            let image = Image::new(width, 10, vec![0.5; 30 * width]).unwrap();
            let shown = Image::decode(&jpeg(&image, 1024).unwrap()).unwrap();
            (shown.width(), shown.height())
        };
        assert_eq!([shown(2000), shown(700)], [(1024, 5), (700, 10)]);
    }
}
