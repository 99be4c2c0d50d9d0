//! Single steps by hand, and whole descents on a bowl whose bottom is known.

use burn::tensor::{Device, Tensor};

use super::{Adam, ImageOptimizer, Lbfgs, LineSearch, Optimizer};
use crate::test_support::{tensor, values};
use crate::{Error, Evaluation};

/// L-BFGS with a line search.
const WOLFE: Optimizer =
    Optimizer::Lbfgs { learning_rate: 1.0, history: 10, line_search: LineSearch::StrongWolfe };

fn pixels(values: [f32; 2]) -> Tensor<4> {
    Tensor::from_floats([[[values]]], &Device::flex())
}

/// An evaluation of which only the gradient is looked at.
fn at(gradient: Tensor<4>) -> Evaluation {
    Evaluation { losses: Tensor::zeros([1], &gradient.device()), gradient }
}

/// Gradient of `1/2 sum c_i (x_i - t_i)^2` with curvatures between 1 and 50.
fn bowl(x: &Tensor<4>, target: &Tensor<4>) -> Tensor<4> {
    let curvature = tensor(x.dims(), 9) * 49.0 + 1.0;
    (x.clone() - target.clone()) * curvature
}

fn distance(x: &Tensor<4>, target: &Tensor<4>) -> f32 {
    values((x.clone() - target.clone()).abs().max())[0]
}

#[test]
fn adam_takes_the_steps_computed_by_hand() {
    let mut adam = Adam::new(0.1);
    let x = adam.step(pixels([1.0, 1.0]), at(pixels([2.0, -4.0]))).unwrap();
    // The first step is the learning rate against the sign.
    let found = values(x.clone());
    assert!((found[0] - 0.9).abs() < 1e-6 && (found[1] - 1.1).abs() < 1e-6, "{found:?}");
    // m = 0.9 * 0.2 + 0.1 * 1 = 0.28, /0.19; v = 0.99 * 0.04 + 0.01 * 1 = 0.0496, /0.0199.
    let found = values(adam.step(x, at(pixels([1.0, 0.0]))).unwrap());
    let expected = 0.9 - 0.1 * (0.28 / 0.19) / (0.0496_f32 / 0.0199).sqrt();
    assert!((found[0] - expected).abs() < 1e-6, "{found:?} {expected}");
}

#[test]
fn the_first_step_of_lbfgs_changes_pixels_by_a_hundredth_whatever_the_scale_of_the_loss() {
    for scale in [1e-30, 1e-6, 1.0, 1e9, 1e30] {
        let gradient = pixels([3.0, -4.0]).mul_scalar(scale); // root mean square: 3.535...
        let x = values(Lbfgs::new(1.0, 10).step(pixels([0.5, 0.5]), at(gradient)).unwrap());
        let size = 0.01 / 12.5f32.sqrt();
        assert!(
            (x[0] - (0.5 - 3.0 * size)).abs() < 1e-6 && (x[1] - (0.5 + 4.0 * size)).abs() < 1e-6,
            "{x:?}"
        );
    }
}

#[test]
fn the_second_step_of_lbfgs_is_newtons_along_a_line() {
    // One dimension: after one pair the inverse Hessian is exact.
    let mut lbfgs = Lbfgs::new(1.0, 10);
    let gradient = |x: &Tensor<4>| (x.clone() - 3.0) * 5.0;
    let start = Tensor::<4>::full([1, 1, 1, 1], 2.97, &Device::flex());
    let x = lbfgs.step(start.clone(), at(gradient(&start))).unwrap();
    let x = lbfgs.step(x.clone(), at(gradient(&x))).unwrap();
    assert!((values(x)[0] - 3.0).abs() < 1e-5);
}

#[test]
fn both_optimisers_reach_the_bottom_of_a_bowl() {
    let target = tensor([1, 3, 4, 5], 2);
    let start = tensor([1, 3, 4, 5], 1);
    for (optimizer, steps) in [(Optimizer::ADAM, 400), (Optimizer::LBFGS, 60)] {
        let (mut x, mut optimizer) = (start.clone(), optimizer.init());
        for _ in 0..steps {
            let gradient = bowl(&x, &target);
            x = optimizer.step(x, at(gradient)).unwrap();
        }
        assert!(distance(&x, &target) < 2e-3, "{}", distance(&x, &target));
    }
}

