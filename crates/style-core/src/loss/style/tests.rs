//! Laws of every style loss, and gradients by finite differences.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use proptest::prelude::*;

use super::{GramScale, Seen, StyleForm, StyleLoss};
use crate::Statistics;
use crate::test_support::{check_gradient_near, relative_error, tensor, values};

const FORMS: [StyleForm; 7] = [
    StyleForm::Gram { scale: GramScale::Relative },
    StyleForm::Gram { scale: GramScale::Sum },
    StyleForm::Gram { scale: GramScale::Channels2 },
    StyleForm::Gram { scale: GramScale::Channels4 },
    StyleForm::MeanVariance { relative: false },
    StyleForm::Wasserstein { relative: false },
    StyleForm::SlicedWasserstein { relative: false },
];

fn see(form: StyleForm, features: Tensor<4>) -> Seen {
    if form.needs_features() { features.into() } else { Statistics::of(features).into() }
}

fn loss_of(form: StyleForm, styles: &[(f32, Tensor<4>)]) -> Arc<dyn StyleLoss> {
    let styles = styles.iter().map(|(weight, map)| (*weight, see(form, map.clone()))).collect();
    form.target(styles, 7).unwrap()
}

fn value(loss: &dyn StyleLoss, seen: Seen) -> f32 {
    values(loss.forward(seen).unwrap())[0]
}

/// The gradient with respect to the feature map, by way of `evaluate` and the map's statistics.
fn slope_of(form: StyleForm, loss: &dyn StyleLoss, features: &Tensor<4>, weight: f32) -> (f32, Vec<f32>) {
    let (value, slope) = loss.evaluate(see(form, features.clone()), weight).unwrap();
    let through = Statistics::backward(features.clone(), slope.gram, slope.mean);
    let parts: Vec<_> = through.into_iter().chain(slope.features).collect();
    assert_eq!(parts.len(), 1, "{form:?}");
    (values(value)[0], values(parts[0].clone()))
}

#[test]
fn gradients_agree_with_finite_differences() {
    let features = tensor([1, 3, 4, 5], 1);
    for form in FORMS {
        // Losses of fourth order need a steeper place than two similar pictures have.
        let loss = loss_of(form, &[(1.0, tensor([1, 3, 2, 7], 3) * 3.0)]);
        // The sliced distance has a kink wherever two features change places.
        let reach = if form.needs_features() { 0.0005 } else { 0.03 };
        check_gradient_near(&features, reach, |x| loss.forward(see(form, x)).unwrap());
    }
}

#[test]
fn what_evaluate_gives_is_what_autodiff_finds() {
    for (form, batch) in FORMS.into_iter().flat_map(|form| [(form, 1), (form, 2)]) {
        let features = tensor([batch, 4, 4, 5], 1);
        let loss =
            loss_of(form, &[(1.0, tensor([batch, 4, 6, 3], 3) * 2.0), (0.5, tensor([batch, 4, 2, 7], 5))]);
        let leaf = features.clone().autodiff().require_grad();
        let expected = loss.forward(see(form, leaf.clone())).unwrap().mul_scalar(0.7);
        let gradient = values(leaf.grad(&expected.backward()).unwrap());
        let (value, slope) = slope_of(form, loss.as_ref(), &features, 0.7);
        let expected = values(expected.without_autodiff())[0];
        assert!((value - expected).abs() <= 1e-5 * expected, "{form:?}: {value} {expected}");
        let error = relative_error(&slope, &gradient);
        assert!(error < 1e-4, "{form:?}: {error}");
    }
}

