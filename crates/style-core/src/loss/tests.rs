//! Values by hand, gradients by finite differences, laws by random cases.

use burn::tensor::{Device, Tensor};
use proptest::prelude::*;

use crate::test_support::{check_gradient, tensor, values};
use crate::{ContentForm, ContentLoss, GramLoss, GramScale, Seen, Statistics, StyleLoss, gram_matrix};

const CONTENT_FORMS: [ContentForm; 4] =
    [ContentForm::Mean, ContentForm::HalfSum, ContentForm::Relative, ContentForm::Scaled];
const GRAM_SCALES: [GramScale; 4] =
    [GramScale::Relative, GramScale::Sum, GramScale::Channels2, GramScale::Channels4];

fn of<const D: usize>(loss: Tensor<D>) -> f32 {
    values(loss)[0]
}

#[test]
fn content_loss_has_the_values_computed_by_hand() {
    let device = Device::flex();
    let target = Tensor::<4>::from_floats([[[[1.0, 2.0], [3.0, 4.0]]]], &device);
    let features = Tensor::<4>::from_floats([[[[1.0, 4.0], [3.0, 0.0]]]], &device);
    let loss = |form| of(ContentLoss::new(target.clone(), form).forward(features.clone()).unwrap());
    assert_eq!(loss(ContentForm::Mean), 5.0); // (0 + 4 + 0 + 16) / 4
    assert_eq!(loss(ContentForm::HalfSum), 10.0);
    assert!((loss(ContentForm::Relative) - 5.0 / 7.5).abs() < 1e-6); // mean square of the target: 30 / 4
    assert!((loss(ContentForm::Scaled) - 20.0 / 6.0).abs() < 1e-6);
}

#[test]
fn gram_loss_has_the_values_computed_by_hand() {
    let device = Device::flex();
    // Two channels, two positions: G = [[2.5, 1], [1, 2]].
    let features = Tensor::<4>::from_floats([[[[1.0, 2.0]], [[2.0, 0.0]]]], &device);
    let seen = Statistics::of(features);
    assert_eq!(values(seen.gram.clone()), [2.5, 1.0, 1.0, 2.0]);
    let seen = Seen::from(seen);
    let target = Statistics::of(Tensor::from_floats([[[[2.0, 0.0]], [[0.0, 2.0]]]], &device)); // [[2, 0], [0, 2]]
    let loss = |scale| of(GramLoss::new(target.clone(), scale).forward(seen.clone()).unwrap());
    assert_eq!(loss(GramScale::Sum), 2.25);
    assert_eq!(loss(GramScale::Channels2), 2.25 / 4.0);
    assert_eq!(loss(GramScale::Channels4), 2.25 / 16.0);
    assert_eq!(loss(GramScale::Relative), 2.25 / 8.0);
}

#[test]
fn gradients_agree_with_finite_differences() {
    let features = tensor([1, 3, 4, 5], 1);
    for form in CONTENT_FORMS {
        let content = ContentLoss::new(tensor([1, 3, 4, 5], 2) + 1.0, form);
        check_gradient(&features, |x| content.forward(x).unwrap());
    }
    for scale in GRAM_SCALES {
        // A loss of fourth order needs a steeper place than two similar pictures have.
        let style = GramLoss::new(Statistics::of(tensor([1, 3, 2, 2], 3) * 3.0), scale);
        check_gradient(&features, |x| style.forward(Statistics::of(x).into()).unwrap());
    }
}

#[test]
fn written_out_derivatives_are_those_of_autodiff() {
    fn check<const D: usize>(
        at: Tensor<D>,
        forward: impl Fn(Tensor<D>) -> Tensor<1>,
        evaluate: impl Fn(Tensor<D>, f32) -> (Tensor<1>, Tensor<D>),
    ) {
        let leaf = at.clone().autodiff().require_grad();
        let expected = forward(leaf.clone()).mul_scalar(0.7);
        let gradient = leaf.grad(&expected.clone().backward()).unwrap();
        let (value, derivative) = evaluate(at, 0.7);
        let (value, expected) = (of(value), of(expected.without_autodiff()));
        assert!((value - expected).abs() < 1e-6 * expected.max(1.0), "{value} {expected}");
        for (a, b) in values(derivative).into_iter().zip(values(gradient)) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }
    for form in CONTENT_FORMS {
        let content = ContentLoss::new(tensor([1, 3, 4, 5], 2), form);
        check(
            tensor([1, 3, 4, 5], 1),
            |x| content.forward(x).unwrap(),
            |x, w| content.evaluate(x, w).unwrap(),
        );
    }
    for scale in GRAM_SCALES {
        let style = GramLoss::new(Statistics::of(tensor([1, 3, 2, 2], 3)), scale);
        let Statistics { mean, gram, positions } = Statistics::of(tensor([1, 3, 4, 5], 1));
        let seen = |gram| Seen::Statistics(Statistics { mean: mean.clone(), gram, positions });
        check(
            gram,
            |x| style.forward(seen(x)).unwrap(),
            |x, w| {
                let (value, slope) = style.evaluate(seen(x), w).unwrap();
                (value, slope.gram.unwrap())
            },
        );
    }
}

