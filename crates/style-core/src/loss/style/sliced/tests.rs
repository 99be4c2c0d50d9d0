//! Values by hand, and what the directions depend on.

use burn::tensor::{Device, Tensor};

use super::SlicedWassersteinLoss;
use crate::loss::{Seen, StyleLoss};
use crate::test_support::{tensor, values};

fn value(loss: &SlicedWassersteinLoss, seen: Seen) -> f32 {
    values(loss.forward(seen).unwrap())[0]
}

#[test]
fn the_loss_of_one_channel_compares_sorted_values() {
    let row =
        |values: &[f32]| Tensor::<1>::from_floats(values, &Device::flex()).reshape([1, 1, 1, values.len()]);
    let loss = SlicedWassersteinLoss::new(vec![(1.0, row(&[5.0, 1.0, 3.0]))], 0).unwrap();
    // Sorted 0, 2, 4 against 1, 3, 5; the one direction may point either way.
    assert_eq!(value(&loss, row(&[4.0, 0.0, 2.0]).into()), 1.0);
    // Two positions see the quantiles at 1/4 and 3/4: 1.5 and 4.5, off by 1.5 and 0.5.
    let found = value(&loss, row(&[4.0, 0.0]).into());
    assert!((found - 1.25).abs() < 1e-6, "{found}");
}

#[test]
fn directions_change_with_the_step_and_come_back_with_it() {
    let new = |seed| SlicedWassersteinLoss::new(vec![(1.0, tensor([1, 6, 5, 5], 2))], seed).unwrap();
    let at = |loss: &SlicedWassersteinLoss, step| {
        loss.begin_step(step);
        value(loss, tensor([1, 6, 4, 4], 1).into())
    };
    let loss = new(1);
    let found = [at(&loss, 0), at(&loss, 1), at(&loss, 0)];
    assert_eq!(found[0], found[2]);
    assert!(found[0] != found[1], "{found:?}");
    assert_eq!(at(&new(1), 1), found[1]);
    assert!(at(&new(2), 1) != found[1]);
}