#[test]
fn the_derivative_that_comes_with_the_trait_is_that_of_forward() {
    /// A loss that leaves `evaluate` to the trait.
    #[derive(Debug)]
    struct Plain(Arc<dyn StyleLoss>);
    impl StyleLoss for Plain {
        fn forward(&self, seen: Seen) -> Result<Tensor<1>, crate::Error> {
            self.0.forward(seen)
        }
    }
    let features = tensor([1, 4, 4, 5], 1);
    for form in FORMS {
        let loss = loss_of(form, &[(1.0, tensor([1, 4, 6, 3], 3) * 2.0)]);
        let (value, slope) = slope_of(form, loss.as_ref(), &features, 0.7);
        // A graph around the features must end at the loss.
        let tracked = features.clone().autodiff().require_grad();
        let (plain, of_plain) = Plain(loss).evaluate(see(form, tracked), 0.7).unwrap();
        assert!(!plain.is_autodiff());
        let through = Statistics::backward(features.clone(), of_plain.gram, of_plain.mean);
        let of_plain = values(through.or(of_plain.features).unwrap());
        assert!((values(plain)[0] - value).abs() <= 1e-5 * value, "{form:?}");
        assert!(relative_error(&of_plain, &slope) < 1e-4, "{form:?}");
    }
}

#[test]
fn a_loss_that_looks_at_nothing_has_no_slope() {
    #[derive(Debug)]
    struct Constant;
    impl StyleLoss for Constant {
        fn forward(&self, _: Seen) -> Result<Tensor<1>, crate::Error> {
            Ok(tensor([1], 3))
        }
    }
    let (value, slope) = Constant.evaluate(tensor([1, 2, 3, 3], 1).into(), 2.0).unwrap();
    assert_eq!(values(value), values(tensor::<1>([1], 3) * 2.0));
    assert!(slope.mean.is_none() && slope.gram.is_none() && slope.features.is_none());
}

#[test]
fn black_constant_and_huge_features_have_finite_losses_and_gradients() {
    let device = Device::flex();
    let painting = tensor([1, 5, 6, 4], 3);
    let (black, grey) = (Tensor::zeros([1, 5, 3, 3], &device), Tensor::full([1, 5, 3, 3], 0.5, &device));
    for form in FORMS {
        for target in [&black, &grey, &painting] {
            let loss = loss_of(form, &[(1.0, target.clone())]);
            for features in [&black, &grey, &(painting.clone() * 1e3)] {
                let (value, slope) = slope_of(form, loss.as_ref(), features, 1.0);
                assert!(value.is_finite() && value >= -1e-4, "{form:?}: {value}");
                assert!(slope.iter().all(|slope| slope.is_finite()), "{form:?}: {slope:?}");
            }
        }
    }
}

