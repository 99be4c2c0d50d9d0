//! The encoder against plain sums in double precision.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Given, Map, Network, Random, difference, feature_maps, instruction_sets, relative_error};
use style_kernels::{Algorithm, Encoder, Options, Padding, Pooling, Tap};

/// A layer may be off by this much: Winograd's transforms lose a digit to plain sums.
const LAYER: f64 = 5e-6;
/// A gradient may be off by this much, over all layers.
const GRADIENT: f64 = 1e-5;

/// Runs the encoder on one batch and compares everything it gives with the reference.
fn compare(network: &Network, encoder: &Encoder, shape: [usize; 3], random: &mut Random, name: &str) -> f64 {
    let [batch, height, width] = shape;
    let inputs = network.layers[0].inputs;
    let image: Vec<f32> =
        random.values(batch * inputs * height * width).iter().map(|v| 0.5 + 0.5 * v).collect();
    let maps = feature_maps(network, encoder, &image, shape);

    let mut taps = Vec::new();
    for convolution in 0..network.layers.len() {
        for tap in
            [Tap::statistics(convolution), Tap::features(convolution), Tap::pre_activation(convolution)]
        {
            if random.between(0, 3) == 0 {
                taps.push(tap);
            }
        }
    }
    taps.push(Tap::statistics(network.layers.len() - 1));
    let mut plan = encoder.plan(batch, height, width, &taps).unwrap();
    plan.forward(&image).unwrap();

    let mut worst = 0.0_f64;
    let mut given = vec![Given::default(); network.layers.len()];
    for tap in taps {
        let index = tap.convolution;
        let shape = plan.shape(index).unwrap();
        let [_, channels, h, w] = shape;
        let len = batch * channels * h * w;
        for (picture, maps) in maps.iter().enumerate() {
            let picture_image = Map::of(&image, [batch, inputs, height, width], picture);
            let part = channels * h * w;
            match tap.output {
                style_kernels::Output::Statistics => {
                    let (mean, gram) = maps[index].statistics();
                    let found =
                        &plan.gram(index).unwrap()[picture * channels * channels..][..channels * channels];
                    assert!(relative_error(found, &gram) < LAYER, "{name}: Gram matrix {index}");
                    let found = &plan.mean(index).unwrap()[picture * channels..][..channels];
                    assert!(relative_error(found, &mean) < LAYER, "{name}: mean {index}");
                }
                style_kernels::Output::Features => {
                    let mut found = vec![0.0; len];
                    plan.features(index, &mut found).unwrap();
                    let expected = maps[index].values.iter().map(|&v| v as f32);
                    assert!(
                        found[picture * part..][..part].iter().copied().eq(expected),
                        "{name}: map {index}"
                    );
                }
                style_kernels::Output::PreActivation => {
                    let mut found = vec![0.0; len];
                    plan.pre_activation(index, &mut found).unwrap();
                    let expected = network.convolve(index, &picture_image, maps);
                    let error = relative_error(&found[picture * part..][..part], &expected.values);
                    assert!(error < LAYER, "{name}: before ReLU {index}: {error:e}");
                }
            }
        }
        let given = &mut given[index];
        match tap.output {
            style_kernels::Output::Statistics => {
                given.gram = Some(random.values(batch * channels * channels));
                given.mean = Some(random.values(batch * channels));
            }
            style_kernels::Output::Features => {
                given.features = Some(random.values(len).iter().map(|v| v / (h * w) as f32).collect());
            }
            style_kernels::Output::PreActivation => {
                given.pre_activation = Some(random.values(len).iter().map(|v| v / (h * w) as f32).collect());
            }
        }
    }
    let mut gradient = vec![f32::NAN; image.len()];
    plan.backward(&Given::list(&given), &mut gradient).unwrap();
    for (picture, maps) in maps.iter().enumerate() {
        let image = Map::of(&image, [batch, inputs, height, width], picture);
        for index in 0..network.layers.len() {
            let found: Vec<f32> = maps[index].values.iter().map(|&v| v as f32).collect();
            // Relative to the sums before the ReLU: of a tiny map it may leave almost nothing.
            let expected = network.convolve(index, &image, maps);
            let size = expected.norm();
            let error = difference(&found, &expected.relu().values) / size;
            assert!(error < LAYER, "{name}: layer {index}: {error:e}");
            worst = worst.max(error);
        }
        let expected = network.backward(
            &image,
            maps,
            |index, map| Some(given[index].enter(picture, map)),
            |index| given[index].enter_before(picture, maps[index].values.len()),
        );
        let found = &gradient[picture * expected.values.len()..][..expected.values.len()];
        let error = relative_error(found, &expected.values);
        assert!(error < GRADIENT, "{name}: gradient of picture {picture}: {error:e}");
        worst = worst.max(error);
    }
    worst
}