#[test]
fn a_target_of_zeros_does_not_divide_by_zero() {
    let zeros = Tensor::<4>::zeros([1, 2, 3, 3], &Device::flex());
    let loss = ContentLoss::new(zeros.clone(), ContentForm::Relative);
    assert_eq!(of(loss.forward(zeros.clone()).unwrap()), 0.0);
    let style = GramLoss::new(Statistics::of(zeros.clone()), GramScale::Relative);
    assert_eq!(of(style.forward(Statistics::of(zeros).into()).unwrap()), 0.0);
}

#[test]
fn another_shape_than_the_targets_is_a_typed_error() {
    let loss = ContentLoss::new(tensor([1, 3, 4, 4], 1), ContentForm::Mean);
    let error = loss.forward(tensor([1, 3, 4, 5], 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the feature map has shape [1, 3, 4, 5], expected [1, 3, 4, 4], the target's"
    );
    let loss = GramLoss::new(Statistics::of(tensor([1, 3, 4, 4], 1)), GramScale::Sum);
    let error = loss.forward(Statistics::of(tensor([1, 2, 4, 4], 1)).into()).unwrap_err();
    assert_eq!(error.to_string(), "the Gram matrix has shape [1, 2, 2], expected [1, 3, 3], the target's");
}

#[test]
fn statistics_of_a_batch_are_those_of_its_pictures() {
    let (first, second) = (tensor([1, 3, 4, 5], 1), tensor([1, 3, 4, 5], 2));
    let both = Statistics::of(Tensor::cat(vec![first.clone(), second.clone()], 0));
    let joined = [values(gram_matrix(first.clone())), values(gram_matrix(second))].concat();
    assert_eq!(values(both.gram), joined);
    assert_eq!(both.positions, 20);
    assert_eq!(values(both.mean)[..3], values(Statistics::of(first).mean));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_gram_matrix_is_symmetric_and_positive_semi_definite(
        channels in 1usize..9, height in 1usize..9, width in 1usize..9, seed in any::<u32>(),
    ) {
        let gram = gram_matrix(tensor([1, channels, height, width], seed) - 0.5);
        let transposed = values(gram.clone().transpose());
        let direction = tensor([1, channels, 1], seed ^ 1) - 0.5;
        let quadratic = of(direction.clone().transpose().matmul(gram.clone()).matmul(direction));
        prop_assert!(quadratic >= -1e-6, "{quadratic}");
        for (a, b) in values(gram).into_iter().zip(transposed) {
            prop_assert!((a - b).abs() <= 1e-6);
        }
    }

    #[test]
    fn a_gram_matrix_does_not_know_where_features_are(
        channels in 1usize..6, height in 1usize..7, width in 1usize..7, seed in any::<u32>(),
    ) {
        let features = tensor([1, channels, height, width], seed);
        let moved = features.clone().flip([2]).swap_dims(2, 3);
        for (a, b) in values(gram_matrix(features)).into_iter().zip(values(gram_matrix(moved))) {
            prop_assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0));
        }
    }

    #[test]
    fn losses_vanish_at_their_target_and_nowhere_below(
        channels in 1usize..6, side in 1usize..7, seed in any::<u32>(),
    ) {
        let target = tensor([1, channels, side, side], seed);
        let other = tensor([1, channels, side, side], seed ^ 7);
        for form in CONTENT_FORMS {
            let content = ContentLoss::new(target.clone(), form);
            prop_assert_eq!(of(content.forward(target.clone()).unwrap()), 0.0);
            prop_assert!(of(content.forward(other.clone()).unwrap()) >= 0.0);
        }
        for scale in GRAM_SCALES {
            let style = GramLoss::new(Statistics::of(target.clone()), scale);
            prop_assert_eq!(of(style.forward(Statistics::of(target.clone()).into()).unwrap()), 0.0);
            prop_assert!(of(style.forward(Statistics::of(other.clone()).into()).unwrap()) >= 0.0);
        }
    }
}
