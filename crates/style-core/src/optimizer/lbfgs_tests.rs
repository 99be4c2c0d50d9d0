//! The rule without a line search, with and without reading from the device.

use burn::tensor::{Device, Tensor};

use super::super::history::{History, Pair};
use super::Cautious;
use crate::convert::reads;
use crate::test_support::{relative_error, tensor, values};

/// The pictures of a descent along `gradient`, and how often it read.
fn descend(
    is_far: bool,
    steps: usize,
    gradient: impl Fn(&Tensor<4>, usize) -> Tensor<4>,
) -> (Vec<f32>, usize) {
    let (mut history, mut cautious) = (History::new(4), Cautious::default());
    let (mut x, mut pictures, before) = (tensor([1, 3, 2, 2], 1), Vec::new(), reads());
    for step in 0..steps {
        let gradient = gradient(&x, step);
        x = cautious.step(&mut history, 1.0, x, gradient, is_far).unwrap();
        pictures.extend(values(x.clone()));
    }
    (pictures, reads() - before)
}

/// Gradient of a bowl with curvatures between 1 and 10.
fn bowl(x: &Tensor<4>, _: usize) -> Tensor<4> {
    (x.clone() - tensor([1, 3, 2, 2], 7)) * (tensor([1, 3, 2, 2], 9) * 9.0 + 1.0)
}

#[test]
fn without_reading_a_descent_is_the_same() {
    let ((near, read), (far, unread)) = (descend(false, 12, bowl), descend(true, 12, bowl));
    assert_eq!((read, unread), (11, 0));
    let error = relative_error(&far, &near);
    assert!(error < 1e-4, "{error}");
}

#[test]
fn without_reading_too_a_step_along_a_plane_is_not_remembered() {
    // A plane first, on which no step is a valley's, then the bowl.
    let slope = |x: &Tensor<4>, step: usize| {
        if step < 3 { Tensor::full([1, 3, 2, 2], 0.5, &Device::flex()) } else { bowl(x, step) }
    };
    let ((near, _), (far, _)) = (descend(false, 6, slope), descend(true, 6, slope));
    let on_the_plane = 3 * 12;
    let error = relative_error(&far[..on_the_plane], &near[..on_the_plane]);
    assert!(error < 1e-6, "{error}");
    let error = relative_error(&far, &near);
    assert!(error < 1e-4, "{error}");
}

#[test]
fn without_reading_a_pair_that_is_not_finite_or_no_valley_changes_nothing() {
    let picture = |seed| tensor([1, 3, 2, 2], seed);
    for factor in [f32::NAN, f32::INFINITY, -1.0, 0.0] {
        let mut history = History::new(4);
        history.remember_unread(Pair { moved: picture(3), changed: picture(3) * 2.0 + picture(4) * 0.1 });
        let expected = values(history.change(picture(5)));
        history.remember_unread(Pair { moved: picture(6), changed: picture(6) * factor });
        let found = values(history.change(picture(5)));
        let error = relative_error(&found, &expected);
        assert!(error < 1e-6, "{factor}: {error}");
    }
}
