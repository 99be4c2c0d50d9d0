//! The colours of one picture in another.

use crate::limits::check_memory;
use crate::symmetric::{Matrix, cholesky, inverse_of_lower, of_eigenvalues, product};
use crate::{Image, ImageError};

/// The variance that rounding to 8 bits makes by itself. Less of it in any direction is no colour to go by: it is
/// raised to this, so that grey, constant and black pictures have square roots and inverses too.
pub(crate) const LEAST_VARIANCE: f64 = 1.0 / (12.0 * 255.0 * 255.0);

/// How colours are mapped onto colours of another mean and covariance.
///
/// Every way is x' = A (x - m) + m' with A S A^T = S', where m and S are mean and covariance (3 x 3, divided by the
/// number of pixels) of the own colours, m' and S' those of the other picture. They differ in which of the many
/// such A they take.
///
/// # Reference
///
/// The first two: L. Gatys, A. Ecker, M. Bethge, A. Hertzmann, E. Shechtman, "Controlling Perceptual Factors in Neural
/// Style Transfer" (2017), section 5.2. The third: F. Pitié and A. Kokaram, "The Linear Monge-Kantorovitch Linear
/// Colour Mapping for Example-Based Colour Transfer" (2007).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColourMatch {
    /// A = L' L^-1 with the Cholesky factors S = L L^T. It depends on the order of the channels: red stays a function
    /// of red alone.
    Cholesky,
    /// A = S'^1/2 S^-1/2, by the principal axes; the form of Hertzmann's image analogies.
    Pca,
    /// A = S^-1/2 (S^1/2 S' S^1/2)^1/2 S^-1/2, the optimal transport between two normal distributions: of all A, the one
    /// that moves colours least in the mean square. It is symmetric.
    Transport,
}

impl ColourMatch {
    /// A, from covariances that are positive definite.
    fn matrix(self, own: &Matrix, other: &Matrix) -> Matrix {
        let root = |a: &Matrix| of_eigenvalues(a, |value| value.max(0.0).sqrt());
        let inverse_root = |a: &Matrix| of_eigenvalues(a, |value| value.sqrt().recip());
        match self {
            Self::Cholesky => product(&cholesky(other), &inverse_of_lower(&cholesky(own))),
            Self::Pca => product(&root(other), &inverse_root(own)),
            Self::Transport => {
                let (half, back) = (root(own), inverse_root(own));
                let between = root(&product(&half, &product(other, &half)));
                product(&back, &product(&between, &back))
            }
        }
    }
}

impl Image {
    /// The picture in the colours of another: same mean, same covariance of red, green and blue, before values are
    /// clamped into `[0, 1]`.
    ///
    /// Before a transfer `style.with_colours_of(&content, how)` makes a style picture whose strokes have the colours of
    /// the photograph. Sizes may differ.
    ///
    /// Directions of colour in which a picture varies less than rounding to 8 bits does (a standard deviation of 1/883)
    /// count as varying that much. So a grey picture gets the other's colours along its greys only, a constant one
    /// becomes the other's mean colour, and the colours of a constant picture leave no visible contrast.
    ///
    /// # Units
    ///
    /// The mapping works on sRGB values, as the literature does, not on linear light.
    ///
    /// # Errors
    ///
    /// [`ImageError::NotEnoughMemory`] if the system has none left for the new picture.
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::{ColourMatch, Image};
    ///
    /// let blue_and_black = Image::new(2, 1, vec![0.0, 0.0, 0.8, /* . */ 0.0, 0.0, 0.0])?;
    /// let one_red = Image::new(1, 1, vec![0.5, 0.1, 0.1])?;
    /// let red = blue_and_black.with_colours_of(&one_red, ColourMatch::Transport)?;
    /// assert!(red.pixels().iter().zip([0.5, 0.1, 0.1].repeat(2)).all(|(a, b)| (a - b).abs() < 0.002));
    /// # Ok::<(), style_image::ImageError>(())
    /// ```
    ///
    /// # Reference
    ///
    /// See [`ColourMatch`].
    pub fn with_colours_of(&self, other: &Self, how: ColourMatch) -> Result<Self, ImageError> {
        check_memory(size_of_val(self.pixels()))?;
        let (own, wanted) = (Colours::of(self.pixels()), Colours::of(other.pixels()));
        Self::new(self.width(), self.height(), matched(self.pixels(), &own, &wanted, how))
    }
}

/// x' = A (x - m) + m' for every pixel, not clamped.
fn matched(pixels: &[f32], own: &Colours, other: &Colours, how: ColourMatch) -> Vec<f32> {
    let matrix = how.matrix(&own.definite_covariance(), &other.definite_covariance());
    let map = |pixel: &[f32; 3]| -> [f32; 3] {
        let centred: [f64; 3] = std::array::from_fn(|k| f64::from(pixel[k]) - own.mean[k]);
        std::array::from_fn(|row| {
            let turned: f64 = (0..3).map(|k| matrix[row][k] * centred[k]).sum();
            (turned + other.mean[row]) as f32
        })
    };
    pixels.as_chunks().0.iter().flat_map(map).collect()
}

/// Mean and covariance of a picture's colours.
struct Colours {
    mean: [f64; 3],
    covariance: Matrix,
}

impl Colours {
    fn of(pixels: &[f32]) -> Self {
        let pixels: &[[f32; 3]] = pixels.as_chunks().0;
        let count = pixels.len() as f64;
        let mut mean = [0.0; 3];
        for pixel in pixels {
            (0..3).for_each(|k| mean[k] += f64::from(pixel[k]));
        }
        let mean = mean.map(|sum| sum / count);
        // The mean is taken off first: the difference of two large sums would leave nothing of a pale picture's.
        let mut covariance = [[0.0; 3]; 3];
        for pixel in pixels {
            let centred: [f64; 3] = std::array::from_fn(|k| f64::from(pixel[k]) - mean[k]);
            for (row, a) in covariance.iter_mut().zip(centred) {
                (0..3).for_each(|k| row[k] += a * centred[k]);
            }
        }
        Self { mean, covariance: covariance.map(|row| row.map(|sum| sum / count)) }
    }

    /// The covariance with no eigenvalue below [`LEAST_VARIANCE`].
    fn definite_covariance(&self) -> Matrix {
        of_eigenvalues(&self.covariance, |value| value.max(LEAST_VARIANCE))
    }
}

#[cfg(test)]
#[path = "colour_tests.rs"]
mod tests;
