//! Colours matched to colours, and pictures without any.

use proptest::prelude::*;

use super::*;

const WAYS: [ColourMatch; 3] = [ColourMatch::Cholesky, ColourMatch::Pca, ColourMatch::Transport];

fn near(a: &[f32], b: &[f32], tolerance: f32) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

fn constant(colour: [f32; 3]) -> Image {
    Image::new(4, 3, colour.repeat(12)).unwrap()
}

fn grey_ramp() -> Image {
    Image::new(4, 4, (0..16).flat_map(|i| [i as f32 / 15.0; 3]).collect()).unwrap()
}

/// Colours in the middle of the range, with some of every direction.
fn colourful() -> Image {
    let value = |i: usize| 0.3 + 0.4 * (i * 37 % 101) as f32 / 100.0;
    Image::new(8, 6, (0..3 * 48).map(value).collect()).unwrap()
}

/// From NumPy, with `S` and `C` as below:
///
/// ```python
/// def function(M, f):
///     values, vectors = np.linalg.eigh(M)
///     return vectors @ np.diag(f(values)) @ vectors.T
/// np.linalg.cholesky(C) @ np.linalg.inv(np.linalg.cholesky(S))
/// function(C, np.sqrt) @ np.linalg.inv(function(S, np.sqrt))
/// root = function(S, np.sqrt); back = np.linalg.inv(root)
/// back @ function(root @ C @ root, np.sqrt) @ back
/// ```
#[test]
fn the_three_matrices_are_those_of_numpy() {
    let s = [[0.09, 0.03, 0.01], [0.03, 0.05, 0.02], [0.01, 0.02, 0.04]];
    let c = [[0.02, 0.01, 0.005], [0.01, 0.06, -0.02], [0.005, -0.02, 0.08]];
    let expected = [
        [
            [0.471_404_52, 0.0, 0.0],
            [-0.155_165_72, 1.172_603_94, 0.0],
            [0.318_737_54, -1.094_489_73, 1.475_491_48],
        ],
        [
            [0.467_966_33, -0.005_339_11, 0.040_754_02],
            [-0.134_089_4, 1.290_788_19, -0.507_536_03],
            [0.081_056_18, -0.562_316_02, 1.574_820_36],
        ],
        [
            [0.484_016_97, -0.062_687_68, 0.057_059_42],
            [-0.062_687_68, 1.258_221_42, -0.530_515_57],
            [0.057_059_42, -0.530_515_57, 1.573_592_59],
        ],
    ];
    for (how, expected) in WAYS.into_iter().zip(expected) {
        let found = how.matrix(&s, &c);
        for (a, b) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((a - b).abs() < 1e-8, "{how:?}: {a} for {b}");
        }
    }
}

#[test]
fn mean_and_covariance_are_computed_as_by_hand() {
    let colours = Colours::of(&[0.0, 0.5, 1.0, 1.0, 0.5, 0.0]);
    assert_eq!(colours.mean, [0.5; 3]);
    assert_eq!(colours.covariance, [[0.25, 0.0, -0.25], [0.0; 3], [-0.25, 0.0, 0.25]]);
}

#[test]
fn a_grey_picture_gets_the_colours_along_its_greys() {
    for how in WAYS {
        let found = grey_ramp().with_colours_of(&colourful(), how).unwrap();
        let (own, wanted) = (Colours::of(found.pixels()), Colours::of(colourful().pixels()));
        for k in 0..3 {
            assert!((own.mean[k] - wanted.mean[k]).abs() < 1e-6, "{how:?}");
            // One direction of three is all there is to turn, so no channel varies more than the other's.
            assert!(own.covariance[k][k] < wanted.covariance[k][k] + 1e-6, "{how:?}");
        }
        assert!(own.covariance[0][0] > 0.1 * wanted.covariance[0][0], "{how:?}");
    }
}

#[test]
fn the_colours_of_a_grey_picture_make_a_picture_grey() {
    for how in WAYS {
        let found = colourful().with_colours_of(&grey_ramp(), how).unwrap();
        let colours = Colours::of(found.pixels());
        for pixel in found.pixels().chunks_exact(3) {
            let saturation = pixel.iter().fold(0.0f32, |most, value| most.max((value - pixel[0]).abs()));
            assert!(saturation < 3.0 / 255.0, "{how:?}: {pixel:?}");
        }
        assert!(colours.covariance[0][0] > 0.05, "{how:?}");
    }
}

