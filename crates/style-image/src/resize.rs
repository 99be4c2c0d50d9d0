//! Another size for a picture.

use fast_image_resize::pixels::F32x3;

use crate::resample::{check_resampling, convolve};
use crate::{Filter, Image, ImageError, resample_planes};

impl Image {
    /// The picture at another size, in px; proportions are the caller's business.
    ///
    /// A Lanczos filter with three lobes, stretched to the source's pixels when it shrinks, so fine
    /// patterns average out and make no moiré. It works on the sRGB values and clamps what overshoots.
    /// The picture's own size gives a copy.
    ///
    /// # Errors
    ///
    /// [`ImageError::NoPixels`] if a side is 0, [`ImageError::TooLarge`] if the new size is over
    /// [`MAX_SIDE`](crate::MAX_SIDE) or [`MAX_PIXELS`](crate::MAX_PIXELS),
    /// [`ImageError::NotEnoughMemory`] if the system has none left.
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::Image;
    ///
    /// let grey = Image::new(4, 4, vec![0.5; 48])?;
    /// let wide = grey.resized(8, 2)?;
    /// assert_eq!((wide.width(), wide.height()), (8, 2));
    /// # Ok::<(), style_image::ImageError>(())
    /// ```
    pub fn resized(&self, width: usize, height: usize) -> Result<Self, ImageError> {
        self.resized_with(width, height, Filter::Lanczos)
    }

    /// The picture at another size, in px, by a filter of choice; clamped where the filter overshoots.
    ///
    /// # Errors
    ///
    /// As [`resized`](Self::resized).
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::{Filter, Image};
    ///
    /// let image = Image::new(2, 1, vec![1.0, 0.0, 0.0, /* red, then blue */ 0.0, 0.0, 1.0])?;
    /// assert_eq!(image.resized_with(1, 1, Filter::Area)?.pixels(), [0.5, 0.0, 0.5]);
    /// # Ok::<(), style_image::ImageError>(())
    /// ```
    pub fn resized_with(&self, width: usize, height: usize, filter: Filter) -> Result<Self, ImageError> {
        let (from, to) = ((self.width(), self.height()), (width, height));
        if from == to {
            return Ok(self.clone());
        }
        let Some(kernel) = filter.kernel() else {
            let planes = resample_planes(&self.to_planar(), from, to, filter)?;
            return Self::from_planar(width, height, &planes);
        };
        check_resampling(3, from, to)?;
        let pixels = self.pixels().as_chunks().0.iter().map(|&pixel| F32x3::new(pixel)).collect();
        let pixels = convolve(pixels, from, to, kernel)?;
        Self::new(width, height, pixels.into_iter().flat_map(|pixel| pixel.0).collect())
    }

    /// The picture with its longer side at `px`, larger or smaller, and the other side in proportion:
    /// rounded to the nearest px, at least 1.
    ///
    /// # Errors
    ///
    /// As [`resized`](Self::resized).
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::Image;
    ///
    /// let image = Image::new(30, 20, vec![0.5; 1800])?.resized_to_long_side(16)?;
    /// assert_eq!((image.width(), image.height()), (16, 11));
    /// # Ok::<(), style_image::ImageError>(())
    /// ```
    pub fn resized_to_long_side(&self, px: usize) -> Result<Self, ImageError> {
        let (width, height) = with_long_side((self.width(), self.height()), px);
        self.resized(width, height)
    }
}

