//! Pixels into the bytes of a picture file.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::limits::check_memory;
use crate::{Image, ImageError, write_atomically};

/// Of 100. At 95 the blocks of 8 x 8 px cannot be seen.
const JPEG_QUALITY: u8 = 95;

/// A format that pictures are written in.
///
/// # Examples
///
/// ```
/// use style_image::PictureFormat;
///
/// assert_eq!(PictureFormat::from_path("out/castle.JPG")?, PictureFormat::Jpeg);
///
/// let error = PictureFormat::from_path("castle.tga").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "cannot save castle.tga: its extension is \"tga\", expected .png, .jpg, .jpeg or .webp"
/// );
/// # Ok::<(), style_image::ImageError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PictureFormat {
    /// Lossless, 8 bits.
    Png,
    /// Lossy, quality 95 of 100, colour at full resolution.
    Jpeg,
    /// Lossless WebP, 8 bits, up to 16383 px a side.
    WebP,
}

impl PictureFormat {
    /// The format that a path's extension names; upper case is forgiven.
    ///
    /// # Errors
    ///
    /// [`ImageError::UnsupportedExtension`] for any but `png`, `jpg`, `jpeg` and `webp`.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        let path = path.as_ref();
        let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned());
        match extension.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("png") => Ok(Self::Png),
            Some("jpg" | "jpeg") => Ok(Self::Jpeg),
            Some("webp") => Ok(Self::WebP),
            _ => {
                let found = extension.map_or_else(
                    || "it has no extension".into(),
                    |text| format!("its extension is {text:?}"),
                );
                Err(ImageError::UnsupportedExtension { path: path.to_owned(), found })
            }
        }
    }

    /// The format's name, for example `PNG`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
        }
    }
}

impl Image {
    /// The picture as the bytes of a file, every value rounded to 8 bits.
    ///
    /// Equal pictures give equal bytes: no dates, no metadata.
    ///
    /// # Errors
    ///
    /// [`ImageError::Encode`] if the format cannot hold a picture of this size,
    /// [`ImageError::NotEnoughMemory`] if the system has none left.
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::{Image, PictureFormat};
    ///
    /// let bytes = Image::new(1, 1, vec![0.2, 0.4, 0.6])?.encode(PictureFormat::Png)?;
    /// assert!(bytes.starts_with(b"\x89PNG"));
    /// # Ok::<(), style_image::ImageError>(())
    /// ```
    pub fn encode(&self, format: PictureFormat) -> Result<Vec<u8>, ImageError> {
        let name = format.name();
        let refused =
            |error: image::ImageError| ImageError::Encode { format: name, reason: error.to_string() };
        let side = |px: usize| {
            let reason = format!("a side of {px} px is too long");
            u32::try_from(px).map_err(|_| ImageError::Encode { format: name, reason })
        };
        let (width, height, colour) = (side(self.width())?, side(self.height())?, ExtendedColorType::Rgb8);
        // The samples, the file, and as much again inside the encoder.
        check_memory(self.pixels().len().saturating_mul(4))?;
        let samples: Vec<u8> = self.pixels().iter().map(|&value| (value * 255.0).round() as u8).collect();
        let mut bytes = Vec::new();
        match format {
            PictureFormat::Png => {
                PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
                    .write_image(&samples, width, height, colour)
            }
            PictureFormat::Jpeg => JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
                .write_image(&samples, width, height, colour),
            PictureFormat::WebP => {
                WebPEncoder::new_lossless(&mut bytes).write_image(&samples, width, height, colour)
            }
        }
        .map_err(refused)?;
        Ok(bytes)
    }

    /// Saves the picture; the path's extension chooses the format ([`PictureFormat::from_path`]) and
    /// folders that are missing are made. A file of that name is replaced as a whole or stays as it was
    /// ([`write_atomically`]).
    ///
    /// # Errors
    ///
    /// [`ImageError::UnsupportedExtension`] before anything is written, [`ImageError::InFile`] with what
    /// [`encode`](Self::encode) says, [`ImageError::Write`] or [`ImageError::IsADirectory`] if the file
    /// cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ImageError> {
        let path = path.as_ref();
        let format = PictureFormat::from_path(path)?;
        let bytes = self.encode(format).map_err(|fault| fault.in_file(path))?;
        write_atomically(path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_rounded_to_the_nearest_of_256() {
        let image = Image::new(1, 1, vec![0.5, 0.001_9, 0.002]).unwrap();
        let read = Image::decode(&image.encode(PictureFormat::Png).unwrap()).unwrap();
        assert_eq!(read.pixels(), [128.0 / 255.0, 0.0, 1.0 / 255.0]);
    }

    #[test]
    fn equal_pictures_give_equal_bytes() {
        let image = Image::new(3, 3, vec![0.3; 27]).unwrap();
        for format in [PictureFormat::Png, PictureFormat::Jpeg, PictureFormat::WebP] {
            assert_eq!(image.encode(format).unwrap(), image.encode(format).unwrap());
        }
    }

    #[test]
    fn a_jpeg_keeps_the_colours_of_a_smooth_picture() {
        let pixels = (0..32 * 24).flat_map(|i| [(i % 32) as f32 / 31.0, 0.4, (i / 32) as f32 / 23.0]);
        let image = Image::new(32, 24, pixels.collect()).unwrap();
        let read = Image::decode(&image.encode(PictureFormat::Jpeg).unwrap()).unwrap();
        assert!(image.pixels().iter().zip(read.pixels()).all(|(a, b)| (a - b).abs() < 0.03));
    }

    #[test]
    fn a_side_that_the_format_cannot_hold_is_refused() {
        let long = Image::new(70_000, 1, vec![0.5; 210_000]).unwrap();
        for format in [PictureFormat::Jpeg, PictureFormat::WebP] {
            let error = long.encode(format).unwrap_err();
            assert!(matches!(error, ImageError::Encode { .. }), "{error}");
            assert!(error.to_string().starts_with("cannot write this picture as"), "{error}");
        }
        assert!(long.encode(PictureFormat::Png).is_ok());
    }

    #[test]
    fn a_path_without_extension_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture");
        let image = Image::new(1, 1, vec![0.5; 3]).unwrap();
        let text = image.save(&path).unwrap_err().to_string();
        let place = path.display();
        assert_eq!(
            text,
            format!("cannot save {place}: it has no extension, expected .png, .jpg, .jpeg or .webp")
        );
        assert!(!path.exists());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_saved_picture_opens_as_it_was(
            (width, height, pixels) in (1usize..20, 1usize..20).prop_flat_map(|(width, height)| {
                (Just(width), Just(height), prop::collection::vec(0.0f32..=1.0, 3 * width * height))
            }),
            name in prop::sample::select(vec!["a.png", "a.webp"]),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            let image = Image::new(width, height, pixels).unwrap();
            image.save(&path).unwrap();
            let read = Image::open(&path).unwrap();
            prop_assert_eq!((read.width(), read.height()), (width, height));
            for (a, b) in image.pixels().iter().zip(read.pixels()) {
                prop_assert!((a - b).abs() <= 0.5 / 255.0 + 1e-6);
            }
            // What is already in 8 bits comes back exactly.
            read.save(&path).unwrap();
            prop_assert_eq!(Image::open(&path).unwrap(), read);
        }
    }
}
