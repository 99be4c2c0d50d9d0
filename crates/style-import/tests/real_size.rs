//! The bundled VGG-19, written out in foreign containers, comes back as it was.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

mod common;
#[path = "common/protobuf.rs"]
mod protobuf;

use std::path::{Path, PathBuf};

use common::Builder;
use protobuf::{bytes as field, integer};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use style_format::{Architecture, ConvolutionWeights, Encoding, PixelTransform, VggFile};
use style_import::{Container, Evidence, KeyFamily, WriteOptions, open};
use style_kernels::{Convolution, Encoder, Options, Tap};
use tempfile::TempDir;

fn bundled_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/vgg19.safetensors")
}

fn bundled() -> VggFile {
    VggFile::parse(&std::fs::read(bundled_path()).unwrap()).unwrap()
}

/// A convolution in plain floats: torchvision's name for it, the weight's shape, weight and bias.
type Plain = (String, [usize; 4], Vec<f32>, Vec<f32>);

fn convolutions(file: &VggFile) -> Vec<Plain> {
    let plain = |(place, weights): (usize, &ConvolutionWeights)| {
        let convolution = weights.convolution();
        let name = format!("features.{}", 2 * place + convolution.block() - 1);
        (name, convolution.weight_shape(), weights.weight().to_f32(), weights.bias().to_vec())
    };
    file.convolutions().iter().enumerate().map(plain).collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn pytorch(file: &VggFile) -> Vec<u8> {
    let mut builder = Builder::new();
    for (name, shape, weight, bias) in convolutions(file) {
        builder.tensor(&format!("{name}.weight"), "FloatStorage", &shape, bytes(&weight));
        builder.tensor(&format!("{name}.bias"), "FloatStorage", &shape[..1], bytes(&bias));
    }
    builder.bytes()
}

fn safetensors(file: &VggFile) -> Vec<u8> {
    let mut tensors = Vec::new();
    for (name, shape, weight, bias) in convolutions(file) {
        tensors.push((format!("{name}.weight"), shape.to_vec(), bytes(&weight)));
        tensors.push((format!("{name}.bias"), shape[..1].to_vec(), bytes(&bias)));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

/// The network as a graph of Conv, Relu and `MaxPool`, the tensors called by nothing that tells their place.
fn onnx(file: &VggFile) -> Vec<u8> {
    let integers = |name: &str, values: &[i64]| {
        let list: Vec<u8> = values.iter().flat_map(|&value| integer(8, value)).collect();
        field(5, [field(1, name.as_bytes()), list, integer(20, 7)].concat())
    };
    let node = |operator: &str, inputs: &[&str], output: &str, attributes: Vec<u8>| {
        let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
        field(1, [inputs, field(2, output.as_bytes()), field(4, operator.as_bytes()), attributes].concat())
    };
    let tensor = |name: &str, shape: &[usize], values: &[f32]| {
        let dims: Vec<u8> =
            shape.iter().flat_map(|&extent| integer(1, extent.cast_signed() as i64)).collect();
        field(5, [dims, integer(2, 1), field(8, name.as_bytes()), field(9, bytes(values))].concat())
    };
    let mut graph = field(11, field(1, b"x"));
    let mut last = "x".to_owned();
    for (place, (weights, (_, shape, weight, bias))) in
        file.convolutions().iter().zip(convolutions(file)).enumerate()
    {
        if weights.convolution().starts_block() {
            let attributes = [integers("kernel_shape", &[2, 2]), integers("strides", &[2, 2])].concat();
            graph.extend(node("MaxPool", &[&last], &format!("p{place}"), attributes));
            last = format!("p{place}");
        }
        let [w, b, c, r] = ["w", "b", "c", "r"].map(|kind| format!("{kind}{}", (place * 7) % 13));
        graph.extend(node("Conv", &[&last, &w, &b], &c, integers("pads", &[1; 4])));
        graph.extend(node("Relu", &[&c], &r, Vec::new()));
        graph.extend(tensor(&w, &shape, &weight));
        graph.extend(tensor(&b, &shape[..1], &bias));
        last = r;
    }
    graph.extend(field(12, field(1, last.as_bytes())));
    [integer(1, 8), field(7, graph), field(8, integer(2, 17))].concat()
}

/// The features of a picture at the deepest convolution.
fn features(file: &VggFile) -> Vec<f32> {
    let all = convolutions(file);
    let starts = file.convolutions().iter().map(|weights| weights.convolution().starts_block());
    let network: Vec<_> = all
        .iter()
        .zip(starts)
        .map(|((_, shape, weight, bias), pooled)| Convolution {
            inputs: shape[1],
            outputs: shape[0],
            weight,
            bias,
            pooled,
        })
        .collect();
    let encoder = Encoder::new(&network, &Options::default()).unwrap();
    let last = network.len() - 1;
    let mut plan = encoder.plan(1, 32, 48, &[Tap::features(last)]).unwrap();
    let picture: Vec<f32> = (0..3 * 32 * 48).map(|place| (place * 37 % 251) as f32 - 125.0).collect();
    plan.forward(&picture).unwrap();
    let mut values = vec![0.0; 512 * 2 * 3];
    plan.features(last, &mut values).unwrap();
    values
}

#[test]
fn the_bundled_network_comes_back_from_every_container() {
    let folder = TempDir::new().unwrap();
    let bundled = bundled();
    let expected = features(&bundled);
    assert!(expected.iter().any(|value| *value > 0.0));
    for (name, contents, container, family) in [
        ("vgg.pth", pytorch(&bundled), Container::PytorchZip, KeyFamily::Torchvision),
        ("vgg.safetensors", safetensors(&bundled), Container::Safetensors, KeyFamily::Torchvision),
        ("vgg.onnx", onnx(&bundled), Container::Onnx, KeyFamily::Graph),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        let checkpoint = open(&path).unwrap();
        assert_eq!((checkpoint.container(), checkpoint.family()), (container, family));
        assert_eq!(checkpoint.architecture(), Architecture::Vgg19);
        let output = folder.path().join("back");
        let card = checkpoint.write(&output, &WriteOptions::default()).unwrap();
        // Nobody said which pixels it wants: its first filters do.
        assert_eq!(
            (card.input, card.input_evidence),
            (PixelTransform::CaffeBgr255, Evidence::Recognised),
            "{name}"
        );
        let back = VggFile::parse(&std::fs::read(&output).unwrap()).unwrap();
        assert_eq!(features(&back), expected, "{name}");
        // Up to 256 different values: a codebook of them loses nothing, and is the bundled file's again.
        let options = WriteOptions { encoding: Encoding::Codebook, ..WriteOptions::default() };
        let card = checkpoint.write(&output, &options).unwrap();
        assert_eq!((card.weight_error, card.feature_error), (0.0, Some(0.0)));
        assert!(card.file.bytes.abs_diff(12_973_720) < 1000);
    }
}

#[test]
fn the_native_file_is_written_again_as_it_is() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(bundled_path()).unwrap();
    assert_eq!((checkpoint.container(), checkpoint.family()), (Container::Native, KeyFamily::Named));
    let output = folder.path().join("again");
    let options = WriteOptions { encoding: Encoding::Codebook, ..WriteOptions::default() };
    let card = checkpoint.write(&output, &options).unwrap();
    assert_eq!(card.input_evidence, Evidence::Recorded);
    assert_eq!(card.warnings, []);
    let (before, after) = (bundled(), VggFile::parse(&std::fs::read(&output).unwrap()).unwrap());
    assert_eq!(before.convolutions(), after.convolutions());
    assert_eq!(before.info().licence, after.info().licence);
}
