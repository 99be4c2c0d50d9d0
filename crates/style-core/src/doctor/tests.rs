//! Subjects that are healthy, and subjects that are not.

use std::sync::LazyLock;

use burn::tensor::Device;
use style_format::{ConvolutionWeights, Layer, VggFile, WeightValues};
use style_image::Image;

use super::{CheckKind, Diagnosis, Doctor, Precision, Verdict};
use crate::test_support::{Golden, numbers, vgg};
use crate::{Error, Kernel, Padding, Pooling, Vgg};

fn picture(name: &str) -> Image {
    crate::tensor_to_image(Golden::load("features").tensor(name)).unwrap().resized(40, 32).unwrap()
}

/// The reference takes seconds: one for all tests.
static DOCTOR: LazyLock<Doctor> = LazyLock::new(|| {
    let reference = vgg(Layer::Relu4_2).with_kernel(Kernel::Burn);
    Doctor::new(&reference, &picture("content"), &picture("style")).unwrap()
});

/// The network to `relu4_2` with the weights of every convolution changed.
fn changed(change: impl Fn(Layer, &mut Vec<f32>)) -> Vgg {
    let file = VggFile::parse(style_weights::VGG19).unwrap().cut_after(Layer::Relu4_2).unwrap();
    let convolutions = file.convolutions().iter().map(|weights| {
        let mut values = weights.weight().to_f32();
        change(weights.convolution().relu_layer(), &mut values);
        ConvolutionWeights::new(weights.convolution(), WeightValues::F32(values), weights.bias().to_vec())
            .unwrap()
    });
    let file = VggFile::new(file.info().clone(), convolutions.collect()).unwrap();
    Vgg::from_weights(file, &Device::flex())
}

fn scale(values: &mut [f32], factor: f32) {
    for value in values {
        *value *= factor;
    }
}

/// What failed first.
fn first(diagnosis: &Diagnosis) -> (CheckKind, &str) {
    match &diagnosis.verdict {
        Verdict::Wrong { first, .. } => (first.kind, &first.name),
        other => panic!("{other}"),
    }
}

#[test]
fn every_way_of_computing_on_the_cpu_is_healthy() {
    for kernel in [Kernel::Burn, Kernel::Direct, Kernel::Winograd] {
        let diagnosis = DOCTOR.examine(&vgg(Layer::Relu4_2).with_kernel(kernel)).unwrap();
        println!("{diagnosis}");
        let Verdict::Healthy { error, precision: Precision::Float32 } = diagnosis.verdict else {
            panic!("{diagnosis}")
        };
        assert!(error < 1e-4, "{diagnosis}");
        assert_eq!(diagnosis.curve.len(), 21);
        let count = |kind| diagnosis.checks.iter().filter(|check| check.kind == kind).count();
        assert_eq!([CheckKind::Layer, CheckKind::Gram, CheckKind::Loss].map(count), [10, 4, 6]);
        assert_eq!([CheckKind::Gradient, CheckKind::Step, CheckKind::Picture].map(count), [10, 1, 1]);
    }
}

#[test]
fn weights_that_are_one_percent_off_are_caught_at_the_first_layer() {
    let noise = std::cell::Cell::new(0);
    let off = changed(|_, values| {
        noise.set(noise.get() + 1);
        let random = numbers(values.len(), noise.get());
        for (value, random) in values.iter_mut().zip(random) {
            *value *= 1.0 + 0.01 * (2.0 * random - 1.0);
        }
    });
    for kernel in [Kernel::Burn, Kernel::Winograd] {
        let diagnosis = DOCTOR.examine(&off.clone().with_kernel(kernel)).unwrap();
        println!("{diagnosis}");
        assert_eq!(first(&diagnosis), (CheckKind::Layer, "relu1_1"), "{diagnosis}");
        let layers = diagnosis.checks.iter().filter(|check| check.kind == CheckKind::Layer);
        let caught = layers.filter(|check| !check.passed()).count();
        assert!(caught >= 8, "most layers show it: {diagnosis}");
    }
}

#[test]
fn one_layer_that_is_one_percent_off_is_named_and_no_other() {
    for wrong in [Layer::Relu2_2, Layer::Relu4_2] {
        let off = changed(|layer, values| {
            if layer == wrong {
                scale(values, 1.01);
            }
        });
        let diagnosis = DOCTOR.examine(&off).unwrap();
        assert_eq!(first(&diagnosis), (CheckKind::Layer, wrong.name()), "{diagnosis}");
        let wrong_layers =
            diagnosis.checks.iter().filter(|check| check.kind == CheckKind::Layer && !check.passed());
        assert_eq!(wrong_layers.count(), 1, "errors of layers do not add up: {diagnosis}");
        let verdict = diagnosis.verdict.to_string();
        assert!(verdict.starts_with(&format!("wrong from {wrong} on: its map differs by")), "{verdict}");
    }
}

#[test]
fn a_layer_that_gives_nan_is_named() {
    // Infinite sums of both signs: finite weights are all that a file may hold.
    let off = changed(|layer, values| {
        if layer == Layer::Relu3_1 {
            scale(values, 1e38);
        }
    });
    for kernel in [Kernel::Burn, Kernel::Winograd] {
        let diagnosis = DOCTOR.examine(&off.clone().with_kernel(kernel)).unwrap();
        assert_eq!(first(&diagnosis), (CheckKind::Layer, "relu3_1"), "{diagnosis}");
        assert!(
            diagnosis.to_string().contains("wrong from relu3_1 on: its map is not finite"),
            "{diagnosis}"
        );
    }
}

#[test]
fn pooling_and_padding_of_a_subject_do_not_matter() {
    let subject = vgg(Layer::Relu4_2).with_pooling(Pooling::Average).with_padding(Padding::Zero);
    assert!(DOCTOR.examine(&subject).unwrap().verdict.is_healthy());
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let Err(Error::Setting { name: "the network", found, allowed }) = DOCTOR.examine(&vgg(Layer::Relu3_1))
    else {
        panic!("another network was examined")
    };
    assert!(found.contains("5 layers") && allowed.contains("10 layers"), "{found}, {allowed}");
    let tiny = picture("content").resized(7, 7).unwrap();
    let error = Doctor::new(&vgg(Layer::Relu4_2), &tiny, &tiny).unwrap_err();
    assert!(matches!(error, Error::PictureTooSmall { smallest: 8, .. }), "{error}");
}
