//! How far two answers are apart, in one number; NaN where one of them is not finite.

/// `|a - b| / |b|`, summed in f64.
pub(crate) fn relative_error(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::NAN;
    }
    let square = |x: f64| x * x;
    let difference: f64 = a.iter().zip(b).map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
    let norm: f64 = b.iter().map(|&b| square(f64::from(b))).sum();
    (difference / norm.max(f64::MIN_POSITIVE)).sqrt()
}

/// [`relative_error`] without the worst 1 % of the positions: single decisions of ReLU and pooling flip on the last bit
/// and move a gradient where they stand. Nothing that is not finite is left out.
pub(super) fn trimmed_error(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() || a.iter().chain(b).any(|value| !value.is_finite()) {
        return f64::NAN;
    }
    let mut pairs: Vec<(f32, f32)> = a.iter().copied().zip(b.iter().copied()).collect();
    let kept = pairs.len() - pairs.len() / 100;
    if kept < pairs.len() {
        let by_difference = |x: &(f32, f32), y: &(f32, f32)| (x.0 - x.1).abs().total_cmp(&(y.0 - y.1).abs());
        pairs.select_nth_unstable_by(kept, by_difference);
    }
    let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().take(kept).unzip();
    relative_error(&a, &b)
}

/// `sqrt(mean (a - b)^2)`, of pixels in `[0, 1]`.
pub(super) fn pixel_error(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() || a.is_empty() {
        return f64::NAN;
    }
    let square = |x: f64| x * x;
    let sum: f64 = a.iter().zip(b).map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
    (sum / a.len() as f64).sqrt()
}

/// Peak signal-to-noise ratio in dB of a [`pixel_error`].
pub(super) fn decibels(error: f64) -> f64 {
    -20.0 * error.log10()
}

/// The largest of `|a - b| / |b|`, number by number.
pub(super) fn largest_error(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::NAN;
    }
    worst(a.iter().zip(b).map(|(&a, &b)| relative_error(&[a], &[b])))
}

/// The largest error; NaN, which `f64::max` would pass over, is worse than any.
pub(super) fn worst(errors: impl Iterator<Item = f64>) -> f64 {
    errors.fold(0.0, |worst, error| if worst.is_nan() || error <= worst { worst } else { error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_to_the_second() {
        assert_eq!(relative_error(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert_eq!(relative_error(&[3.0, 0.0], &[0.0, 4.0]), 1.25); // 5 / 4
        assert_eq!(relative_error(&[0.0], &[0.0]), 0.0);
        assert!(relative_error(&[1.0], &[0.0]) > 1e100);
        assert!(relative_error(&[1.0], &[1.0, 1.0]).is_nan());
    }

    #[test]
    fn the_worst_hundredth_is_left_out_of_a_gradient() {
        let expected = vec![1.0; 200];
        let mut found = expected.clone();
        (found[7], found[150]) = (50.0, -3.0);
        assert_eq!(trimmed_error(&found, &expected), 0.0);
        found[151] = 2.0;
        assert!((trimmed_error(&found, &expected) - (1.0_f64 / 198.0).sqrt()).abs() < 1e-12);
        // Few numbers, such as a handful of losses, all count.
        assert_eq!(trimmed_error(&[1.0, 4.0], &[1.0, 3.0]), 0.1_f64.sqrt());
    }

    #[test]
    fn nan_is_worse_than_everything_and_never_left_out() {
        let expected = vec![1.0; 200];
        let mut found = expected.clone();
        found[3] = f32::NAN;
        assert!(trimmed_error(&found, &expected).is_nan());
        assert!(relative_error(&found, &expected).is_nan());
        assert!(worst([1.0, f64::NAN, 2.0].into_iter()).is_nan());
        assert_eq!(worst([1.0, 3.0, 2.0].into_iter()), 3.0);
        assert!(largest_error(&[1.0, f32::NAN], &[1.0, 1.0]).is_nan());
    }

    #[test]
    fn pixels_are_compared_in_decibels() {
        let error = pixel_error(&[0.5, 0.1], &[0.4, 0.2]);
        assert!((error - 0.1).abs() < 1e-7 && (decibels(error) - 20.0).abs() < 1e-5);
        assert_eq!(decibels(0.0), f64::INFINITY);
    }
}
