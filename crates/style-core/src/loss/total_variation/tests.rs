//! Values by hand, gradients by finite differences and by autodiff.

use burn::tensor::{Device, Tensor};
use proptest::prelude::*;

use super::TotalVariation;
use crate::test_support::{check_gradient_near, relative_error, tensor, values};

const VARIATIONS: [TotalVariation; 8] = [
    TotalVariation::SumAbsolute,
    TotalVariation::MeanAbsolute,
    TotalVariation::MeanSquare,
    TotalVariation::Power(0.5),
    TotalVariation::Power(1.0),
    TotalVariation::Power(2.0),
    TotalVariation::Power(3.0),
    TotalVariation::NinePoint,
];

fn of(loss: Tensor<1>) -> f32 {
    values(loss)[0]
}

#[test]
fn total_variations_have_the_values_computed_by_hand() {
    let image = Tensor::<4>::from_floats([[[[0.0, 1.0, 1.0], [2.0, 1.0, 4.0]]]], &Device::flex());
    // Right: 1, 0, and -1, 3. Down: 2, 0, 3.
    let of_form = |form: TotalVariation| of(form.forward(image.clone()));
    for (form, expected) in [
        (TotalVariation::SumAbsolute, 10.0),
        (TotalVariation::MeanAbsolute, 5.0 / 4.0 + 5.0 / 3.0),
        (TotalVariation::MeanSquare, 11.0 / 4.0 + 13.0 / 3.0),
        // Pixel by pixel: 1 + 4, 0 + 0, 0 + 9, 1 + 0, 9 + 0, 0.
        (TotalVariation::Power(2.0), 24.0 / 6.0),
        (TotalVariation::Power(1.0), (5.0_f32.sqrt() + 3.0 + 1.0 + 3.0) / 6.0),
        (TotalVariation::Power(4.0), (25.0 + 81.0 + 1.0 + 81.0) / 6.0),
        // Along the rows 11, down 13. Of the framed rows 0 0 1 1 1, 0 0 1 1 1, 2 2 1 4 4, 2 2 1 4 4, falling:
        // 0 1 0 0, 2 1 3 3, 0 1 3 0, and rising: 0 1 0 0, 2 1 0 3, 0 1 3 0.
        (TotalVariation::NinePoint, 2.0 * (24.0 / 18.0 + (34.0 + 25.0) / 144.0)),
    ] {
        let found = of_form(form);
        // The smoothing of powers under 2 takes 1e-4 of every length away.
        let slack = if form == TotalVariation::Power(1.0) { 1e-4 } else { 1e-6 * expected };
        assert!((found - expected).abs() <= slack, "{form:?}: {found} {expected}");
    }
}

#[test]
fn one_row_one_column_and_one_pixel_have_a_total_variation_too() {
    let device = Device::flex();
    for form in VARIATIONS {
        let of_shape = |shape| of(form.forward(Tensor::<1>::from_floats([1.0, 3.0], &device).reshape(shape)));
        let (row, column) = (of_shape([1, 1, 1, 2]), of_shape([1, 1, 2, 1]));
        assert!(row > 0.5 && (row - column).abs() < 1e-6, "{form:?}: {row} {column}");
        let pixel = Tensor::<4>::from_floats([[[[7.0]]]], &device);
        let (value, gradient) = form.evaluate(pixel.clone(), 1.0);
        assert_eq!((of(form.forward(pixel)), of(value), values(gradient)), (0.0, 0.0, vec![0.0]), "{form:?}");
    }
}

#[test]
fn total_variations_read_back_as_they_were_written() {
    for (form, text) in [
        (TotalVariation::SumAbsolute, r#""sum-absolute""#),
        (TotalVariation::MeanSquare, r#""mean-square""#),
        (TotalVariation::Power(1.5), r#"{"power":1.5}"#),
        (TotalVariation::NinePoint, r#""nine-point""#),
    ] {
        assert_eq!(serde_json::to_string(&form).unwrap(), text);
        assert_eq!(serde_json::from_str::<TotalVariation>(text).unwrap(), form);
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    for form in VARIATIONS {
        // Absolute values have kinks at zero differences, powers under 2 are steep there.
        check_gradient_near(&(tensor([1, 3, 4, 5], 11) * 3.0), 0.002, |x| form.forward(x));
    }
}

#[test]
fn written_out_gradients_are_those_of_autodiff() {
    for form in VARIATIONS {
        for shape in [[1, 3, 4, 5], [1, 3, 1, 5], [1, 3, 4, 1], [2, 3, 2, 2]] {
            let leaf = tensor(shape, 4).autodiff().require_grad();
            let expected = form.forward(leaf.clone()).mul_scalar(0.7);
            let oracle = values(leaf.grad(&expected.backward()).unwrap());
            // A graph that the picture is in ends here.
            let (value, gradient) = form.evaluate(leaf, 0.7);
            assert!(!value.is_autodiff());
            let (value, expected) = (of(value), of(expected.without_autodiff()));
            assert!((value - expected).abs() <= 1e-6 * expected, "{form:?}: {value} {expected}");
            assert!(relative_error(&values(gradient), &oracle) < 1e-6, "{form:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn total_variation_of_a_constant_is_zero(
        height in 1usize..9, width in 1usize..9, value in 0.0f32..1.0,
    ) {
        let constant = Tensor::<4>::full([1, 3, height, width], value, &Device::flex());
        for form in VARIATIONS {
            let (found, gradient) = form.evaluate(constant.clone(), 1.0);
            prop_assert!(of(form.forward(constant.clone())).abs() < 1e-6);
            prop_assert!(of(found).abs() < 1e-6);
            prop_assert!(values(gradient).iter().all(|&slope| slope == 0.0));
        }
    }
}
