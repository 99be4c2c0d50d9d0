//! Checkpoints that are good: what is recognised in them, and what is written.

#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

mod common;

use common::{Builder, fixture, value};
use half::{bf16, f16};
use style_format::{Architecture, Encoding, Layer, PixelTransform, VggFile, WeightValues};
use style_import::{Evidence, KeyFamily, WriteOptions, open};
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
fn networks_are_recognised_by_either_family() {
    let folder = TempDir::new().unwrap();
    for (architecture, count) in [
        (Architecture::Vgg11, 4),
        (Architecture::Vgg13, 7),
        (Architecture::Vgg16, 8),
        (Architecture::Vgg19, 8),
    ] {
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
fn prefixes_and_other_families_are_understood() {
    let folder = TempDir::new().unwrap();
    let rename = |change: &dyn Fn(&str) -> String| {
        let mut builder = Builder::torchvision(Architecture::Vgg19, 3);
        builder.float("classifier.0.weight", &[10, 12]);
        for entry in &mut builder.entries {
            entry.key = change(&entry.key);
        }
        let checkpoint = open(builder.save(&folder)).unwrap();
        let names = checkpoint.layers().iter().map(|layer| layer.convolution.name()).collect::<Vec<_>>();
        assert_eq!(names.join(" "), "conv1_1 conv1_2 conv2_1");
        (checkpoint.family(), checkpoint.architecture())
    };
    let numbers = |pattern: &'static str| {
        move |key: &str| {
            let places = [("features.0.", "1_1"), ("features.2.", "1_2"), ("features.5.", "2_1")];
            let found = places.iter().find(|(old, _)| key.starts_with(old));
            found.map_or(key.to_owned(), |(old, place)| {
                let (block, index) = place.split_once('_').unwrap();
                key.replace(old, &pattern.replace('B', block).replace('N', index))
            })
        }
    };
    let deepest = Architecture::Vgg19;
    assert_eq!(rename(&|key| format!("module.{key}")), (KeyFamily::Torchvision, deepest));
    assert_eq!(rename(&|key| format!("state_dict.net.{key}")), (KeyFamily::Torchvision, deepest));
    assert_eq!(rename(&|key| key.replace("features.", "")), (KeyFamily::Sequential, deepest));
    assert_eq!(rename(&numbers("convB_N.")), (KeyFamily::Named, deepest));
    assert_eq!(rename(&numbers("features.convB_N.")), (KeyFamily::Named, deepest));
    assert_eq!(rename(&numbers("blockB_convN.")), (KeyFamily::Blocks, deepest));
    assert_eq!(rename(&numbers("vgg0_convBN_")), (KeyFamily::Ordered, deepest));
}

#[test]
fn networks_without_known_names_are_told_by_their_shapes() {
    let folder = TempDir::new().unwrap();
    for architecture in Architecture::ALL {
        let mut builder = Builder::new();
        // Zeros that share one storage of their size would be refused, so narrow ones stand for the wide.
        for (place, convolution) in architecture.convolutions().into_iter().enumerate() {
            let narrow = |channels: usize| if channels == 3 { 3 } else { channels / 32 };
            let shape = [narrow(convolution.outputs()), narrow(convolution.inputs()), 3, 3];
            builder.float(&format!("layer{place}_weight"), &shape);
            builder.float(&format!("layer{place}_bias"), &shape[..1]);
        }
        let checkpoint = open(builder.save(&folder)).unwrap();
        assert_eq!((checkpoint.family(), checkpoint.architecture()), (KeyFamily::Ordered, architecture));
        assert_eq!(checkpoint.layers()[0].convolution.weight_shape(), [2, 3, 3, 3]);
    }
}

#[test]
fn a_batch_normalisation_is_folded_into_its_convolution() {
    let folder = TempDir::new().unwrap();
    let mut builder = Builder::torchvision(Architecture::Vgg19, 1);
    for part in ["weight", "bias", "running_mean", "running_var"] {
        builder.float(&format!("features.1.{part}"), &[64]);
    }
    let variance = builder.entry("features.1.running_var");
    variance.bytes = (0..64).flat_map(|channel| (channel as f32 + 0.5).to_le_bytes()).collect();
    builder.tensor("features.1.num_batches_tracked", "LongStorage", &[], vec![1, 0, 0, 0, 0, 0, 0, 0]);
    let checkpoint = open(builder.save(&folder)).unwrap();
    assert!(checkpoint.layers()[0].normalised);
    let file = checkpoint.to_vgg_file(&options(Encoding::F32)).unwrap();
    let weights = &file.convolutions()[0];
    for channel in [0, 1, 63] {
        // Scale, shift, mean and bias of a channel are the same value, see `value`.
        let same = f64::from(value(channel));
        let factor = same / (channel as f64 + 0.5 + 1e-5).sqrt();
        let expected = (f64::from(value(channel * 27 + 5)) * factor) as f32;
        assert_eq!(weights.weight().to_f32()[channel * 27 + 5], expected);
        assert_eq!(weights.bias()[channel], same as f32);
    }
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
        let card = checkpoint.write(&output, &options(encoding)).unwrap();
        assert!(error.contains(&card.weight_error), "{card}");
        assert_eq!(card.parameters, 64 * 27 + 64 + 64 * 576 + 64);
        let bytes = std::fs::read(&output).unwrap();
        assert_eq!(card.file.bytes, bytes.len() as u64);
        let file = VggFile::parse(&bytes).unwrap();
        assert_eq!(file.encoding(), encoding);
        let read = file.convolutions()[1].weight().to_f32();
        assert!(read.iter().enumerate().all(|(place, &value)| (value - third(place)).abs() < 5e-3));
    }
}

