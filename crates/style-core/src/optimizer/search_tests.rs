//! The line search on functions of a few pixels, whose bottoms are known.

use burn::tensor::{Device, Tensor, TensorData};
use proptest::prelude::*;

use super::{History, Place, Searching};
use crate::test_support::{numbers, values};
use crate::{Evaluation, ImageOptimizer, Lbfgs};

/// A loss and its gradient, in f64.
type Function<'a> = &'a dyn Fn(&[f64]) -> (f64, Vec<f64>);

fn picture(pixels: &[f64]) -> Tensor<4> {
    let pixels: Vec<f32> = pixels.iter().map(|&x| x as f32).collect();
    let shape = [1, 1, 1, pixels.len()];
    Tensor::from_data(TensorData::new(pixels, shape), &Device::flex())
}

fn pixels(image: &Tensor<4>) -> Vec<f64> {
    values(image.clone()).into_iter().map(f64::from).collect()
}

fn evaluate(function: Function<'_>, image: &Tensor<4>) -> Evaluation {
    let (loss, gradient) = function(&pixels(image));
    Evaluation { losses: Tensor::from_floats([loss as f32], &Device::flex()), gradient: picture(&gradient) }
}

/// `1/2 sum c_i (x_i - t_i)^2`
fn bowl(x: &[f64], curvatures: &[f64], bottom: &[f64]) -> (f64, Vec<f64>) {
    let slopes: Vec<f64> = x.iter().zip(bottom).zip(curvatures).map(|((x, t), c)| c * (x - t)).collect();
    (slopes.iter().zip(curvatures).map(|(s, c)| s * s / c).sum::<f64>() / 2.0, slopes)
}

/// Rosenbrock's valley, `sum (1 - x)^2 + 100 (y - x^2)^2` over pairs of pixels; its bottom is at ones.
fn rosenbrock(pixels: &[f64]) -> (f64, Vec<f64>) {
    let mut gradient = Vec::new();
    let mut loss = 0.0;
    for &[x, y] in pixels.as_chunks().0 {
        let across = y - x * x;
        loss += (1.0 - x).powi(2) + 100.0 * across * across;
        gradient.extend([-2.0 * (1.0 - x) - 400.0 * x * across, 200.0 * across]);
    }
    (loss, gradient)
}

const VALLEY: [f64; 6] = [-0.5, 0.9, 0.3, 0.2, 0.7, -0.1];

/// A search with every place it accepted, the start first, and the direction that led there.
struct Descent {
    searching: Searching,
    history: History,
    accepted: Vec<Place>,
    directions: Vec<Tensor<4>>,
    image: Tensor<4>,
    evaluations: usize,
}

impl Descent {
    fn from(start: &[f64]) -> Self {
        let (searching, history, image) = (Searching::default(), History::new(10), picture(start));
        Self { searching, history, accepted: vec![], directions: vec![], image, evaluations: 0 }
    }

    fn step(&mut self, function: Function<'_>, clamp: impl Fn(Tensor<4>) -> Tensor<4>) {
        let evaluation = evaluate(function, &self.image);
        self.evaluations += 1;
        let searched = self.searching.search.as_ref().map(|search| search.direction.clone());
        let answer = self.searching.step(&mut self.history, 1.0, self.image.clone(), evaluation).unwrap();
        assert!(pixels(&answer).iter().all(|x| x.is_finite()), "{answer}");
        if let Some(search) = &self.searching.search
            && search.wolfe.is_none()
        {
            self.accepted.push(search.origin.clone());
            self.directions.extend(searched);
        }
        self.image = clamp(answer);
    }

    /// Steps until the loss at an accepted place is at most `loss`; `None` after `most` evaluations.
    fn evaluations_to(mut self, function: Function<'_>, loss: f64, most: usize) -> Option<usize> {
        while self.evaluations < most {
            self.step(function, |image| image);
            if function(&pixels(&self.accepted.last()?.image)).0 <= loss {
                return Some(self.evaluations);
            }
        }
        None
    }
}