/// (Width, height) of a picture after [`Image::resized_to_long_side`].
///
/// Both sides are at least 1 px before; afterwards the longer one is `px`, the other in proportion, rounded to the
/// nearest px, at least 1 where `px` is.
#[must_use]
pub fn with_long_side((width, height): (usize, usize), px: usize) -> (usize, usize) {
    let long = width.max(height).max(1) as u128;
    let scaled = |side: usize| {
        let rounded = (side as u128 * px as u128 + long / 2) / long;
        usize::try_from(rounded).unwrap_or(usize::MAX).max(px.min(1))
    };
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ramp(width: usize, height: usize) -> Image {
        let value = |i: usize| (i * 37 % 101) as f32 / 100.0;
        Image::new(width, height, (0..3 * width * height).map(value).collect()).unwrap()
    }

    fn size(image: &Image) -> (usize, usize) {
        (image.width(), image.height())
    }

    #[test]
    fn the_own_size_gives_a_copy() {
        let image = ramp(5, 7);
        assert_eq!(image.resized(5, 7).unwrap(), image);
        assert_eq!(image.resized_to_long_side(7).unwrap(), image);
    }

    #[test]
    fn stripes_of_one_pixel_shrink_to_grey() {
        let pixels = (0..64 * 64).flat_map(|i| [(i % 2) as f32; 3]).collect();
        let small = Image::new(64, 64, pixels).unwrap().resized(16, 16).unwrap();
        let middle = &small.pixels()[3 * (8 * 16 + 4)..3 * (8 * 16 + 12)];
        assert!(middle.iter().all(|value| (value - 0.5).abs() < 0.02), "{middle:?}");
    }

    #[test]
    fn overshoot_at_an_edge_is_clamped() {
        let pixels = (0..8 * 8).flat_map(|i| [f32::from(u8::from(i % 8 >= 4)); 3]).collect();
        let large = Image::new(8, 8, pixels).unwrap().resized(32, 32).unwrap();
        assert!(large.pixels().iter().all(|value| (0.0..=1.0).contains(value)));
        assert!(large.pixels().contains(&0.0) && large.pixels().contains(&1.0));
    }

    #[test]
    fn a_mirrored_picture_resizes_to_the_mirror_image() {
        let mirror = |image: &Image| {
            let rows = image.pixels().chunks_exact(3 * image.width());
            let pixels = rows.flat_map(|row| row.chunks_exact(3).rev().flatten().copied());
            Image::new(image.width(), image.height(), pixels.collect()).unwrap()
        };
        let image = ramp(23, 9);
        let one = mirror(&image.resized(10, 6).unwrap());
        let other = mirror(&image).resized(10, 6).unwrap();
        assert!(one.pixels().iter().zip(other.pixels()).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    #[test]
    fn a_picture_resizes_as_its_planes_do() {
        let image = ramp(9, 7);
        for filter in [Filter::Bilinear, Filter::Bicubic, Filter::Lanczos, Filter::Area] {
            assert_eq!(image.resized_with(9, 7, filter).unwrap(), image);
            let found = image.resized_with(4, 12, filter).unwrap();
            let planes = resample_planes(&image.to_planar(), (9, 7), (4, 12), filter).unwrap();
            let expected = Image::from_planar(4, 12, &planes).unwrap();
            assert!(found.pixels().iter().zip(expected.pixels()).all(|(a, b)| (a - b).abs() < 1e-6));
            assert!(image.resized_with(0, 1, filter).is_err());
        }
        assert_eq!(image.resized(4, 12).unwrap(), image.resized_with(4, 12, Filter::Lanczos).unwrap());
    }

    #[test]
    fn thin_pictures_keep_one_pixel() {
        assert_eq!(size(&ramp(1, 512).resized_to_long_side(64).unwrap()), (1, 64));
        assert_eq!(size(&ramp(512, 3).resized_to_long_side(16).unwrap()), (16, 1));
        assert_eq!(size(&ramp(1, 1).resized_to_long_side(9).unwrap()), (9, 9));
        assert_eq!(size(&ramp(40, 30).resized_to_long_side(1).unwrap()), (1, 1));
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let image = ramp(3, 2);
        assert!(matches!(image.resized(0, 4), Err(ImageError::NoPixels { .. })));
        assert!(matches!(image.resized_to_long_side(0), Err(ImageError::NoPixels { .. })));
        assert!(matches!(image.resized(100_000, 100_000), Err(ImageError::TooLarge { .. })));
        assert!(matches!(image.resized_to_long_side(usize::MAX), Err(ImageError::TooLarge { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_constant_picture_stays_constant(
            from in (1usize..40, 1usize..40),
            to in (1usize..60, 1usize..60),
            colour in prop::array::uniform3(0.0f32..=1.0),
        ) {
            let pixels = (0..from.0 * from.1).flat_map(|_| colour).collect();
            let resized = Image::new(from.0, from.1, pixels).unwrap().resized(to.0, to.1).unwrap();
            for pixel in resized.pixels().chunks_exact(3) {
                for (value, expected) in pixel.iter().zip(colour) {
                    prop_assert!((value - expected).abs() < 1e-5, "{value} for {expected}");
                }
            }
        }

        #[test]
        fn the_long_side_is_exact_and_the_other_in_proportion(
            width in 1usize..80, height in 1usize..80, px in 1usize..160,
        ) {
            let resized = ramp(width, height).resized_to_long_side(px).unwrap();
            prop_assert_eq!(resized.width().max(resized.height()), px);
            let exact = px as f64 * width.min(height) as f64 / width.max(height) as f64;
            let short = resized.width().min(resized.height()) as f64;
            prop_assert!((short - exact.max(1.0)).abs() <= 0.5, "{} for {}", short, exact);
        }
    }
}
