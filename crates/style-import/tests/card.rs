//! The model card, and what it says about the pixels.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

mod common;

use std::path::Path;

use common::Builder;
use serde_json::Value;
use style_format::{Architecture, Encoding, PixelTransform, VggFile};
use style_import::{Evidence, Warning, WriteOptions, open};
use tempfile::TempDir;

/// The first three convolutions of the bundled network, which are Caffe's, under torchvision's names.
fn caffe() -> Builder {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/vgg19.safetensors");
    let file = VggFile::parse(&std::fs::read(path).unwrap()).unwrap();
    let mut builder = Builder::torchvision(Architecture::Vgg19, 3);
    for (pair, weights) in builder.entries.chunks_exact_mut(2).zip(file.convolutions()) {
        pair[0].bytes = weights.weight().to_f32().iter().flat_map(|value| value.to_le_bytes()).collect();
        pair[1].bytes = weights.bias().iter().flat_map(|value| value.to_le_bytes()).collect();
    }
    builder
}

#[test]
fn weights_that_speak_against_what_was_said_are_warned_of() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(caffe().save(&folder)).unwrap();
    let nothing_said = checkpoint.input(None).unwrap();
    assert_eq!(nothing_said.transform, PixelTransform::CaffeBgr255);
    assert_eq!((nothing_said.evidence, nothing_said.warnings), (Evidence::Recognised, vec![]));
    let right = checkpoint.input(Some(PixelTransform::CaffeBgr255)).unwrap();
    assert_eq!((right.evidence, right.warnings), (Evidence::Given, vec![]));
    let wrong = checkpoint.input(Some(PixelTransform::TorchRgb01)).unwrap();
    assert_eq!(wrong.transform, PixelTransform::TorchRgb01, "the user's word counts");
    let [warning @ Warning::OtherPixelsFitBetter { declared, better, .. }] = &wrong.warnings[..] else {
        panic!("{:?}", wrong.warnings)
    };
    assert_eq!((*declared, *better), (PixelTransform::TorchRgb01, PixelTransform::CaffeBgr255));
    assert!(warning.to_string().contains("--input caffe-bgr-255"), "{warning}");
}

#[test]
fn a_name_with_digits_of_another_file_is_warned_of() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("vgg19-dcbb9e9d.pth");
    std::fs::write(&path, caffe().bytes()).unwrap();
    let checkpoint = open(&path).unwrap();
    let warnings = checkpoint.input(None).unwrap().warnings;
    let found = checkpoint.sha256()[..8].to_owned();
    assert_eq!(warnings, [Warning::NameDigest { promised: "dcbb9e9d".into(), found: found.clone() }]);
    // Under the name that it deserves.
    let path = folder.path().join(format!("vgg19-{found}.pth"));
    std::fs::write(&path, caffe().bytes()).unwrap();
    assert_eq!(open(&path).unwrap().input(None).unwrap().warnings, []);
}

#[test]
fn the_card_tells_people_and_programs_the_same() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(caffe().save(&folder)).unwrap();
    let output = folder.path().join("vgg.safetensors");
    let options = WriteOptions {
        encoding: Encoding::Bf16,
        source: Some("from <b>me</b> | to you\nand you".into()),
        licence: Some("CC BY 4.0".into()),
        ..WriteOptions::default()
    };
    let card = checkpoint.write(&output, &options).unwrap();
    let [markdown, json] = card.save_beside(&output).unwrap();
    assert_eq!(
        (markdown.file_name().unwrap(), json.file_name().unwrap()),
        ("vgg.card.md".as_ref(), "vgg.card.json".as_ref())
    );
    let json: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    let written = std::fs::read(&output).unwrap();
    assert_eq!(json["architecture"], "vgg19");
    assert_eq!(json["encoding"], "bf16");
    assert_eq!(json["input"], "caffe-bgr-255");
    assert_eq!(json["input_evidence"], "recognised");
    assert_eq!(json["file"]["bytes"], written.len());
    assert_eq!(json["file"]["sha256"], open(&output).unwrap().sha256());
    assert_eq!(json["source"]["sha256"], checkpoint.sha256());
    assert_eq!(json["licence"], "CC BY 4.0");
    let layers = json["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 3);
    assert_eq!((&layers[2]["name"], &layers[2]["key"]), (&"conv2_1".into(), &"features.5.weight".into()));
    // bfloat16 keeps 8 bits: half a unit in the last place is 2^-9, features differ by a few of these.
    for layer in layers {
        let [weights, features] = ["weight_error", "feature_error"].map(|key| layer[key].as_f64().unwrap());
        assert!((5e-4..2e-3).contains(&weights) && (2e-4..1e-2).contains(&features), "{weights} {features}");
    }
    let text = std::fs::read_to_string(markdown).unwrap();
    for part in [checkpoint.sha256(), &card.file.sha256, "CC BY 4.0", "| conv2_1 | features.5.weight | f32 |"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    let origin = text.lines().find(|line| line.starts_with("| origin |")).unwrap();
    assert_eq!(origin, "| origin | from \\<b\\>me\\</b\\> \\| to you\u{FFFD}and you |");
}

#[test]
fn what_is_lossless_costs_nothing() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(caffe().save(&folder)).unwrap();
    let output = folder.path().join("vgg.safetensors");
    let card = checkpoint.write(&output, &WriteOptions::default()).unwrap();
    assert_eq!((card.weight_error, card.feature_error), (0.0, None));
    assert!(card.to_markdown().contains("| error of the deepest features | 0 |"));
}