#[test]
fn codebooks_beside_floats_stay_while_the_floats_become_codebooks() {
    let folder = TempDir::new().unwrap();
    let mut builder = Builder::new();
    builder.tensor("conv1_1.weight", "ByteStorage", &[4, 3, 3, 3], (0..108).collect());
    builder.float("conv1_1.codebook", &[256]);
    builder.float("conv1_1.bias", &[4]);
    builder.float("conv1_2.weight", &[4, 4, 3, 3]);
    builder.float("conv1_2.bias", &[4]);
    let checkpoint = open(builder.save(&folder)).unwrap();
    let output = folder.path().join("native.safetensors");
    let card = checkpoint.write(&output, &options(Encoding::Codebook)).unwrap();
    // No more than 256 different values: nothing is lost.
    let errors: Vec<_> = card.layers.iter().map(|layer| layer.feature_error).collect();
    assert_eq!(errors, [Some(0.0), Some(0.0)]);
}

#[test]
fn the_same_checkpoint_gives_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(fixture("torchvision_f16.pth")).unwrap();
    for encoding in [Encoding::F32, Encoding::F16, Encoding::Bf16, Encoding::Codebook] {
        let write = |name: &str| {
            let path = folder.path().join(name);
            let card = checkpoint.write(&path, &options(encoding)).unwrap();
            (std::fs::read(path).unwrap(), card.file.sha256)
        };
        assert_eq!(write("first"), write("second"));
    }
}

#[test]
fn the_pixels_are_assumed_only_if_nobody_says() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("native.safetensors");
    let checkpoint = open(fixture("torchvision_f16.pth")).unwrap();
    let card = checkpoint.write(&output, &WriteOptions::default()).unwrap();
    assert_eq!((card.input, card.input_evidence), (PixelTransform::TorchRgb01, Evidence::Assumed));
    assert!(card.to_string().contains("torch-rgb-01 (assumed from the key names)"));
    assert!(card.to_string().contains("warning: nothing tells which pixels these weights want"));
    let said = WriteOptions { input: Some(PixelTransform::CaffeBgr255), ..WriteOptions::default() };
    let card = checkpoint.write(&output, &said).unwrap();
    assert_eq!((card.input, card.input_evidence), (PixelTransform::CaffeBgr255, Evidence::Given));
    let codebook = open(fixture("pastiche_codebook.bin")).unwrap();
    let card = codebook.write(&output, &WriteOptions::default()).unwrap();
    assert_eq!(card.input_evidence, Evidence::KeyNames);
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
    let card = checkpoint.write(&output, &options).unwrap();
    assert_eq!(card.extent, "conv1_1 to conv1_1");
    let file = VggFile::parse(&std::fs::read(&output).unwrap()).unwrap();
    assert_eq!(file.convolutions().len(), 1);
    assert_eq!((file.info().source.as_str(), file.info().licence.as_str()), ("a test", "none"));
    assert_eq!(file.info().source_sha256, card.source.sha256);
    assert_eq!(card.source.sha256.len(), 64);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no scratch file stays behind");
}
