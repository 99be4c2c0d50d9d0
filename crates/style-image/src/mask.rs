//! Which part of a picture is meant.

use std::fmt;

use crate::image::{check_length, clamp_finite};
use crate::{Filter, Image, ImageError, resample_planes};

/// A soft selection: width x height values in `[0, 1]`, 1 where a pixel belongs to it and 0 where not.
///
/// There is always at least one value and every value is finite.
///
/// # Examples
///
/// ```
/// use style_image::Mask;
///
/// let left = Mask::new(4, 1, vec![1.0, 1.0, 0.0, 0.0])?;
/// assert_eq!(left.share(), 0.5);
/// assert_eq!(left.inverted().values(), [0.0, 0.0, 1.0, 1.0]);
/// assert_eq!(left.resized(1, 1)?.values(), [0.5]);
/// # Ok::<(), style_image::ImageError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Mask {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Mask {
    /// Makes a mask from its values, row by row from the top. Values outside of `[0, 1]` are clamped.
    ///
    /// # Errors
    ///
    /// [`ImageError::NoPixels`] if a side is 0, [`ImageError::WrongLength`] if there are not `width * height` values,
    /// [`ImageError::NotFinite`] for a NaN or an infinity.
    pub fn new(width: usize, height: usize, mut values: Vec<f32>) -> Result<Self, ImageError> {
        check_length(width, height, 1, values.len())?;
        clamp_finite(&mut values)?;
        Ok(Self { width, height, values })
    }

    /// Takes the [luminance](Image::luminance) of a picture for a mask: white is 1, black 0.
    #[must_use]
    pub fn from_image(image: &Image) -> Self {
        Self { width: image.width(), height: image.height(), values: image.luminance() }
    }

    /// Width in px, at least 1.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Height in px, at least 1.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// The values in `[0, 1]`, row by row: `width * height` of them.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The rest of the picture: 1 - value everywhere.
    #[must_use]
    pub fn inverted(&self) -> Self {
        Self { values: self.values.iter().map(|value| 1.0 - value).collect(), ..*self }
    }

    /// The mask at another size, in px: each value the mean of the area it covers ([`Filter::Area`]), so the share
    /// of the picture stays.
    ///
    /// # Errors
    ///
    /// As [`Image::resized`].
    pub fn resized(&self, width: usize, height: usize) -> Result<Self, ImageError> {
        let size = (self.width, self.height);
        Self::new(width, height, resample_planes(&self.values, size, (width, height), Filter::Area)?)
    }

    /// The mean of the values: how much of the picture is meant, from 0 for nothing to 1 for all.
    #[must_use]
    pub fn share(&self) -> f32 {
        let sum: f64 = self.values.iter().copied().map(f64::from).sum();
        (sum / self.values.len() as f64) as f32
    }
}

/// The size only, as of an [`Image`].
impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} x {} px)", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_clamped_into_the_unit_interval() {
        let mask = Mask::new(3, 1, vec![-0.5, 0.25, 7.0]).unwrap();
        assert_eq!(mask.values(), [0.0, 0.25, 1.0]);
        assert_eq!((mask.width(), mask.height()), (3, 1));
        assert_eq!(format!("{mask:?}"), "Mask(3 x 1 px)");
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let error = Mask::new(2, 2, vec![0.0; 12]).unwrap_err();
        assert_eq!(error.to_string(), "2 x 2 px need 4 values (1 a pixel), found 12");
        assert!(matches!(Mask::new(2, 0, vec![]), Err(ImageError::NoPixels { .. })));
        for value in [f32::NAN, f32::INFINITY] {
            let error = Mask::new(2, 1, vec![0.5, value]).unwrap_err();
            assert_eq!(error, ImageError::NotFinite { position: 1, found: value.to_string() });
        }
        let mask = Mask::new(1, 1, vec![1.0]).unwrap();
        assert!(matches!(mask.resized(0, 1), Err(ImageError::NoPixels { .. })));
        assert!(matches!(mask.resized(1, 100_000), Err(ImageError::TooLarge { .. })));
    }

    #[test]
    fn the_luminance_of_a_picture_makes_a_mask() {
        let image = Image::new(1, 3, vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]).unwrap();
        let mask = Mask::from_image(&image);
        assert_eq!((mask.width(), mask.height(), mask.values()), (1, 3, &[1.0, 0.0, 0.587][..]));
    }

    #[test]
    fn a_mask_of_ones_is_one_at_every_size() {
        let ones = Mask::new(5, 3, vec![1.0; 15]).unwrap();
        for (width, height) in [(1, 1), (3, 2), (7, 9)] {
            assert!(ones.resized(width, height).unwrap().values().iter().all(|value| value > &0.999_999));
        }
        assert_eq!((ones.share(), ones.inverted().share()), (1.0, 0.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn size_changes_no_share_and_no_sum_with_the_rest(
            values in prop::collection::vec(0.0f32..=1.0, 7 * 5), to in (1usize..20, 1usize..20),
        ) {
            let mask = Mask::new(7, 5, values).unwrap();
            let (part, rest) =
                (mask.resized(to.0, to.1).unwrap(), mask.inverted().resized(to.0, to.1).unwrap());
            prop_assert!((part.share() - mask.share()).abs() < 1e-5);
            for (a, b) in part.values().iter().zip(rest.values()) {
                prop_assert!((a + b - 1.0).abs() < 1e-5);
            }
        }
    }
}
