//! Single steps by hand, and whole descents on a bowl whose bottom is known.

use burn::tensor::{Device, Tensor};

use super::{Adam, ImageOptimizer, Lbfgs, Optimizer};
use crate::test_support::{tensor, values};

fn pixels(values: [f32; 2]) -> Tensor<4> {
    Tensor::from_floats([[[values]]], &Device::flex())
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
    let x = adam.step(pixels([1.0, 1.0]), pixels([2.0, -4.0])).unwrap();
    // The first step is the learning rate against the sign.
    let found = values(x.clone());
    assert!((found[0] - 0.9).abs() < 1e-6 && (found[1] - 1.1).abs() < 1e-6, "{found:?}");
    // m = 0.9 * 0.2 + 0.1 * 1 = 0.28, /0.19; v = 0.99 * 0.04 + 0.01 * 1 = 0.0496, /0.0199.
    let found = values(adam.step(x, pixels([1.0, 0.0])).unwrap());
    let expected = 0.9 - 0.1 * (0.28 / 0.19) / (0.0496_f32 / 0.0199).sqrt();
    assert!((found[0] - expected).abs() < 1e-6, "{found:?} {expected}");
}

#[test]
fn the_first_step_of_lbfgs_changes_pixels_by_a_hundredth_whatever_the_scale_of_the_loss() {
    for scale in [1e-30, 1e-6, 1.0, 1e9, 1e30] {
        let gradient = pixels([3.0, -4.0]).mul_scalar(scale); // root mean square: 3.535...
        let x = values(Lbfgs::new(1.0, 10).step(pixels([0.5, 0.5]), gradient).unwrap());
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
    let x = lbfgs.step(start.clone(), gradient(&start)).unwrap();
    let x = lbfgs.step(x.clone(), gradient(&x)).unwrap();
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
            x = optimizer.step(x, gradient).unwrap();
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
                Some(lbfgs) => lbfgs.step(x, gradient).unwrap(),
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
    let x = lbfgs.step(pixels([0.5, 0.5]), pixels([5.0, 5.0])).unwrap();
    let next = lbfgs.step(x.clone(), pixels([7.0, 7.0])).unwrap();
    for moved in values(x - next) {
        assert!((moved - 0.01).abs() < 1e-6, "{moved}");
    }
}

#[test]
fn a_gradient_of_another_shape_is_a_typed_error() {
    let (image, other) = (tensor([1, 3, 4, 5], 1), tensor([1, 3, 4, 4], 1));
    for mut optimizer in [Optimizer::ADAM.init(), Optimizer::LBFGS.init()] {
        let error = optimizer.step(image.clone(), other.clone()).unwrap_err();
        assert!(error.to_string().starts_with("the gradient has shape [1, 3, 4, 4]"), "{error}");
        optimizer.step(image.clone(), image.clone()).unwrap();
        assert!(optimizer.step(other.clone(), other.clone()).is_err(), "the size changed");
    }
    drop(Lbfgs::new(1.0, usize::MAX));
}

#[test]
fn lbfgs_finds_the_bottom_of_very_flat_and_very_steep_bowls() {
    let (target, start) = (tensor([1, 3, 4, 5], 2), tensor([1, 3, 4, 5], 1));
    for scale in [1e-25, 1e25] {
        let (mut x, mut lbfgs) = (start.clone(), Lbfgs::new(1.0, 10));
        for _ in 0..60 {
            let gradient = bowl(&x, &target).mul_scalar(scale);
            x = lbfgs.step(x, gradient).unwrap();
        }
        assert!(distance(&x, &target) < 2e-3, "{scale}: {}", distance(&x, &target));
    }
}

#[test]
fn lbfgs_survives_a_gradient_of_zero() {
    let mut lbfgs = Lbfgs::new(1.0, 10);
    let mut x = pixels([0.5, 0.25]);
    for _ in 0..5 {
        x = lbfgs.step(x, pixels([0.0, 0.0])).unwrap();
    }
    assert_eq!(values(x), [0.5, 0.25]);
}
