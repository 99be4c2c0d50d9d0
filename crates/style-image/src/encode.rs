//! Pixels into the bytes of a picture file.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::limits::check_memory;
use crate::{Image, ImageError, Mask, WriteOptions, metadata, write_atomically};

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
    /// Lossless, 8 or 16 bits.
    Png,
    /// Lossy, 8 bits, quality 95 of 100 unless asked for, colour at full resolution.
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
        match extension(path).as_deref() {
            Some("png") => Ok(Self::Png),
            Some("jpg" | "jpeg") => Ok(Self::Jpeg),
            Some("webp") => Ok(Self::WebP),
            _ => {
                let expected = ".png, .jpg, .jpeg or .webp";
                Err(unsupported_extension(path, expected))
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

/// What stands behind the last dot of a path, in small letters.
pub(crate) fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase())
}

pub(crate) fn unsupported_extension(path: &Path, expected: &'static str) -> ImageError {
    let found = path.extension().map(|extension| extension.to_string_lossy());
    let found = found
        .map_or_else(|| "it has no extension".into(), |extension| format!("its extension is {extension:?}"));
    ImageError::UnsupportedExtension { path: path.to_owned(), found, expected }
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
        self.pixels_in(format, &WriteOptions::default())
    }

    /// The same with options. A PNG also says that its colours are sRGB; the other formats mean that when they say nothing.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode), and [`ImageError::Encode`] for what the format has not (16 bits, transparency),
    /// [`ImageError::OutOfRange`], [`ImageError::DifferentSizes`] for a mask that is not of the picture's size,
    /// [`ImageError::TooHeavy`] for a recipe over 1 MiB.
    ///
    /// # Examples
    ///
    /// See [`WriteOptions`].
    pub fn encode_with(
        &self,
        format: PictureFormat,
        options: &WriteOptions<'_>,
    ) -> Result<Vec<u8>, ImageError> {
        options.check(self, format)?;
        let bytes = self.pixels_in(format, options)?;
        let size = (self.width(), self.height());
        Ok(metadata::written(format, bytes, size, options.alpha.is_some(), options.recipe))
    }

    /// The file without metadata.
    fn pixels_in(&self, format: PictureFormat, options: &WriteOptions<'_>) -> Result<Vec<u8>, ImageError> {
        let name = format.name();
        let refused =
            |error: image::ImageError| ImageError::Encode { format: name, reason: error.to_string() };
        let side = |px: usize| {
            let reason = format!("a side of {px} px is too long");
            u32::try_from(px).map_err(|_| ImageError::Encode { format: name, reason })
        };
        let (width, height) = (side(self.width())?, side(self.height())?);
        // The samples, the file, and as much again inside the encoder.
        let bytes = usize::from(options.bits / 8);
        check_memory(self.pixels().len().saturating_mul(4 * bytes))?;
        let (samples, colour) = self.samples(options);
        let mut bytes = Vec::new();
        match format {
            PictureFormat::Png => {
                PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
                    .write_image(&samples, width, height, colour)
            }
            PictureFormat::Jpeg => JpegEncoder::new_with_quality(&mut bytes, options.quality)
                .write_image(&samples, width, height, colour),
            PictureFormat::WebP => {
                WebPEncoder::new_lossless(&mut bytes).write_image(&samples, width, height, colour)
            }
        }
        .map_err(refused)?;
        Ok(bytes)
    }

    /// The samples as an encoder takes them, alpha among them: 16 bits in the order of the machine.
    fn samples(&self, options: &WriteOptions<'_>) -> (Vec<u8>, ExtendedColorType) {
        let byte = |value: f32| (value * 255.0).round() as u8;
        let word = |value: f32| ((value * 65_535.0).round() as u16).to_ne_bytes();
        match (options.bits, options.alpha) {
            (16, None) => (self.pixels().iter().copied().flat_map(word).collect(), ExtendedColorType::Rgb16),
            (16, Some(alpha)) => {
                (self.off_white(alpha).flatten().flat_map(word).collect(), ExtendedColorType::Rgba16)
            }
            (_, None) => (self.pixels().iter().copied().map(byte).collect(), ExtendedColorType::Rgb8),
            (_, Some(alpha)) => {
                (self.off_white(alpha).flatten().map(byte).collect(), ExtendedColorType::Rgba8)
            }
        }
    }

    /// Colours and alpha that give this picture on white, where there are any.
    fn off_white<'a>(&'a self, alpha: &'a Mask) -> impl Iterator<Item = [f32; 4]> + 'a {
        self.pixels().as_chunks::<3>().0.iter().zip(alpha.values()).map(|(&colour, &alpha)| {
            // Nothing shows of a pixel that is wholly transparent: it may keep its colour.
            let own = |value: f32| if alpha > 0.0 { (value - (1.0 - alpha)) / alpha } else { value };
            let [red, green, blue] = colour.map(|value| own(value).clamp(0.0, 1.0));
            [red, green, blue, alpha]
        })
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

    /// The same with options.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save) and [`encode_with`](Self::encode_with).
    pub fn save_with(&self, path: impl AsRef<Path>, options: &WriteOptions<'_>) -> Result<(), ImageError> {
        let path = path.as_ref();
        let format = PictureFormat::from_path(path)?;
        let bytes = self.encode_with(format, options).map_err(|fault| fault.in_file(path))?;
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
