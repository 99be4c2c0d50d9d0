//! The forms of pooling and of padding by hand, and their gradients by finite differences.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Network, Random, instruction_sets};
use style_kernels::{Algorithm, Convolution, Derivative, Encoder, Options, Padding, Pooling, Tap};

fn network(options: Options) -> Network {
    let shapes = [(3, 16, false), (16, 64, false), (64, 160, true), (160, 32, false)];
    Network::random(&mut Random(9), &shapes, options)
}

fn picture(len: usize) -> Vec<f32> {
    Random(17).values(len)
}

#[test]
fn the_gradient_is_the_slope_that_finite_differences_find() {
    let (height, width) = (14, 11);
    let image = picture(3 * height * width);
    let direction = Random(31).values(image.len());
    for (pooling, gain) in [(Pooling::Average, 2.0), (Pooling::L2, 0.78)] {
        for padding in [Padding::Zero, Padding::Replicate, Padding::Reflect] {
            let mut network = network(Options { pooling, padding, ..Options::default() });
            network.gain = gain;
            // Positive weights of a sum near one: no ReLU is shut, and the function is smooth.
            for layer in &mut network.layers {
                let size = (9.0 * layer.inputs as f32).sqrt();
                layer.weight.iter_mut().for_each(|w| *w = w.abs() / size);
                layer.bias.fill(2.0);
            }
            let mut plan = network.encoder().plan(1, height, width, &[Tap::statistics(3)]).unwrap();
            let towards = Random(37).values(32 * 32);
            let mut value = |step: f32| {
                let image: Vec<f32> = image.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
                plan.forward(&image).unwrap();
                let products = plan.gram(3).unwrap().iter().zip(&towards);
                products.map(|(&g, &t)| f64::from(g) * f64::from(t)).sum::<f64>()
            };
            let found = (value(0.05) - value(-0.05)) / 0.1;
            value(0.0);
            let mut gradient = vec![0.0; image.len()];
            plan.backward(&[Derivative::Gram { convolution: 3, values: &towards }], &mut gradient).unwrap();
            let slope: f64 =
                gradient.iter().zip(&direction).map(|(&g, &d)| f64::from(g) * f64::from(d)).sum();
            let error = (slope - found).abs() / slope.abs();
            assert!(error < 1e-3, "{pooling:?} {padding:?}: {slope}, by differences {found}");
        }
    }
}

/// A filter that copies its input, with the pooling asked for before the second: `(pooled map, gradient)` for the
/// picture, with a derivative of 1, 2, 3, ... at the pooled values.
fn pooled(encoder: &Encoder, taps: &[Tap], size: [usize; 2], image: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mut plan = encoder.plan(1, size[0], size[1], taps).unwrap();
    plan.forward(image).unwrap();
    let mut map = vec![0.0; plan.shape(1).unwrap().iter().product()];
    plan.features(1, &mut map).unwrap();
    let values: Vec<f32> = (1..=map.len()).map(|v| v as f32).collect();
    let mut gradient = vec![f32::NAN; image.len()];
    plan.backward(&[Derivative::Features { convolution: 1, values: &values }], &mut gradient).unwrap();
    (map, gradient)
}

