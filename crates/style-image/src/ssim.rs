//! How alike two pictures look.

use std::collections::VecDeque;

use crate::{Image, ImageError};

/// Side of the window, in px.
const WINDOW: usize = 11;
/// Standard deviation of the window's weights, in px.
const SIGMA: f64 = 1.5;
/// (K1 L)^2 with K1 = 0.01 and the range L = 1.
const C1: f64 = 1e-4;
/// (K2 L)^2 with K2 = 0.03.
const C2: f64 = 9e-4;

/// Means of a, b, a a, b b and a b under a window.
type Moments = [f64; 5];

/// Structural similarity of the luminance of two pictures: 1 for equal pictures, about 0 for unrelated ones, at least
/// -1.
///
/// SSIM = mean over windows of (2 m n + C1) (2 c + C2) / ((m^2 + n^2 + C1) (v + w + C2)), with the means m and n of both
/// luminances under a window, their variances v and w and their covariance c; C1 = 0.01^2, C2 = 0.03^2. The
/// window has 11 x 11 px with the weights of a Gaussian of standard deviation 1.5 px, and lies wholly within
/// the picture. On a side shorter than 11 px it shrinks to that side: the same Gaussian, cut on both ends.
///
/// # Errors
///
/// [`ImageError::DifferentSizes`].
///
/// # Examples
///
/// ```
/// use style_image::{Image, ssim};
///
/// let stripes = |phase| {
///     let pixels = (0..16 * 16).flat_map(|i| [((i + phase) % 2) as f32; 3]);
///     Image::new(16, 16, pixels.collect())
/// };
/// assert_eq!(ssim(&stripes(0)?, &stripes(0)?)?, 1.0);
/// assert!(ssim(&stripes(0)?, &stripes(1)?)? < -0.9);
/// # Ok::<(), style_image::ImageError>(())
/// ```
///
/// # Reference
///
/// Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
/// Similarity" (2004), equations 13 to 17.
pub fn ssim(a: &Image, b: &Image) -> Result<f32, ImageError> {
    a.check_same_size(b)?;
    let across = gaussian(WINDOW.min(a.width()));
    let down = gaussian(WINDOW.min(a.height()));
    let (a_light, b_light) = (a.luminance(), b.luminance());
    let rows = a_light.chunks_exact(a.width()).zip(b_light.chunks_exact(a.width()));
    // Only as many rows as the window is high are kept: maps of five moments would be far larger than the pictures.
    let mut under_window = VecDeque::with_capacity(down.len());
    let (mut sum, mut count) = (0.0, 0usize);
    for (a_row, b_row) in rows {
        under_window.truncate(down.len() - 1);
        under_window.push_front(moments_of_row(a_row, b_row, &across));
        if under_window.len() == down.len() {
            let windows = a.width() + 1 - across.len();
            sum += (0..windows).map(|x| similarity(&moments_at(&under_window, x, &down))).sum::<f64>();
            count += windows;
        }
    }
    Ok((sum / count as f64) as f32)
}

/// Weights of a Gaussian around the middle of `length` px, with sum 1.
fn gaussian(length: usize) -> Vec<f64> {
    let middle = (length as f64 - 1.0) / 2.0;
    let weight = |i: usize| (-(i as f64 - middle).powi(2) / (2.0 * SIGMA * SIGMA)).exp();
    let sum: f64 = (0..length).map(weight).sum();
    (0..length).map(|i| weight(i) / sum).collect()
}

/// The moments under a window that is one row high, at each place along a row.
fn moments_of_row(a: &[f32], b: &[f32], weights: &[f64]) -> Vec<Moments> {
    let window = |(a, b): (&[f32], &[f32])| {
        let values = a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        weighted(weights, values.map(|(a, b)| [a, b, a * a, b * b, a * b]))
    };
    a.windows(weights.len()).zip(b.windows(weights.len())).map(window).collect()
}

/// The moments under the whole window at column `x`, from those of its rows.
fn moments_at(rows: &VecDeque<Vec<Moments>>, x: usize, weights: &[f64]) -> Moments {
    weighted(weights, rows.iter().map(|row| row[x]))
}

