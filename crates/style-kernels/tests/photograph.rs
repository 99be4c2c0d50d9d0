//! Every convolution of VGG-19 on a photograph, in both directions, on maps that are large enough for the
//! larger tiles: a sample of its values against plain sums in double precision.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Layer, Network, Random};
use image::imageops::FilterType;
use style_kernels::{Convolution, Derivative, Encoder, Options, Tap};

/// Size of the picture: 50 x 46 positions are left in the fourth block.
const SIZE: [usize; 2] = [400, 368];
/// Values looked at in every map.
const SAMPLES: usize = 3000;
/// A layer may be off by this much, as in `accuracy.rs`.
const LAYER: f64 = 5e-6;
/// Its gradient may be off by this much. White noise comes in, so that sums cancel more than in a real gradient; with
/// AVX-512 it is 9.3e-6, and other instructions round otherwise.
const GRADIENT: f64 = 2e-5;

/// Planes of one picture.
#[derive(Clone)]
struct Planes {
    channels: usize,
    height: usize,
    width: usize,
    values: Vec<f32>,
}

impl Planes {
    /// A value, zero outside of the map.
    fn at(&self, channel: usize, row: usize, column: usize) -> f64 {
        let inside = row < self.height && column < self.width;
        if inside { f64::from(self.values[(channel * self.height + row) * self.width + column]) } else { 0.0 }
    }

    fn pooled(&self) -> Self {
        let (height, width) = (self.height / 2, self.width / 2);
        let largest = |i: usize| {
            let (channel, row, column) = (i / (height * width), i / width % height * 2, i % width * 2);
            let all = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(y, x)| self.at(channel, row + y, column + x));
            all.into_iter().fold(0.0, f64::max) as f32
        };
        let values = (0..self.channels * height * width).map(largest).collect();
        Self { channels: self.channels, height, width, values }
    }

    /// Relative Euclidean error of a sample of the values against `expected(channel, row, column)`.
    fn error(&self, random: &mut Random, expected: impl Fn(usize, usize, usize) -> f64) -> f64 {
        let (mut difference, mut size) = (0.0, 0.0);
        for _ in 0..SAMPLES {
            let channel = random.between(0, self.channels - 1);
            let (row, column) = (random.between(0, self.height - 1), random.between(0, self.width - 1));
            let expected = expected(channel, row, column);
            difference += (self.at(channel, row, column) - expected).powi(2);
            size += expected.powi(2);
        }
        (difference / size).sqrt()
    }
}

fn photograph() -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/images/eilean_donan.webp");
    let image = image::open(path).unwrap();
    let image = image.resize_exact(SIZE[1] as u32, SIZE[0] as u32, FilterType::Triangle).into_rgb32f();
    let planes = (0..3).flat_map(|colour| image.as_raw().iter().skip(colour).step_by(3));
    planes.copied().collect()
}

/// The maps before and after every ReLU.
fn maps(encoder: &Encoder, network: &Network) -> Vec<[Planes; 2]> {
    let convolutions = 0..network.layers.len();
    let taps: Vec<Tap> =
        convolutions.clone().flat_map(|c| [Tap::features(c), Tap::pre_activation(c)]).collect();
    let mut plan = encoder.plan(1, SIZE[0], SIZE[1], &taps).unwrap();
    plan.forward(&photograph()).unwrap();
    let read = |convolution: usize| {
        let [_, channels, height, width] = plan.shape(convolution).unwrap();
        let empty = Planes { channels, height, width, values: vec![0.0; channels * height * width] };
        let mut maps = [empty.clone(), empty];
        plan.pre_activation(convolution, &mut maps[0].values).unwrap();
        plan.features(convolution, &mut maps[1].values).unwrap();
        maps
    };
    convolutions.map(read).collect()
}

/// The gradient of one convolution alone, through a network whose first convolution changes nothing.
fn gradient(layer: &Layer, input: &Planes, derivative: &Planes) -> Planes {
    let channels = input.channels;
    let mut identity = vec![0.0; channels * channels * 9];
    identity.chunks_exact_mut(9).step_by(channels + 1).for_each(|filter| filter[4] = 1.0);
    let nothing = vec![0.0; channels];
    let (weight, bias) = (&identity, &nothing);
    let network = [
        Convolution { inputs: channels, outputs: channels, weight, bias, pooled: false },
        Convolution { pooled: false, ..layer.convolution() },
    ];
    let options = Options { scale: vec![1.0; channels], shift: vec![0.0; channels], ..Options::default() };
    let encoder = Encoder::new(&network, &options).unwrap();
    let mut plan = encoder.plan(1, input.height, input.width, &[Tap::pre_activation(1)]).unwrap();
    plan.forward(&input.values).unwrap();
    let mut gradient = Planes { values: vec![f32::NAN; input.values.len()], ..*input };
    let derivative = Derivative::PreActivation { convolution: 1, values: &derivative.values };
    plan.backward(&[derivative], &mut gradient.values).unwrap();
    gradient
}

#[test]
fn every_convolution_of_vgg19_agrees_with_plain_sums_on_a_photograph() {
    let network = Network::vgg19();
    let maps = maps(&network.encoder(), &network);
    let mut random = Random(11);
    let mut worst = 0.0_f64;
    for (index, layer) in network.layers.iter().enumerate().skip(1) {
        let before = &maps[index - 1][1];
        let input = if layer.pooled { before.pooled() } else { before.clone() };
        let weight =
            |o: usize, i: usize, tap: usize| f64::from(layer.weight[(o * layer.inputs + i) * 9 + tap]);

        let sums = &maps[index][0];
        let forward = sums.error(&mut random, |o, row, column| {
            let products = (0..9 * layer.inputs).map(|j| {
                let (i, tap) = (j / 9, j % 9);
                let (y, x) = ((row + tap / 3).wrapping_sub(1), (column + tap % 3).wrapping_sub(1));
                weight(o, i, tap) * input.at(i, y, x)
            });
            f64::from(layer.bias[o]) + products.sum::<f64>()
        });

        let derivative = Planes { values: random.values(sums.values.len()), ..*sums };
        let found = gradient(layer, &input, &derivative);
        let backward = found.error(&mut random, |i, row, column| {
            if input.at(i, row, column) <= 0.0 {
                return 0.0;
            }
            let product = |j: usize| {
                let (o, tap) = (j / 9, j % 9);
                let (y, x) = ((row + 1).wrapping_sub(tap / 3), (column + 1).wrapping_sub(tap % 3));
                weight(o, i, tap) * derivative.at(o, y, x)
            };
            (0..9 * layer.outputs).map(product).sum()
        });
        println!("convolution {index}, {} x {}: {forward:.2e} {backward:.2e}", sums.height, sums.width);
        assert!(forward < LAYER && backward < GRADIENT, "convolution {index}: {forward:e} {backward:e}");
        worst = worst.max(forward).max(backward);
    }
    println!("largest relative error: {worst:.2e}");
}
