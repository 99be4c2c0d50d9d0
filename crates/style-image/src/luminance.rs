//! Light and colour apart.

use crate::colour::LEAST_VARIANCE;
use crate::limits::check_memory;
use crate::{Image, ImageError};

/// What red, green and blue add to the luminance (NTSC 1953, ITU-R BT.601); their sum is 1.
const WEIGHTS: [f32; 3] = [0.299, 0.587, 0.114];

impl Image {
    /// Luminance of every pixel, row by row from the top: Y = 0.299 R + 0.587 G + 0.114 B of the sRGB values, in
    /// `[0, 1]`.
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::Image;
    ///
    /// assert_eq!(Image::new(2, 1, vec![1.0, 0.0, 0.0, /* . */ 1.0, 1.0, 1.0])?.luminance(), [0.299, 1.0]);
    /// # Ok::<(), style_image::ImageError>(())
    /// ```
    #[must_use]
    pub fn luminance(&self) -> Vec<f32> {
        // A sum of rounded products may pass 1 by the last bit.
        self.pixels().as_chunks().0.iter().map(|pixel| luminance_of(pixel).min(1.0)).collect()
    }

    /// The picture without its colours: the luminance in all three channels.
    ///
    /// # Errors
    ///
    /// [`ImageError::NotEnoughMemory`] if the system has none left for the new picture.
    pub fn grey(&self) -> Result<Self, ImageError> {
        self.grey_by(|luminance| luminance)
    }

    /// The own colours in the light of another picture of the same size: every pixel keeps its chroma (I and Q of YIQ)
    /// and gets the other's luminance.
    ///
    /// In YIQ all of red, green and blue grow by as much as Y does, so the difference of the two luminances is added to
    /// each. What leaves `[0, 1]` is clamped, and there the luminance is not quite the other's.
    ///
    /// This puts the colours back after a transfer between grey pictures: `content.with_luminance_of(&result)`.
    ///
    /// # Errors
    ///
    /// [`ImageError::DifferentSizes`], and [`ImageError::NotEnoughMemory`] if the system has none left.
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::Image;
    ///
    /// let dark_red = Image::new(1, 1, vec![0.5, 0.0, 0.0])?;
    /// let pale_red = dark_red.with_luminance_of(&Image::new(1, 1, vec![0.5; 3])?)?;
    /// assert_eq!(pale_red.pixels(), [0.8505, 0.3505, 0.3505]);
    /// # Ok::<(), style_image::ImageError>(())
    /// ```
    ///
    /// # Reference
    ///
    /// L. Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer" (2017), section 5.1.
    pub fn with_luminance_of(&self, other: &Self) -> Result<Self, ImageError> {
        self.check_same_size(other)?;
        check_memory(size_of_val(self.pixels()))?;
        let (own, light) = (self.pixels().as_chunks().0, other.pixels().as_chunks().0);
        let lit = own.iter().zip(light).flat_map(|(pixel, light)| {
            let change = luminance_of(light) - luminance_of(pixel);
            pixel.map(|value| value + change)
        });
        Self::new(self.width(), self.height(), lit.collect())
    }

    /// The picture in grey, as bright as another on the whole: Y' = Y - m + m', with the mean luminances m of this
    /// picture and m' of the other. Clamped.
    ///
    /// A style in grey fits a content in grey better when neither has to become lighter or darker.
    ///
    /// # Errors
    ///
    /// [`ImageError::NotEnoughMemory`] if the system has none left for the new picture.
    pub fn grey_with_mean_of(&self, other: &Self) -> Result<Self, ImageError> {
        let (own, wanted) = (Light::of(self), Light::of(other));
        self.grey_by(|luminance| (f64::from(luminance) - own.mean + wanted.mean) as f32)
    }

    /// The picture in grey, as bright and as rich in contrast as another on the whole: Y' = s'/s (Y - m) + m', with mean
    /// m and standard deviation s of this picture's luminance, m' and s' of the other's. Clamped.
    ///
    /// A deviation below what rounding to 8 bits makes (1/883) counts as that, so a constant picture becomes the
    /// other's mean and no noise is blown up.
    ///
    /// # Errors
    ///
    /// [`ImageError::NotEnoughMemory`] if the system has none left for the new picture.
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::Image;
    ///
    /// let pale = Image::new(2, 1, vec![0.5, 0.5, 0.5, /* . */ 0.75, 0.75, 0.75])?;
    /// let dark = Image::new(2, 1, vec![0.0, 0.0, 0.0, /* . */ 0.5, 0.5, 0.5])?;
    /// let found = pale.grey_with_mean_and_deviation_of(&dark)?;
    /// assert!(found.pixels().iter().zip(dark.pixels()).all(|(a, b)| (a - b).abs() < 1e-6));
    /// # Ok::<(), style_image::ImageError>(())
    /// ```
    ///
    /// # Reference
    ///
    /// L. Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer" (2017), section 5.1.
    pub fn grey_with_mean_and_deviation_of(&self, other: &Self) -> Result<Self, ImageError> {
        let (own, wanted) = (Light::of(self), Light::of(other));
        let gain = wanted.deviation / own.deviation;
        self.grey_by(|luminance| (gain * (f64::from(luminance) - own.mean) + wanted.mean) as f32)
    }

    fn grey_by(&self, tone: impl Fn(f32) -> f32) -> Result<Self, ImageError> {
        check_memory(size_of_val(self.pixels()))?;
        let pixels = self.pixels().as_chunks().0.iter().flat_map(|pixel| [tone(luminance_of(pixel)); 3]);
        Self::new(self.width(), self.height(), pixels.collect())
    }

