//! Models that real exporters wrote, and the features that PyTorch computes with them.
//! `tools/make_onnx_fixtures.py` makes both.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use style_format::Pooling;

use super::open;
use crate::network::{At, Found, Stage};
use crate::onnx::{External, looks_like_onnx};

/// Mean pixel of the Caffe weights: blue, green, red.
const MEAN: [f32; 3] = [103.939, 116.779, 123.68];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx").join(name)
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
}

/// Channels of rows of pixels.
struct Planes {
    channels: usize,
    height: usize,
    width: usize,
    values: Vec<f32>,
}

impl Planes {
    fn at(&self, channel: usize, y: usize, x: usize) -> f32 {
        self.values[(channel * self.height + y) * self.width + x]
    }

    /// Convolution, normalisation and ReLU, as their definitions have it.
    fn stage(&self, stage: &Stage) -> Self {
        let weights = stage.weight.read_floats().unwrap();
        let outputs = stage.weight.shape[0];
        let bias = stage.bias.as_ref().map(|bias| bias.read_floats().unwrap());
        let norm = stage.norm.as_ref().map(|norm| {
            let read = [&norm.scale, &norm.shift, &norm.mean, &norm.variance];
            (read.map(|tensor| tensor.read_floats().unwrap()), norm.epsilon)
        });
        let mut values = Vec::new();
        for o in 0..outputs {
            let kernels = &weights[o * self.channels * 9..][..self.channels * 9];
            for (y, x) in (0..self.height).flat_map(|y| (0..self.width).map(move |x| (y, x))) {
                let mut sum = bias.as_ref().map_or(0.0, |bias| bias[o]) + self.window(kernels, y, x);
                if let Some(([scale, shift, mean, variance], epsilon)) = &norm {
                    sum = (sum - mean[o]) / (variance[o] + *epsilon as f32).sqrt() * scale[o] + shift[o];
                }
                values.push(sum.max(0.0));
            }
        }
        Self { channels: outputs, values, ..*self }
    }

    fn window(&self, kernels: &[f32], y: usize, x: usize) -> f32 {
        let mut sum = 0.0;
        for (place, weight) in kernels.iter().enumerate() {
            let (channel, dy, dx) = (place / 9, place % 9 / 3, place % 3);
            let (y, x) = ((y + dy).wrapping_sub(1), (x + dx).wrapping_sub(1));
            if y < self.height && x < self.width {
                sum += weight * self.at(channel, y, x);
            }
        }
        sum
    }

    fn pool(&self, pooling: Pooling) -> Self {
        let (height, width) = (self.height / 2, self.width / 2);
        let mut values = Vec::new();
        for (c, y) in (0..self.channels).flat_map(|c| (0..height).map(move |y| (c, y))) {
            for x in 0..width {
                let four =
                    [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| self.at(c, 2 * y + dy, 2 * x + dx));
                values.push(match pooling {
                    Pooling::Average => four.iter().sum::<f32>() / 4.0,
                    Pooling::Max => four.into_iter().fold(f32::MIN, f32::max),
                    Pooling::L2 => four.iter().map(|v| v * v).sum::<f32>().sqrt(),
                });
            }
        }
        Self { channels: self.channels, height, width, values }
    }
}

/// The largest relative L2 difference from PyTorch's features, over all layers.
fn difference(found: &Found, network: &str) -> f64 {
    let golden = std::fs::read(fixture("golden.safetensors")).unwrap();
    let golden = SafeTensors::deserialize(&golden).unwrap();
    let wanted = |name: &str| floats(golden.tensor(&format!("{network}/{name}")).unwrap().data());
    let rgb = wanted("image");
    let plane = rgb.len() / 3;
    let caffe = (0..3).flat_map(|c| rgb[(2 - c) * plane..][..plane].iter().map(move |v| v * 255.0 - MEAN[c]));
    let mut value = Planes { channels: 3, height: 24, width: 20, values: caffe.collect() };
    let (mut block, mut number, mut worst) = (1, 0, 0.0_f64);
    for stage in &found.stages {
        number += 1;
        if stage.at == (At::Followed { pooled: true }) {
            value = value.pool(found.pooling.unwrap());
            (block, number) = (block + 1, 1);
        }
        value = value.stage(stage);
        let wanted = wanted(&format!("relu{block}_{number}"));
        assert_eq!(value.values.len(), wanted.len());
        let squares =
            |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>();
        let apart = squares(&mut value.values.iter().zip(&wanted).map(|(a, b)| a - b));
        worst = worst.max((apart / squares(&mut wanted.iter().copied())).sqrt());
    }
    worst
}

#[test]
fn models_of_every_exporter_compute_what_pytorch_computes() {
    let (single, half, brain) = (1e-5, 2e-3, 2e-2);
    let models = [
        ("vgg19_torchscript", "vgg19", 16, single),
        ("vgg16_dynamo_f16", "vgg16", 13, half),
        ("vgg19_bn_kept", "vgg19_bn", 8, single),
        ("vgg19_bn_folded_f16", "vgg19_bn", 8, half),
        ("vgg19_bn_dynamo", "vgg19_bn", 8, single),
        ("vgg19_avg_keep_inputs", "vgg19_avg", 8, single),
        ("vgg19_zoo", "vgg19", 8, single),
        ("vgg19_zoo_float_data", "vgg19", 8, single),
        ("vgg19_bf16", "vgg19", 8, brain),
        ("vgg19_bf16_int32", "vgg19", 8, brain),
        ("vgg19_f16_int32", "vgg19", 8, half),
        ("vgg19_constants_f16", "vgg19", 8, half),
        ("vgg19_tf2onnx", "vgg19", 8, single),
        ("vgg19_external_bf16", "vgg19", 8, brain),
    ];
    for (name, network, count, tolerance) in models {
        let path = fixture(&format!("{name}.onnx"));
        assert!(looks_like_onnx(&std::fs::read(&path).unwrap()[..64]), "{name}");
        let found = open(&path, External::InFolder).unwrap();
        assert_eq!(found.stages.len(), count, "{name}");
        let pooling = if network == "vgg19_avg" { Pooling::Average } else { Pooling::Max };
        assert_eq!(found.pooling, Some(pooling), "{name}");
        let normalised = found.stages.iter().all(|stage| stage.norm.is_some());
        assert_eq!(normalised, network == "vgg19_bn" && !name.contains("folded"), "{name}");
        let apart = difference(&found, network);
        println!("{name}: {apart:.1e}");
        assert!(apart < tolerance, "{name}: {apart:.1e}");
    }
}

#[test]
fn a_real_model_with_other_files_is_refused_unless_asked_for() {
    assert!(open(&fixture("vgg19_external_bf16.onnx"), External::Refused).is_err());
}
