//! Optimisers that go on from their numbers, on an objective that is hard to search.

use std::collections::BTreeSet;

use burn::tensor::{Device, Tensor, TensorData};

use super::history::{History, Pair};
use super::{LineSearch, Optimizer, Resumable};
use crate::Evaluation;
use crate::checkpoint::Kept;
use crate::test_support::{numbers, tensor, values};

const SHAPE: [usize; 4] = [1, 3, 4, 5];

fn read_back(optimizer: &dyn Resumable) -> Kept {
    let mut kept = Kept::default();
    optimizer.keep(&mut kept);
    kept.read_back()
}

/// Waves on a bowl that ends in a cliff, with a noise on the loss that no gradient tells of.
fn evaluate(image: &Tensor<4>, step: usize) -> Evaluation {
    let at = values(image.clone());
    let wild = numbers(at.len() + 1, step as u32);
    let curvature = |i: usize| 1.0 + 3.0 * (i % 7) as f32;
    let mut loss = 0.2 * wild[at.len()];
    let mut gradient = Vec::new();
    for (i, &x) in at.iter().enumerate() {
        loss += curvature(i) * (x - 0.4).powi(2) + 0.02 * (30.0 * x).sin();
        gradient.push(2.0 * curvature(i) * (x - 0.4) + 0.6 * (30.0 * x).cos() + 0.1 * wild[i]);
    }
    if at[0] > 0.7 {
        loss = f32::NAN;
    }
    let device = Device::flex();
    let gradient = Tensor::from_data(TensorData::new(gradient, SHAPE), &device);
    Evaluation { losses: Tensor::from_data(TensorData::new(vec![loss], [1]), &device), gradient }
}

#[test]
fn every_optimiser_goes_on_through_searches_in_vain_and_steps_that_are_not_remembered() {
    let (device, mut seen) = (Device::flex(), BTreeSet::new());
    let lbfgs = |line_search| Optimizer::Lbfgs { learning_rate: 1.0, history: 4, line_search };
    for optimizer in [Optimizer::ADAM, lbfgs(LineSearch::None), lbfgs(LineSearch::StrongWolfe)] {
        let mut whole = optimizer.begin();
        let mut image = tensor(SHAPE, 3);
        for step in 0..120 {
            let kept = read_back(whole.as_ref());
            seen.extend(kept.bits().into_keys());
            // Fresh, with another learning rate than the one it takes over.
            let mut resumed = optimizer.with_learning_rate(0.123).begin();
            resumed.restore(&kept, SHAPE, &device).unwrap();
            let evaluation = evaluate(&image, step);
            let expected = whole.step(image.clone(), evaluation.clone()).unwrap();
            let found = resumed.step(image.clone(), evaluation).unwrap();
            let same = read_back(whole.as_ref()).bits() == read_back(resumed.as_ref()).bits();
            assert!(values(found) == values(expected.clone()) && same, "{optimizer:?} at step {step}");
            if step == 80 {
                whole.restart(0.5);
            }
            image = expected.clamp(0.0, 1.0);
        }
    }
    for name in [
        "adam.second",
        "lbfgs.changed.3",
        "lbfgs.unit",
        "search.wolfe",
        "search.wolfe.far",
        "search.best.image",
    ] {
        assert!(seen.contains(name), "no step of these needs {name}");
    }
}

#[test]
fn what_only_the_device_knows_stays_on_the_device() {
    // Where nothing is read, the numbers of a pair are tensors, one of which may be no pair.
    let mut history = History::new(2);
    let pair = |seed, factor: f32| {
        let moved = tensor(SHAPE, seed);
        Pair { changed: moved.clone().mul_scalar(factor), moved }
    };
    for (seed, factor) in [(1, 2.0), (2, -1.0), (3, 0.5)] {
        history.remember_unread(pair(seed, factor));
    }
    let mut kept = Kept::default();
    history.keep(&mut kept);
    assert!(kept.has("lbfgs.rho.1") && kept.has("lbfgs.scaling") && kept.has("lbfgs.any"));
    let mut again = History::new(2);
    again.restore(&kept, SHAPE, &Device::flex()).unwrap();
    let gradient = tensor(SHAPE, 5);
    assert_eq!(values(again.change(gradient.clone())), values(history.change(gradient)));
}