#[test]
fn two_hundred_random_networks_and_sizes_agree_with_plain_sums() {
    let isas = instruction_sets();
    let mut worst = 0.0_f64;
    for case in 0..200_u64 {
        let mut random = Random(case * 7919 + 1);
        let random = &mut random;
        let isa = isas[case as usize % isas.len()];
        let depth = random.between(1, 4);
        let mut shapes = Vec::new();
        let mut inputs = random.pick(&[3, 3, 4, 8, 12, 48]);
        for index in 0..depth {
            let outputs = random.pick(&[3, 4, 8, 12, 16, 48, 64]);
            shapes.push((inputs, outputs, index > 0 && random.between(0, 2) == 0));
            inputs = outputs;
        }
        let least = 1 << shapes.iter().filter(|shape| shape.2).count();
        let options = Options {
            pooling: random.pick(&[Pooling::Max, Pooling::Average, Pooling::L2]),
            padding: random.pick(&[Padding::Zero, Padding::Replicate, Padding::Reflect]),
            algorithm: random.pick(&[Algorithm::Winograd, Algorithm::Winograd, Algorithm::Direct]),
            isa,
            scale: random.values(shapes[0].0).iter().map(|v| 2.0 + v).collect(),
            shift: random.values(shapes[0].0),
        };
        let size = |random: &mut Random| {
            let free = random.between(least, 70);
            random.pick(&[least, least + 1, 17, free, free]).max(least)
        };
        let (mut height, mut width) = (size(random), size(random));
        match random.between(0, 9) {
            0 => (height, width) = (random.between(least, 5), random.pick(&[250, 1001])), // a strip
            1 => (height, width) = (random.between(17, 70), least),
            _ => {}
        }
        let batch = random.between(1, 2);
        let work: usize = shapes.iter().map(|shape| shape.0 * shape.1 * batch * height * width).sum();
        if work > 12_000_000 {
            height = (height * 12_000_000 / work).max(least);
        }
        let mut network = Network::random(random, &shapes, options);
        network.gain = random.pick(&[1.0, 1.0, 0.78, 2.0, -1.5]);
        let Network { options, gain, .. } = &network;
        let name = format!("case {case}: {batch} x {height} x {width}, {shapes:?}, {options:?}, gain {gain}");
        worst = worst.max(compare(&network, &network.encoder(), [batch, height, width], random, &name));
    }
    println!("largest relative error of a layer or gradient: {worst:e}");
}

#[test]
fn every_layer_of_vgg19_and_its_gradient_agree_with_plain_sums() {
    let network = Network::vgg19();
    for algorithm in [Algorithm::Winograd, Algorithm::Direct] {
        let encoder = network.encoder().with_algorithm(algorithm);
        let worst =
            compare(&network, &encoder, [1, 49, 66], &mut Random(5), &format!("VGG-19 {algorithm:?}"));
        println!("{algorithm:?}: largest relative error {worst:e}");
    }
}

#[test]
fn every_pooling_and_padding_agrees_on_every_instruction_set() {
    let shapes = [(3, 16, false), (16, 40, true), (40, 32, false), (32, 24, true)];
    let mut worst = 0.0_f64;
    for (isa, algorithm) in
        instruction_sets().into_iter().flat_map(|isa| [(isa, Algorithm::Winograd), (isa, Algorithm::Direct)])
    {
        for (pooling, gain) in
            [(Pooling::Max, 1.0), (Pooling::Max, 0.5), (Pooling::Average, 2.0), (Pooling::L2, 0.78)]
        {
            for padding in [Padding::Zero, Padding::Replicate, Padding::Reflect] {
                let options = Options { isa, algorithm, pooling, padding, ..Options::default() };
                let mut network = Network::random(&mut Random(6), &shapes, options);
                network.gain = gain;
                // The second size takes the larger tiles before its first pooling.
                for shape in [[2, 13, 22], [1, 48, 51], [1, 4, 4]] {
                    let name = format!("{isa} {algorithm:?} {pooling:?} x {gain} {padding:?} {shape:?}");
                    worst = worst.max(compare(&network, &network.encoder(), shape, &mut Random(7), &name));
                }
            }
        }
    }
    println!("largest relative error: {worst:e}");
}

#[test]
fn wide_layers_agree_on_every_instruction_set() {
    for isa in instruction_sets() {
        let options = Options { isa, ..Options::default() };
        let shapes = [(3, 160, false), (160, 256, true), (256, 96, false)];
        let network = Network::random(&mut Random(3), &shapes, options);
        for shape in [[1, 38, 31], [1, 9, 130]] {
            compare(&network, &network.encoder(), shape, &mut Random(4), &format!("{isa} {shape:?}"));
        }
    }
}