/// Every accepted place against the one before: both conditions, in f64.
fn check_conditions(descent: &Descent, function: Function<'_>) {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for (places, direction) in descent.accepted.windows(2).zip(&descent.directions) {
        let (x, next) = (pixels(&places[0].image), pixels(&places[1].image));
        let ((from, before), (to, after)) = (function(&x), function(&next));
        let moved: Vec<f64> = next.iter().zip(&x).map(|(a, b)| a - b).collect();
        let direction = pixels(direction);
        assert!(
            to <= from + 1e-4 * dot(&before, &moved) + 1e-6 * from,
            "{to} is not far enough below {from}"
        );
        let (start, end) = (dot(&before, &direction), dot(&after, &direction));
        assert!(start < 0.0 && end.abs() <= -0.91 * start, "the slope is {end}, it was {start}");
    }
}

#[test]
fn in_rosenbrocks_valley_every_accepted_place_satisfies_both_conditions() {
    let mut descent = Descent::from(&VALLEY);
    // Not to the very bottom, where the differences of losses are rounding.
    for _ in 0..60 {
        descent.step(&rosenbrock, |image| image);
    }
    let accepted = descent.accepted.len();
    println!("{accepted} places in 60 evaluations");
    assert!(accepted > 30, "{accepted}");
    descent.accepted.retain(|place| rosenbrock(&pixels(&place.image)).0 > 1e-5);
    descent.directions.truncate(descent.accepted.len() - 1);
    check_conditions(&descent, &rosenbrock);
}

/// Evaluations that the rule without a line search, or a fixed step along the gradient, takes.
fn evaluations_without(
    function: Function<'_>,
    history: Option<usize>,
    loss: f64,
    most: usize,
) -> Option<usize> {
    let mut lbfgs = history.map(|history| Lbfgs::new(1.0, history));
    let mut image = picture(&VALLEY);
    (1..=most).find(|_| {
        let low = function(&pixels(&image)).0 <= loss;
        let evaluation = evaluate(function, &image);
        image = match &mut lbfgs {
            Some(lbfgs) => lbfgs.step(image.clone(), evaluation).unwrap(),
            None => image.clone() - evaluation.gradient.mul_scalar(1e-3), // 2e-3 is too long for this valley
        };
        low
    })
}

#[test]
fn the_search_is_sooner_at_the_bottom_of_a_curved_valley_than_fixed_steps() {
    let searched = Descent::from(&VALLEY).evaluations_to(&rosenbrock, 1e-6, 1000).unwrap();
    let cautious = evaluations_without(&rosenbrock, Some(10), 1e-6, 1000);
    let gradient = evaluations_without(&rosenbrock, None, 1e-6, 5000);
    println!("Wolfe {searched}, no search {cautious:?}, gradient {gradient:?}");
    assert!(searched < 120, "{searched}");
    assert!(cautious.is_none_or(|cautious| searched <= cautious + cautious / 10), "{searched} {cautious:?}");
    assert!(gradient.is_none_or(|gradient| 10 * searched < gradient), "{searched} {gradient:?}");
}

#[test]
fn the_scale_of_the_loss_makes_no_difference() {
    let taken = |scale: f64| {
        let scaled = |x: &[f64]| {
            let (loss, gradient) = rosenbrock(x);
            (scale * loss, gradient.into_iter().map(|g| scale * g).collect())
        };
        Descent::from(&VALLEY).evaluations_to(&scaled, 1e-5 * scale, 300).unwrap()
    };
    let expected = taken(1.0);
    for scale in [1e-25, 1e25] {
        let found = taken(scale);
        assert!(found.abs_diff(expected) <= expected / 3, "{scale}: {found} against {expected}");
    }
}

#[test]
fn a_search_keeps_off_where_the_loss_is_nan() {
    // A bowl whose bottom lies 1e-3 before a cliff.
    let cliff = |x: &[f64]| {
        if x[0] > 0.502 {
            return (f64::NAN, vec![f64::NAN; 2]);
        }
        bowl(x, &[1.0, 30.0], &[0.501, 0.2])
    };
    let mut descent = Descent::from(&[0.49, 0.25]);
    for _ in 0..60 {
        descent.step(&cliff, |image| image);
    }
    let found = pixels(&descent.accepted.last().unwrap().image);
    assert!((found[0] - 0.501).abs() < 1e-4 && (found[1] - 0.2).abs() < 1e-4, "{found:?}");
}