#[test]
fn constant_and_black_pictures_give_the_other_mean_and_no_contrast() {
    let (black, brown) = (constant([0.0; 3]), constant([0.4, 0.2, 0.1]));
    for how in WAYS {
        let found = black.with_colours_of(&colourful(), how).unwrap();
        let mean = Colours::of(colourful().pixels()).mean.map(|value| value as f32);
        assert!(near(found.pixels(), &mean.repeat(12), 1e-6), "{how:?}: {:?}", found.pixels());
        assert!(near(brown.with_colours_of(&black, how).unwrap().pixels(), black.pixels(), 1e-7), "{how:?}");
        assert!(near(black.with_colours_of(&brown, how).unwrap().pixels(), brown.pixels(), 1e-7), "{how:?}");
        let found = colourful().with_colours_of(&brown, how).unwrap();
        assert!(near(found.pixels(), &[0.4, 0.2, 0.1].repeat(48), 1.0 / 255.0), "{how:?}");
    }
}

/// A covariance whose smallest eigenvalue comes out below zero has a NaN for its square root, and it takes one pixel
/// of rounding to get there.
#[test]
fn nearly_grey_pictures_have_no_nan_in_them() {
    let mut values: Vec<f32> = grey_ramp().pixels().to_vec();
    values[7] += f32::EPSILON;
    let nearly = Image::new(4, 4, values).unwrap();
    let covariance = Colours::of(nearly.pixels()).covariance;
    let smallest = of_eigenvalues(&covariance, |value| if value < 1e-12 { value } else { 0.0 });
    assert!(smallest.iter().flatten().all(|value| value.abs() < 1e-12), "not singular: {smallest:?}");
    for how in WAYS {
        for other in [&nearly, &grey_ramp(), &colourful(), &constant([1.0; 3])] {
            // `Image::new` refuses what is not finite.
            assert!(
                nearly.with_colours_of(other, how).is_ok() && other.with_colours_of(&nearly, how).is_ok()
            );
        }
    }
}

fn pictures() -> impl Strategy<Value = Image> {
    (1usize..9, 1usize..9).prop_flat_map(|(width, height)| {
        prop::collection::vec(0.0f32..=1.0, 3 * width * height)
            .prop_map(move |pixels| Image::new(width, height, pixels).unwrap())
    })
}

/// Whether A had to be made up in some direction, because the own colours hardly vary there.
fn has_no_direction_missing(colours: &Colours) -> bool {
    let missing =
        of_eigenvalues(&colours.covariance, |value| f64::from(u8::from(value < 10.0 * LEAST_VARIANCE)));
    missing.iter().flatten().all(|&value| value == 0.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn matching_gives_mean_and_covariance_of_the_other(one in pictures(), other in pictures()) {
        let (own, wanted) = (Colours::of(one.pixels()), Colours::of(other.pixels()));
        for how in WAYS {
            let found = Colours::of(&matched(one.pixels(), &own, &wanted, how));
            for row in 0..3 {
                prop_assert!((found.mean[row] - wanted.mean[row]).abs() < 1e-6, "{:?}", how);
                for column in 0..3 {
                    let error = (found.covariance[row][column] - wanted.covariance[row][column]).abs();
                    prop_assert!(
                        !has_no_direction_missing(&own) || error < 2.0 * LEAST_VARIANCE,
                        "{:?}: off by {}", how, error
                    );
                }
            }
        }
    }

    #[test]
    fn a_picture_in_its_own_colours_is_unchanged(picture in pictures()) {
        for how in WAYS {
            let found = picture.with_colours_of(&picture, how).unwrap();
            prop_assert!(near(found.pixels(), picture.pixels(), 1e-6), "{:?}", how);
        }
    }

    #[test]
    fn transport_moves_colours_least(one in pictures(), other in pictures()) {
        let (own, wanted) = (Colours::of(one.pixels()), Colours::of(other.pixels()));
        let moved = |how| -> f64 {
            let found = matched(one.pixels(), &own, &wanted, how);
            found.iter().zip(one.pixels()).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
        };
        if has_no_direction_missing(&own) {
            let least = moved(ColourMatch::Transport);
            prop_assert!(least <= moved(ColourMatch::Cholesky) * (1.0 + 1e-4) + 1e-4);
            prop_assert!(least <= moved(ColourMatch::Pca) * (1.0 + 1e-4) + 1e-4);
        }
    }
}
