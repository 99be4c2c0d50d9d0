//! Numbers on a grid at another size.

use fast_image_resize::images::TypedImage;
use fast_image_resize::pixels::F32;
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::ImageError;
use crate::area::by_area;
use crate::limits::{check_memory, check_size, too_large};

/// How values between pixels are found, and how many pixels become one.
///
/// All but [`Area`](Self::Area) are stretched to the source's pixels where a side shrinks, so fine patterns average out;
/// centres of pixels lie at halves, and at a border the weights of what is there are divided by their sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filter {
    /// A triangle over 2 x 2 pixels: no overshoot, a little soft.
    Bilinear,
    /// The cubic of Catmull and Rom over 4 x 4 pixels (a = -1/2): sharper, overshoots a little at edges.
    Bicubic,
    /// A sinc with three lobes over 6 x 6 pixels: the sharpest, overshoots most.
    Lanczos,
    /// The mean of the source area under each new pixel, parts of pixels counted in proportion: never
    /// overshoots, and the mean over all pixels stays. Enlarging repeats pixels.
    Area,
}

/// Resamples any number of planes of one size, each on its own; sizes are (width, height) in px.
///
/// Values may be any, and nothing is clamped: [`Filter::Bicubic`] and [`Filter::Lanczos`] overshoot. One that is not
/// finite spreads to its neighbours. The planes' own size gives a copy.
///
/// # Shapes
///
/// `planes` is `[n, height, width]` of `from`, the answer `[n, height, width]` of `to`.
///
/// # Errors
///
/// [`ImageError::NoPixels`] if a side is 0, [`ImageError::NotWholePlanes`] if the values are no whole number of planes,
/// [`ImageError::TooLarge`] if the new size is over [`MAX_SIDE`](crate::MAX_SIDE) or [`MAX_PIXELS`](crate::MAX_PIXELS),
/// [`ImageError::NotEnoughMemory`] if the system has none left.
///
/// # Examples
///
/// ```
/// use style_image::{Filter, resample_planes};
///
/// let two_planes = [-1.0, 1.0, /* the second: */ 10.0, 30.0];
/// assert_eq!(resample_planes(&two_planes, (2, 1), (1, 1), Filter::Area)?, [0.0, 20.0]);
/// # Ok::<(), style_image::ImageError>(())
/// ```
pub fn resample_planes(
    planes: &[f32],
    from: (usize, usize),
    to: (usize, usize),
    filter: Filter,
) -> Result<Vec<f32>, ImageError> {
    let (width, height) = from;
    if width == 0 || height == 0 {
        return Err(ImageError::NoPixels { width, height });
    }
    let plane_length = width.saturating_mul(height);
    if !planes.len().is_multiple_of(plane_length) {
        return Err(ImageError::NotWholePlanes { width, height, found: planes.len() });
    }
    if from == to {
        return Ok(planes.to_vec());
    }
    check_resampling(planes.len() / plane_length, from, to)?;
    let mut resampled = Vec::with_capacity(planes.len() / plane_length * to.0 * to.1);
    for plane in planes.chunks_exact(plane_length) {
        match filter.kernel() {
            None => resampled.extend(by_area(plane, from, to)),
            Some(kernel) => {
                let pixels = plane.iter().map(|&value| F32::new(value)).collect();
                resampled.extend(convolve(pixels, from, to, kernel)?.into_iter().map(|pixel| pixel.0));
            }
        }
    }
    Ok(resampled)
}

impl Filter {
    /// The resizer's kernel, or none for the mean of an area, which is no convolution: its weights change from
    /// pixel to pixel.
    pub(crate) fn kernel(self) -> Option<FilterType> {
        match self {
            Self::Bilinear => Some(FilterType::Bilinear),
            Self::Bicubic => Some(FilterType::CatmullRom),
            Self::Lanczos => Some(FilterType::Lanczos3),
            Self::Area => None,
        }
    }
}

/// Refuses a size that cannot be, or that there is no memory for.
pub(crate) fn check_resampling(
    channels: usize,
    from: (usize, usize),
    to: (usize, usize),
) -> Result<(), ImageError> {
    check_size(to.0, to.1)?;
    // The source again, the result, and the picture between the two passes, which is as wide as one
    // and as high as the other.
    let values = [from.0.saturating_mul(from.1), to.0 * to.1, to.0.saturating_mul(from.1)];
    let bytes = values.into_iter().fold(0, usize::saturating_add).saturating_mul(channels * size_of::<f32>());
    check_memory(bytes)
}