#[test]
fn a_form_reads_back_as_it_was_written() {
    for (form, text) in [
        (FORMS[0], r#"{"name":"gram","scale":"relative"}"#),
        (FORMS[2], r#"{"name":"gram","scale":"channels-2"}"#),
        (FORMS[4], r#"{"name":"mean-variance","relative":false}"#),
        (FORMS[6], r#"{"name":"sliced-wasserstein","relative":false}"#),
    ] {
        assert_eq!(serde_json::to_string(&form).unwrap(), text);
        assert_eq!(serde_json::from_str::<StyleForm>(text).unwrap(), form);
    }
    assert_eq!(serde_json::from_str::<StyleForm>(r#"{"name":"gram"}"#).unwrap(), StyleForm::default());
}

#[test]
fn the_wrong_styles_are_typed_errors() {
    let map = |channels| tensor([1, channels, 3, 3], 1);
    for form in FORMS {
        let target = |styles: Vec<(f32, Seen)>| form.target(styles, 0).unwrap_err().to_string();
        assert_eq!(target(Vec::new()), "styles is empty, allowed is at least one style");
        assert_eq!(target(vec![(-1.0, see(form, map(2)))]), "style weight is -1, allowed is 0 and more");
        let zero = target(vec![(0.0, see(form, map(2))); 2]);
        assert_eq!(zero, "sum of the style weights is 0, allowed is above 0, and finite");
        let two = target(vec![(1.0, see(form, map(2))), (1.0, see(form, map(3)))]);
        assert!(two.contains("has shape [1, 3, "), "{two}");
        let loss = loss_of(form, &[(1.0, map(2))]);
        let other = loss.forward(see(form, map(3))).unwrap_err().to_string();
        assert!(other.contains("has shape [1, 3"), "{other}");
        let wrong: Seen = if form.needs_features() { Statistics::of(map(2)).into() } else { map(2).into() };
        let wrong = loss.forward(wrong).unwrap_err();
        assert!(wrong.to_string().starts_with("the style loss looks at"), "{wrong}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn style_losses_vanish_at_their_target_and_nowhere_below(
        channels in 1usize..6, side in 1usize..7, seed in any::<u32>(),
    ) {
        let (target, other) = (tensor([1, channels, side, side], seed), tensor([1, channels, 4, side], seed ^ 7));
        for form in FORMS {
            let loss = loss_of(form, &[(1.0, target.clone())]);
            let at_target = value(loss.as_ref(), see(form, target.clone()));
            prop_assert!(at_target.abs() < 1e-4, "{:?}: {}", form, at_target);
            let elsewhere = value(loss.as_ref(), see(form, other.clone()));
            prop_assert!(elsewhere >= -1e-5, "{:?}: {}", form, elsewhere);
        }
    }

    #[test]
    fn style_losses_do_not_know_where_features_are(
        channels in 1usize..6, height in 1usize..7, width in 1usize..7, seed in any::<u32>(),
    ) {
        let features = tensor([1, channels, height, width], seed);
        let moved = features.clone().flip([2]).swap_dims(2, 3);
        for form in FORMS {
            let loss = loss_of(form, &[(1.0, tensor([1, channels, 3, 5], seed ^ 7))]);
            let [here, there] = [features.clone(), moved.clone()].map(|map| value(loss.as_ref(), see(form, map)));
            prop_assert!((here - there).abs() <= 1e-4 * here.abs().max(1.0), "{:?}: {} {}", form, here, there);
        }
    }

    #[test]
    fn a_blend_of_a_style_with_itself_is_the_style(
        channels in 1usize..6, share in 0.01f32..10.0, seed in any::<u32>(),
    ) {
        let (target, features) = (tensor([1, channels, 3, 5], seed), tensor([1, channels, 4, 4], seed ^ 7));
        for form in FORMS {
            let one = loss_of(form, &[(3.0, target.clone())]);
            let blend = loss_of(form, &[(1.0, target.clone()), (share, target.clone())]);
            let [one, blend] = [one, blend].map(|loss| value(loss.as_ref(), see(form, features.clone())));
            prop_assert!((one - blend).abs() <= 1e-4 * one.abs().max(1.0), "{:?}: {} {}", form, one, blend);
        }
    }

    #[test]
    fn the_relative_gram_loss_does_not_know_the_scale_of_features(
        channels in 1usize..6, scale in 0.01f32..100.0, seed in any::<u32>(),
    ) {
        let (target, features) = (tensor([1, channels, 3, 5], seed), tensor([1, channels, 4, 4], seed ^ 7));
        let at = |scale: f32| {
            let loss = loss_of(StyleForm::default(), &[(1.0, target.clone() * scale)]);
            value(loss.as_ref(), Statistics::of(features.clone() * scale).into())
        };
        let (one, scaled) = (at(1.0), at(scale));
        prop_assert!((one - scaled).abs() <= 1e-4 * one.max(1e-3), "{} {}", one, scaled);
    }
}

#[test]
fn a_blend_has_the_statistics_of_all_positions_together() {
    let (first, second) = (tensor([1, 3, 4, 5], 1), tensor([1, 3, 4, 5], 2));
    let both = Statistics::of(Tensor::cat(vec![first.clone(), second.clone()], 3));
    let blend = Statistics::blend(&[(2.0, Statistics::of(first)), (2.0, Statistics::of(second))]).unwrap();
    assert!(relative_error(&values(blend.gram), &values(both.gram)) < 1e-6);
    assert!(relative_error(&values(blend.mean), &values(both.mean)) < 1e-6);
    assert_eq!(blend.positions, 20);
}