#[test]
fn lbfgs_needs_fewer_steps_than_steepest_descent() {
    let (target, start) = (tensor([1, 1, 6, 6], 2), tensor([1, 1, 6, 6], 1));
    let descend = |history: Option<usize>| {
        let mut lbfgs = history.map(|history| Lbfgs::new(1.0, history));
        let mut x = start.clone();
        for _ in 0..40 {
            let gradient = bowl(&x, &target);
            x = match &mut lbfgs {
                Some(lbfgs) => lbfgs.step(x, at(gradient)).unwrap(),
                None => x - gradient.mul_scalar(1.0 / 50.0), // the longest step that is safe
            };
        }
        distance(&x, &target)
    };
    assert!(descend(Some(10)) < 0.1 * descend(None));
}

#[test]
fn lbfgs_forgets_a_step_along_which_the_gradient_did_not_grow() {
    // Upside down: <y, s> < 0. The next step must still go along the negative gradient, and not far.
    let mut lbfgs = Lbfgs::new(1.0, 10);
    let x = lbfgs.step(pixels([0.5, 0.5]), at(pixels([5.0, 5.0]))).unwrap();
    let next = lbfgs.step(x.clone(), at(pixels([7.0, 7.0]))).unwrap();
    for moved in values(x - next) {
        assert!((moved - 0.01).abs() < 1e-6, "{moved}");
    }
}

#[test]
fn a_gradient_of_another_shape_is_a_typed_error() {
    let (image, other) = (tensor([1, 3, 4, 5], 1), tensor([1, 3, 4, 4], 1));
    for mut optimizer in [Optimizer::ADAM, Optimizer::LBFGS, WOLFE].map(Optimizer::init) {
        let error = optimizer.step(image.clone(), at(other.clone())).unwrap_err();
        assert!(error.to_string().starts_with("the gradient has shape [1, 3, 4, 4]"), "{error}");
        optimizer.step(image.clone(), at(image.clone())).unwrap();
        assert!(optimizer.step(other.clone(), at(other.clone())).is_err(), "the size changed");
    }
}

#[test]
fn lbfgs_finds_the_bottom_of_very_flat_and_very_steep_bowls() {
    let (target, start) = (tensor([1, 3, 4, 5], 2), tensor([1, 3, 4, 5], 1));
    for scale in [1e-25, 1e25] {
        let (mut x, mut lbfgs) = (start.clone(), Lbfgs::new(1.0, 10));
        for _ in 0..60 {
            let gradient = bowl(&x, &target).mul_scalar(scale);
            x = lbfgs.step(x, at(gradient)).unwrap();
        }
        assert!(distance(&x, &target) < 2e-3, "{scale}: {}", distance(&x, &target));
    }
}

#[test]
fn lbfgs_survives_a_gradient_of_zero() {
    let mut lbfgs = Lbfgs::new(1.0, 10);
    let mut x = pixels([0.5, 0.25]);
    for _ in 0..5 {
        x = lbfgs.step(x, at(pixels([0.0, 0.0]))).unwrap();
    }
    assert_eq!(values(x), [0.5, 0.25]);
}

#[test]
fn every_constant_of_adam_has_its_place() {
    // b1 = 0.5, b2 = 0.75, eps = 0.5. First step: m / 0.5 = 2, sqrt(v / 0.25) = 2; 2 / 2.5 = 0.8.
    let mut adam = Adam::new(0.1).with_betas(0.5, 0.75).with_epsilon(0.5);
    let x = adam.step(pixels([1.0, 1.0]), at(pixels([2.0, -2.0]))).unwrap();
    let found = values(x.clone());
    assert!((found[0] - 0.92).abs() < 1e-6 && (found[1] - 1.08).abs() < 1e-6, "{found:?}");
    // m = 0.5 * 1 + 0.5 * 4 = 2.5, / 0.75; v = 0.75 * 1 + 0.25 * 16 = 4.75, / 0.4375.
    let found = values(adam.step(x, at(pixels([4.0, -4.0]))).unwrap());
    let change = 0.1 * (2.5 / 0.75) / ((4.75_f32 / 0.4375).sqrt() + 0.5);
    assert!((found[0] - (0.92 - change)).abs() < 1e-6, "{found:?}");
    assert!((found[1] - (1.08 + change)).abs() < 1e-6, "{found:?}");
}