/// Pixels at another size, after [`check_resampling`].
pub(crate) fn convolve<P: PixelTrait>(
    pixels: Vec<P>,
    from: (usize, usize),
    to: (usize, usize),
    kernel: FilterType,
) -> Result<Vec<P>, ImageError> {
    // Only more pixels than 32 bits can count end here, and nobody has the memory for those.
    let side = |px: usize| u32::try_from(px).map_err(|_| too_large(from));
    let source = TypedImage::from_pixels(side(from.0)?, side(from.1)?, pixels)
        .map_err(|_| ImageError::NoPixels { width: from.0, height: from.1 })?;
    let mut target = TypedImage::new(side(to.0)?, side(to.1)?);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(kernel));
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .map_err(|_| ImageError::NoPixels { width: to.0, height: to.1 })?;
    Ok(target.pixels().to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILTERS: [Filter; 4] = [Filter::Bilinear, Filter::Bicubic, Filter::Lanczos, Filter::Area];

    /// Values from -2 to 2.
    fn ramp(count: usize) -> Vec<f32> {
        (0..count).map(|i| (i * 37 % 101) as f32 / 25.0 - 2.0).collect()
    }

    /// Pillow 13 gives the figures of the three kernels, NumPy those of `Area`:
    ///
    /// ```python
    /// plane = np.float32([i * 37 % 101 / 25 - 2 for i in range(35)]).reshape(5, 7)
    /// np.asarray(Image.fromarray(plane, mode="F").resize((3, 2), Image.BICUBIC)).ravel()
    /// def share(n, m):  # [m, n]: how much of source pixel i lies under target pixel j
    ///     return [[max(0, min((j + 1) * n / m, i + 1) - max(j * n / m, i)) * m / n for i in range(n)] for j in range(m)]
    /// (share(5, 2) @ plane @ np.transpose(share(7, 3))).ravel()
    /// ```
    #[test]
    fn the_filters_are_those_of_pillow() {
        let smaller = [
            [-0.025_455, -0.216_578, 0.126_234, -0.135_065, 0.141_390, 0.095_325],
            [-0.041_003, -0.253_935, 0.144_967, -0.126_588, 0.200_945, 0.073_873],
            [-0.053_114, -0.230_832, 0.135_121, -0.065_671, 0.207_256, 0.046_127],
            [-0.157_714, -0.353_143, 0.144_000, -0.226_286, 0.270_857, 0.075_429],
        ];
        let larger = [
            [-1.224_762, -0.052_800, -0.238_400, -0.051_429, -0.528_889, 0.006_933],
            [-1.429_948, -0.050_720, -0.194_416, -0.004_717, -0.598_703, 0.009_030],
            [-1.471_172, -0.125_115, -0.104_837, 0.097_812, -0.505_079, -0.008_030],
            [-1.365_714, 0.017_143, -0.331_429, -0.102_857, -0.909_714, 0.011_429],
        ];
        for (i, filter) in FILTERS.into_iter().enumerate() {
            for (to, expected) in [((3, 2), smaller[i]), ((4, 9), larger[i])] {
                let found = resample_planes(&ramp(35), (7, 5), to, filter).unwrap();
                assert_eq!(found.len(), to.0 * to.1);
                for (a, b) in found.iter().zip(expected) {
                    assert!((a - b).abs() < 2e-6, "{filter:?} to {to:?}: {a} for {b}");
                }
            }
        }
    }

    #[test]
    fn planes_do_not_mix_and_their_own_size_gives_a_copy() {
        for filter in FILTERS {
            let planes = ramp(3 * 35);
            assert_eq!(resample_planes(&planes, (7, 5), (7, 5), filter).unwrap(), planes);
            let together = resample_planes(&planes, (7, 5), (4, 6), filter).unwrap();
            let alone =
                planes.chunks(35).map(|plane| resample_planes(plane, (7, 5), (4, 6), filter).unwrap());
            assert_eq!(together, alone.collect::<Vec<_>>().concat());
        }
        assert_eq!(resample_planes(&[], (7, 5), (4, 6), Filter::Area), Ok(vec![]));
    }

    #[test]
    fn nothing_is_clamped() {
        let step = [-50.0, -50.0, -50.0, 50.0, 50.0, 50.0];
        let found = resample_planes(&step, (6, 1), (24, 1), Filter::Bicubic).unwrap();
        assert!(found.iter().any(|&value| value > 51.0) && found.iter().any(|&value| value < -51.0));
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let resample = |values: usize, from, to| {
            resample_planes(&vec![0.0; values], from, to, Filter::Area).unwrap_err().to_string()
        };
        assert_eq!(resample(7, (3, 2), (1, 1)), "7 values are no whole number of planes of 3 x 2 px");
        assert!(resample(6, (3, 2), (0, 1)).contains("no pixels"));
        assert!(resample(6, (0, 2), (1, 1)).contains("no pixels"));
        assert!(resample(6, (3, 2), (100_000, 1)).contains("over the limit"));
        assert!(resample(6, (usize::MAX, 2), (1, 1)).contains("no whole number"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn constants_stay_under_every_filter(
            from in (1usize..40, 1usize..40), to in (1usize..60, 1usize..60), constant in -1e3f32..1e3,
        ) {
            for filter in FILTERS {
                for value in resample_planes(&vec![constant; from.0 * from.1], from, to, filter).unwrap() {
                    let error = (value - constant).abs() / constant.abs().max(1e-3);
                    prop_assert!(error < 2e-6, "{:?}: {} for {}", filter, value, constant);
                }
            }
        }

        #[test]
        fn the_mean_stays_under_area(
            from in (1usize..40, 1usize..40), to in (1usize..60, 1usize..60),
        ) {
            // In f64, so that only the resampling rounds.
            let mean = |values: &[f32]| {
                values.iter().copied().map(f64::from).sum::<f64>() / values.len() as f64
            };
            let plane = ramp(from.0 * from.1);
            let found = resample_planes(&plane, from, to, Filter::Area).unwrap();
            prop_assert!((mean(&found) - mean(&plane)).abs() < 1e-5);
        }
    }
}