#[test]
fn a_finite_loss_with_a_gradient_of_nan_is_not_accepted() {
    let bad = |x: &[f64]| {
        let (loss, mut gradient) = bowl(x, &[1.0, 1.0], &[0.0, 0.0]);
        if x[0] < 0.4925 {
            gradient[0] = f64::NAN;
        }
        (loss, gradient)
    };
    let mut descent = Descent::from(&[0.5, 0.5]);
    for _ in 0..10 {
        descent.step(&bad, |image| image);
    }
    assert!(descent.accepted.len() > 1);
    for place in &descent.accepted {
        assert!(pixels(&place.image)[0] >= 0.4925);
    }
}

#[test]
fn where_nothing_is_finite_the_picture_stays() {
    let nowhere = |x: &[f64]| (f64::NAN, vec![f64::NAN; x.len()]);
    let mut descent = Descent::from(&[0.5, 0.25]);
    for _ in 0..3 {
        descent.step(&nowhere, |image| image);
        assert_eq!(pixels(&descent.image), [0.5, 0.25]);
    }
    // Finite at the start alone: it comes back there again and again.
    let island = |x: &[f64]| if x == [0.5, 0.25] { (1.0, vec![1.0, 1.0]) } else { nowhere(x) };
    let mut returns = 0;
    for _ in 0..60 {
        descent.step(&island, |image| image);
        returns += usize::from(pixels(&descent.image) == [0.5, 0.25]);
    }
    assert!(returns >= 2, "{returns}");
}

#[test]
fn a_clamped_picture_is_understood() {
    // The bottom lies outside of [0, 1] in the second and third pixel: there the picture ends at the border.
    let outside = |x: &[f64]| bowl(x, &[1.0, 40.0, 5.0, 20.0], &[0.3, 1.4, -0.5, 0.8]);
    let mut descent = Descent::from(&[0.9, 0.5, 0.5, 1.0]);
    for _ in 0..120 {
        descent.step(&outside, |image| image.clamp(0.0, 1.0));
    }
    let found = pixels(&descent.accepted.last().unwrap().image);
    for (found, expected) in found.iter().zip([0.3, 1.0, 0.0, 0.8]) {
        assert!((found - expected).abs() < 2e-3, "{found} instead of {expected}");
    }
    let losses: Vec<f64> = descent.accepted.iter().map(|place| outside(&pixels(&place.image)).0).collect();
    println!("{losses:?}");
    assert!(losses.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-6)), "{losses:?}");
}

#[test]
fn a_picture_at_rest_stays_at_rest() {
    for gradient in [0.0, 1.0] {
        // At the bottom; and in a corner, against which the gradient presses.
        let pressed = |x: &[f64]| (gradient * x.iter().sum::<f64>() + 1.0, vec![gradient; x.len()]);
        let mut descent = Descent::from(&[0.0, 0.0]);
        for _ in 0..60 {
            descent.step(&pressed, |image| image.clamp(0.0, 1.0));
            assert_eq!(pixels(&descent.image), [0.0, 0.0]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn in_any_bowl_the_loss_falls_and_the_bottom_is_found(
        seed in any::<u32>(),
        length in 1_usize..12,
        steepness in 0.0_f64..2.5,
        exponent in -25..26,
    ) {
        let random = |seed| numbers(length, seed).into_iter().map(f64::from).collect::<Vec<_>>();
        let (start, bottom) = (random(seed), random(seed ^ 1));
        let scale = 10_f64.powi(exponent);
        let curvatures: Vec<f64> =
            random(seed ^ 2).into_iter().map(|c| scale * 10_f64.powf(steepness * c)).collect();
        let function = |x: &[f64]| bowl(x, &curvatures, &bottom);
        let mut descent = Descent::from(&start);
        for _ in 0..120 {
            descent.step(&function, |image| image);
        }
        let losses: Vec<f64> =
            descent.accepted.iter().map(|place| function(&pixels(&place.image)).0).collect();
        for pair in losses.windows(2) {
            prop_assert!(pair[1] <= pair[0] * (1.0 + 1e-6), "{losses:?}");
        }
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        prop_assert!(last <= 1e-6 * first.max(1e-4 * scale), "from {first} to {last} in {}", losses.len());
    }
}