#[test]
fn at_another_size_adam_keeps_its_moments_and_its_count() {
    let constant = |value: f32, [height, width]: [usize; 2]| {
        Tensor::<4>::full([1, 3, height, width], value, &Device::flex())
    };
    let mut adam = Adam::new(0.1);
    adam.resize([2, 3]).unwrap(); // before the first step there is nothing to resample
    adam.step(constant(1.0, [4, 6]), at(constant(2.0, [4, 6]))).unwrap();
    adam.resize([5, 9]).unwrap();
    // The second step of the test above: m = 0.28, / 0.19; v = 0.0496, / 0.0199.
    let found = values(adam.step(constant(0.9, [5, 9]), at(constant(1.0, [5, 9]))).unwrap());
    let expected = 0.9 - 0.1 * (0.28 / 0.19) / (0.0496_f32 / 0.0199).sqrt();
    assert!(found.iter().all(|x| (x - expected).abs() < 1e-5), "{found:?} {expected}");
    let error = adam.resize([0, 9]).unwrap_err();
    assert!(matches!(error, Error::Picture(_)), "{error}");
}

#[test]
fn resampled_second_moments_are_never_negative() {
    // One bright pixel on black: bicubic resampling would leave a dark ring around it.
    let mut spike = vec![0.0; 64];
    spike[27] = 1.0;
    let spike = Tensor::<1>::from_floats(&spike[..], &Device::flex()).reshape([1, 1, 8, 8]);
    let mut adam = Adam::new(0.1);
    adam.step(spike.clone(), at(spike)).unwrap();
    adam.resize([13, 13]).unwrap();
    let image = Tensor::zeros([1, 1, 13, 13], &Device::flex());
    let stepped = values(adam.step(image.clone(), at(image)).unwrap());
    assert!(stepped.iter().all(|x| x.is_finite()), "{stepped:?}");
    assert!(stepped.iter().any(|&x| x != 0.0), "the first moment went on");
}

#[test]
fn a_restart_forgets_all_and_shortens_the_steps() {
    let (start, gradient) = (pixels([0.5, 0.5]), pixels([3.0, 3.0]));
    for (optimizer, first) in [(Optimizer::ADAM, 0.03), (Optimizer::LBFGS, 0.01), (WOLFE, 0.01)] {
        let mut optimizer = optimizer.init();
        let mut step = |factor: f32| {
            optimizer.restart(factor);
            values(optimizer.step(start.clone(), at(gradient.clone())).unwrap())[0]
        };
        for (factor, length) in [(1.0, 1.0), (0.5, 0.5), (0.5, 0.25), (f32::NAN, 0.25), (0.0, 0.25)] {
            let x = step(factor);
            assert!((x - (0.5 - first * length)).abs() < 1e-6, "{factor}: {x}");
        }
    }
}

#[test]
fn lbfgs_goes_on_at_another_size_without_its_memory() {
    for optimizer in [Optimizer::LBFGS, WOLFE] {
        let mut optimizer = optimizer.init();
        let mut x = tensor([1, 3, 4, 5], 1);
        for _ in 0..3 {
            x = optimizer.step(x.clone(), at(x)).unwrap();
        }
        optimizer.resize([6, 7]).unwrap();
        let (start, gradient) = (tensor([1, 3, 6, 7], 1), Tensor::ones([1, 3, 6, 7], &Device::flex()));
        let x = optimizer.step(start.clone(), at(gradient)).unwrap();
        for moved in values(start - x) {
            assert!((moved - 0.01).abs() < 1e-6, "{moved}");
        }
    }
}

#[test]
fn a_nan_in_the_gradient_shows_in_the_picture_and_a_restart_is_rid_of_it() {
    for optimizer in [Optimizer::ADAM, Optimizer::LBFGS, WOLFE] {
        let mut optimizer = optimizer.init();
        let image = pixels([0.5, 0.25]);
        let next = optimizer.step(image.clone(), at(pixels([f32::NAN, 1.0]))).unwrap();
        assert!(values(next.clamp(0.0, 1.0))[0].is_nan(), "it went unnoticed");
        optimizer.restart(0.5);
        let next = values(optimizer.step(image, at(pixels([1.0, 1.0]))).unwrap());
        assert!(next.iter().all(|x| x.is_finite()) && next[0] < 0.5, "{next:?}");
    }
}