fn weighted(weights: &[f64], values: impl Iterator<Item = Moments>) -> Moments {
    weights
        .iter()
        .zip(values)
        .fold([0.0; 5], |sums, (weight, values)| std::array::from_fn(|k| sums[k] + weight * values[k]))
}

/// The index of one window.
fn similarity(&[m, n, aa, bb, ab]: &Moments) -> f64 {
    let (variances, covariance) = ((aa - m * m) + (bb - n * n), ab - m * n);
    (2.0 * m * n + C1) * (2.0 * covariance + C2) / ((m * m + n * n + C1) * (variances + C2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture(width: usize, height: usize, factor: usize) -> Image {
        let value = |i: usize| (i * factor % 101) as f32 / 100.0;
        Image::new(width, height, (0..3 * width * height).map(value).collect()).unwrap()
    }

    /// From NumPy, one window after the other and in two passes:
    ///
    /// ```python
    /// def weights(n):
    ///     x = np.arange(n) - (n - 1) / 2
    ///     e = np.exp(-x * x / 4.5)
    ///     return e / e.sum()
    /// def ssim(a, b):  # luminances
    ///     (h, w), out = a.shape, []
    ///     k, l = min(11, h), min(11, w)
    ///     W = np.outer(weights(k), weights(l))
    ///     for y in range(h - k + 1):
    ///         for x in range(w - l + 1):
    ///             p, q = a[y:y + k, x:x + l], b[y:y + k, x:x + l]
    ///             m, n = (W * p).sum(), (W * q).sum()
    ///             v, u, c = (W * (p - m) ** 2).sum(), (W * (q - n) ** 2).sum(), (W * (p - m) * (q - n)).sum()
    ///             out.append((2 * m * n + 1e-4) * (2 * c + 9e-4) / ((m * m + n * n + 1e-4) * (v + u + 9e-4)))
    ///     return np.mean(out)
    /// ```
    ///
    /// with a = `picture(w, h, 37)`, b = `picture(w, h, 41)`, and then a with 0.8 a + 0.2 b.
    #[test]
    fn the_index_is_that_of_numpy() {
        let figures = [
            ((24, 16), 0.022_062_826, 0.954_454_54),
            ((13, 11), -0.039_542_214, 0.950_525_36),
            ((7, 5), 0.349_831_75, 0.970_661_9),
            ((20, 6), 0.097_048_01, 0.948_940_93),
            ((1, 1), 0.994_756_7, 0.999_771_4),
        ];
        for ((width, height), unrelated, mixed) in figures {
            let (a, b) = (picture(width, height, 37), picture(width, height, 41));
            let between = a.pixels().iter().zip(b.pixels()).map(|(a, b)| 0.8 * a + 0.2 * b).collect();
            let between = Image::new(width, height, between).unwrap();
            for (found, expected) in [(ssim(&a, &b), unrelated), (ssim(&a, &between), mixed)] {
                let found = found.unwrap();
                assert!((found - expected).abs() < 1e-6, "{width} x {height}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn pictures_of_different_sizes_are_refused() {
        let error = ssim(&picture(12, 13, 7), &picture(13, 12, 7)).unwrap_err();
        assert!(matches!(error, ImageError::DifferentSizes { width: 12, other_width: 13, .. }));
    }

    #[test]
    fn black_and_white_have_no_more_than_the_constants_in_common() {
        let (black, white) =
            (Image::new(12, 12, vec![0.0; 432]).unwrap(), Image::new(12, 12, vec![1.0; 432]).unwrap());
        assert!((ssim(&black, &white).unwrap() - 1e-4 / (1.0 + 1e-4)).abs() < 1e-7);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_index_is_symmetric_bounded_and_one_for_equal_pictures(
            (width, height, a, b) in (1usize..24, 1usize..24).prop_flat_map(|(width, height)| {
                let values = || prop::collection::vec(0.0f32..=1.0, 3 * width * height);
                (Just(width), Just(height), values(), values())
            }),
        ) {
            let (a, b) = (Image::new(width, height, a).unwrap(), Image::new(width, height, b).unwrap());
            let index = ssim(&a, &b).unwrap();
            prop_assert_eq!(index, ssim(&b, &a).unwrap());
            prop_assert!((-1.0..=1.0).contains(&index));
            prop_assert_eq!(ssim(&a, &a).unwrap(), 1.0);
        }
    }
}