#[test]
fn l2_pooling_takes_the_root_of_the_sum_of_squares_and_gives_back_shares() {
    let mut centre = vec![0.0; 9];
    centre[4] = 1.0;
    let copy = |pooled| Convolution { inputs: 1, outputs: 1, weight: &centre, bias: &[0.0], pooled };
    // Windows of 3 and 4, of nothing, and of squares that are too small for a float.
    #[rustfmt::skip]
    let image = [
        3.0, 0.0, 0.0, 0.0, 1e-30, 0.0, 9.0,
        0.0, 4.0, 0.0, -1.0, 0.0, 1e-30, 9.0,
    ];
    #[rustfmt::skip]
    let shares = [
        0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0,
    ];
    for (isa, algorithm) in
        instruction_sets().into_iter().flat_map(|isa| [(isa, Algorithm::Winograd), (isa, Algorithm::Direct)])
    {
        let options = Options { isa, algorithm, pooling: Pooling::L2, ..Options::default() };
        let encoder = Encoder::new(&[copy(false), copy(true)], &options).unwrap();
        for taps in [vec![Tap::features(1)], vec![Tap::features(0), Tap::features(1)]] {
            for gain in [1.0, 0.5, 0.0] {
                let encoder = encoder.clone().with_pooling_gain(gain);
                let (map, gradient) = pooled(&encoder, &taps, [2, 7], &image);
                // Winograd's sums are not exact.
                let near = |a: f32, b: f32| (a - b).abs() < 5e-6;
                let expected = [5.0 * gain, 0.0, 0.0];
                assert!(map.iter().zip(expected).all(|(&a, b)| near(a, b)), "{isa} {gain}: {map:?}");
                let expected = shares.map(|share| share * gain);
                assert!(
                    gradient.iter().zip(expected).all(|(&a, b)| near(a, b)),
                    "{isa} {gain}: {gradient:?}"
                );
            }
        }
    }
}

#[test]
fn a_gain_of_two_doubles_every_pooling() {
    let image = picture(3 * 30 * 31);
    for pooling in [Pooling::Max, Pooling::Average, Pooling::L2] {
        // Without its bias the convolution after the pooling is linear, and doubling is exact.
        let mut network = network(Options { pooling, ..Options::default() });
        network.layers[2].bias.fill(0.0);
        let encoder = network.encoder();
        // With a tap before the pooling, and fused.
        for taps in [vec![Tap::pre_activation(2)], vec![Tap::statistics(1), Tap::pre_activation(2)]] {
            let behind = |gain: f32| {
                let mut plan = encoder.clone().with_pooling_gain(gain).plan(1, 30, 31, &taps).unwrap();
                plan.forward(&image).unwrap();
                let mut map = vec![0.0; plan.shape(2).unwrap().iter().product()];
                plan.pre_activation(2, &mut map).unwrap();
                map
            };
            let doubled: Vec<f32> = behind(1.0).iter().map(|v| 2.0 * v).collect();
            assert_eq!(behind(2.0), doubled, "{pooling:?}");
        }
    }
}

#[test]
fn reflection_mirrors_at_the_edge_pixel_and_sends_its_gradient_back_there() {
    // A filter that looks left and up; the picture's first pixel sees the ones mirrored from right and below.
    let mut up_left = vec![0.0; 9];
    (up_left[1], up_left[3]) = (10.0, 1.0);
    let convolution = Convolution { inputs: 1, outputs: 1, weight: &up_left, bias: &[0.0], pooled: false };
    for isa in instruction_sets() {
        let options = Options { isa, padding: Padding::Reflect, ..Options::default() };
        let encoder = Encoder::new(&[convolution], &options).unwrap();
        let run = |[height, width]: [usize; 2], image: &[f32]| {
            let mut plan = encoder.plan(1, height, width, &[Tap::features(0)]).unwrap();
            plan.forward(image).unwrap();
            let mut map = vec![0.0; height * width];
            plan.features(0, &mut map).unwrap();
            let ones = vec![1.0; height * width];
            let mut gradient = vec![0.0; height * width];
            plan.backward(&[Derivative::Features { convolution: 0, values: &ones }], &mut gradient).unwrap();
            (map, gradient)
        };
        let (map, gradient) = run([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(map, [42.0, 51.0, 62.0, 15.0, 24.0, 35.0]);
        assert_eq!(gradient, [11.0, 12.0, 10.0, 11.0, 12.0, 10.0]);
        // One pixel high: up is the row itself, as with replication.
        assert_eq!(run([1, 3], &[1.0, 2.0, 3.0]), (vec![12.0, 21.0, 32.0], vec![11.0, 12.0, 10.0]));
        assert_eq!(run([1, 1], &[7.0]), (vec![77.0], vec![11.0]));
    }
}