    /// Refuses to compare pictures of different sizes.
    pub(crate) fn check_same_size(&self, other: &Self) -> Result<(), ImageError> {
        let (width, height) = (self.width(), self.height());
        let (other_width, other_height) = (other.width(), other.height());
        if (width, height) == (other_width, other_height) {
            return Ok(());
        }
        Err(ImageError::DifferentSizes { width, height, other_width, other_height })
    }
}

/// Y of one pixel.
fn luminance_of(pixel: &[f32; 3]) -> f32 {
    WEIGHTS.iter().zip(pixel).map(|(weight, value)| weight * value).sum()
}

/// Mean and standard deviation of a picture's luminance, the latter at least that of rounding.
struct Light {
    mean: f64,
    deviation: f64,
}

impl Light {
    fn of(image: &Image) -> Self {
        let values = || image.pixels().as_chunks().0.iter().map(|pixel| f64::from(luminance_of(pixel)));
        let count = (image.pixels().len() / 3) as f64;
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        Self { mean, deviation: variance.max(LEAST_VARIANCE).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values between `low` and `high`.
    fn pictures(low: f32, high: f32) -> impl Strategy<Value = Image> {
        prop::collection::vec(low..=high, 3 * 35).prop_map(|pixels| Image::new(7, 5, pixels).unwrap())
    }

    fn near(a: &[f32], b: &[f32], tolerance: f32) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
    }

    #[test]
    fn grey_has_the_luminance_of_each_pixel_in_every_channel() {
        let image = Image::new(2, 1, vec![0.0, 1.0, 0.0, /* . */ 0.0, 0.0, 1.0]).unwrap();
        assert_eq!(image.grey().unwrap().pixels(), [0.587, 0.587, 0.587, 0.114, 0.114, 0.114]);
    }

    #[test]
    fn pictures_of_different_sizes_are_refused() {
        let (wide, high) = (Image::new(2, 1, vec![0.0; 6]).unwrap(), Image::new(1, 2, vec![0.0; 6]).unwrap());
        let error = wide.with_luminance_of(&high).unwrap_err();
        assert_eq!(error.to_string(), "the pictures are 2 x 1 px and 1 x 2 px, expected one size");
    }

    #[test]
    fn light_that_a_colour_cannot_have_is_clamped() {
        let red = Image::new(1, 1, vec![0.75, 0.0, 0.0]).unwrap();
        let lit = red.with_luminance_of(&Image::new(1, 1, vec![1.0; 3]).unwrap()).unwrap();
        assert_eq!(lit.pixels()[0], 1.0);
        assert!(lit.luminance()[0] < 1.0);
    }

    #[test]
    fn a_constant_picture_becomes_the_mean_of_the_other() {
        let constant = Image::new(3, 1, vec![0.125; 9]).unwrap();
        let other = Image::new(2, 1, vec![0.25, 0.25, 0.25, 0.75, 0.75, 0.75]).unwrap();
        for found in [constant.grey_with_mean_of(&other), constant.grey_with_mean_and_deviation_of(&other)] {
            assert!(near(found.unwrap().pixels(), &[0.5; 9], 1e-4));
        }
        let flat = other.grey_with_mean_and_deviation_of(&constant).unwrap();
        assert!(near(flat.pixels(), &[0.125; 6], 1.0 / 255.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn luminance_is_the_other_one_and_chroma_the_own_where_nothing_clamps(
            one in pictures(0.4, 0.6), other in pictures(0.4, 0.6),
        ) {
            let lit = one.with_luminance_of(&other).unwrap();
            prop_assert!(near(&lit.luminance(), &other.luminance(), 1e-6));
            for (found, own) in lit.pixels().chunks(3).zip(one.pixels().chunks(3)) {
                prop_assert!(((found[0] - found[2]) - (own[0] - own[2])).abs() < 1e-6);
                prop_assert!(((found[1] - found[2]) - (own[1] - own[2])).abs() < 1e-6);
            }
        }

        #[test]
        fn own_light_changes_nothing(image in pictures(0.0, 1.0)) {
            prop_assert_eq!(image.with_luminance_of(&image).unwrap(), image.clone());
            let grey = image.grey().unwrap();
            prop_assert!(near(grey.grey().unwrap().pixels(), grey.pixels(), 1e-6));
            prop_assert!(near(image.grey_with_mean_of(&image).unwrap().pixels(), grey.pixels(), 1e-6));
            let scaled = image.grey_with_mean_and_deviation_of(&image).unwrap();
            prop_assert!(near(scaled.pixels(), grey.pixels(), 1e-6));
        }

        #[test]
        fn mean_and_deviation_are_those_of_the_other_where_nothing_clamps(
            one in pictures(0.4, 0.6), other in pictures(0.4, 0.6),
        ) {
            let wanted = Light::of(&other);
            let found = Light::of(&one.grey_with_mean_and_deviation_of(&other).unwrap());
            prop_assert!((found.mean - wanted.mean).abs() < 1e-6);
            prop_assert!((found.deviation - wanted.deviation).abs() < 1e-6);
            let found = Light::of(&one.grey_with_mean_of(&other).unwrap());
            prop_assert!((found.mean - wanted.mean).abs() < 1e-6);
            prop_assert!((found.deviation - Light::of(&one).deviation).abs() < 1e-6);
        }
    }
}
