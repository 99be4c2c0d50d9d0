//! A picture in memory.

use std::fmt;

use crate::ImageError;

/// A picture: width x height pixels of sRGB, as floats in `[0, 1]`.
///
/// The values are what a screen gets (sRGB with its transfer curve), divided by their maximum; they are
/// not linear light. There is always at least one pixel and every value is finite.
///
/// # Examples
///
/// ```
/// use style_image::Image;
///
/// let image = Image::new(2, 1, vec![1.0, 0.0, 0.0, /* red, then blue */ 0.0, 0.0, 1.0])?;
/// assert_eq!((image.width(), image.height()), (2, 1));
/// assert_eq!(image.to_planar(), [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
/// # Ok::<(), style_image::ImageError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Image {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
}

impl Image {
    /// Makes a picture from interleaved values: red, green and blue of the first pixel, then of the one
    /// to its right, row by row from the top. Values outside of `[0, 1]` are clamped.
    ///
    /// # Errors
    ///
    /// [`ImageError::NoPixels`] if a side is 0, [`ImageError::WrongLength`] if there are not
    /// `3 * width * height` values, [`ImageError::NotFinite`] for a NaN or an infinity.
    pub fn new(width: usize, height: usize, mut pixels: Vec<f32>) -> Result<Self, ImageError> {
        check_length(width, height, 3, pixels.len())?;
        clamp_finite(&mut pixels)?;
        Ok(Self { width, height, pixels })
    }

    /// Makes a picture from three planes (all red values, all green ones, all blue ones), the order of a
    /// tensor of shape `[3, height, width]`. Values outside of `[0, 1]` are clamped.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::Image;
    ///
    /// let image = Image::from_planar(2, 1, &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])?;
    /// assert_eq!(image.pixels(), [0.1, 0.3, 0.5, 0.2, 0.4, 0.6]);
    /// # Ok::<(), style_image::ImageError>(())
    /// ```
    pub fn from_planar(width: usize, height: usize, planes: &[f32]) -> Result<Self, ImageError> {
        check_length(width, height, 3, planes.len())?;
        let (red, rest) = planes.split_at(planes.len() / 3);
        let (green, blue) = rest.split_at(red.len());
        let pixels = red.iter().zip(green).zip(blue).flat_map(|((&r, &g), &b)| [r, g, b]);
        Self::new(width, height, pixels.collect())
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

    /// The values in `[0, 1]`, interleaved: `3 * width * height` of them.
    #[must_use]
    pub fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// The values as three planes, the order of a tensor of shape `[3, height, width]`.
    #[must_use]
    pub fn to_planar(&self) -> Vec<f32> {
        (0..3).flat_map(|channel| self.pixels.iter().skip(channel).step_by(3).copied()).collect()
    }
}

/// Refuses a size without pixels, and values that are not `per_pixel` for each of them.
pub(crate) fn check_length(
    width: usize,
    height: usize,
    per_pixel: usize,
    found: usize,
) -> Result<(), ImageError> {
    if width == 0 || height == 0 {
        return Err(ImageError::NoPixels { width, height });
    }
    let expected = width.saturating_mul(height).saturating_mul(per_pixel);
    if found != expected {
        return Err(ImageError::WrongLength { width, height, found, expected });
    }
    Ok(())
}

/// Clamps values into `[0, 1]`, and refuses those that are no numbers.
pub(crate) fn clamp_finite(values: &mut [f32]) -> Result<(), ImageError> {
    if let Some(position) = values.iter().position(|value| !value.is_finite()) {
        return Err(ImageError::NotFinite { position, found: values[position].to_string() });
    }
    for value in values {
        *value = value.clamp(0.0, 1.0);
    }
    Ok(())
}

/// The size only: the values of a photograph would fill a book.
impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} x {} px)", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_clamped_into_the_unit_interval() {
        let image = Image::new(1, 1, vec![-0.5, 0.25, 7.0]).unwrap();
        assert_eq!(image.pixels(), [0.0, 0.25, 1.0]);
        assert_eq!(format!("{image:?}"), "Image(1 x 1 px)");
    }

    #[test]
    fn values_that_are_no_numbers_are_refused() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let error = Image::new(1, 1, vec![0.0, value, 0.0]).unwrap_err();
            assert_eq!(error, ImageError::NotFinite { position: 1, found: value.to_string() });
        }
        let text = Image::new(1, 1, vec![0.0, 0.0, f32::NAN]).unwrap_err().to_string();
        assert_eq!(text, "value 2 of the pixels is NaN, expected a number in [0, 1]");
    }

    #[test]
    fn a_wrong_number_of_values_is_refused_in_both_orders() {
        let expected = ImageError::WrongLength { width: 2, height: 2, found: 11, expected: 12 };
        assert_eq!(Image::new(2, 2, vec![0.0; 11]), Err(expected.clone()));
        assert_eq!(Image::from_planar(2, 2, &[0.0; 11]), Err(expected));
        assert!(Image::new(usize::MAX, usize::MAX, vec![]).is_err());
    }

    #[test]
    fn a_picture_has_at_least_one_pixel() {
        for (width, height) in [(0, 1), (1, 0), (0, 0)] {
            let text = Image::new(width, height, vec![]).unwrap_err().to_string();
            assert_eq!(
                text,
                format!("{width} x {height} px has no pixels, both sides must be at least 1 px")
            );
        }
    }

    #[test]
    fn planes_come_back_as_they_were_given() {
        let planes: Vec<f32> = (0..18).map(|value| value as f32 / 17.0).collect();
        let image = Image::from_planar(3, 2, &planes).unwrap();
        assert_eq!(image.pixels()[..3], [planes[0], planes[6], planes[12]]);
        assert_eq!(image.to_planar(), planes);
    }
}
