//! Subjects that are healthy, and subjects that are not.

use burn::tensor::Device;
use style_format::{ConvolutionWeights, Layer, VggFile, WeightValues};
use style_image::Image;

use super::{CheckKind, Diagnosis, Doctor, Verdict};
use crate::test_support::{Golden, numbers, vgg};
use crate::{Error, Kernel, Vgg};

fn picture(name: &str) -> Image {
    crate::tensor_to_image(Golden::load("features").tensor(name)).unwrap().resized(40, 32).unwrap()
}

fn doctor() -> Doctor {
    Doctor::new(&vgg(Layer::Relu4_2).with_kernel(Kernel::Burn), &picture("content"), &picture("style"))
        .unwrap()
}

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

/// What failed first.
fn first(diagnosis: &Diagnosis) -> (CheckKind, &str) {
    match &diagnosis.verdict {
        Verdict::Wrong { first, .. } => (first.kind, &first.name),
        other => panic!("{other}"),
    }
}

#[test]
fn every_way_of_computing_on_the_cpu_is_healthy() {
    let doctor = doctor();
    for kernel in [Kernel::Burn, Kernel::Direct, Kernel::Winograd] {
        let diagnosis = doctor.examine(&vgg(Layer::Relu4_2).with_kernel(kernel)).unwrap();
        println!("{diagnosis}");
        let Verdict::Healthy { error, reduced_precision: false } = diagnosis.verdict else {
            panic!("{diagnosis}")
        };
        assert!(error < 1e-4, "{diagnosis}");
        assert_eq!(diagnosis.curve.len(), 21);
        let count = |kind| diagnosis.checks.iter().filter(|check| check.kind == kind).count();
        assert_eq!([CheckKind::Layer, CheckKind::Gram, CheckKind::Loss].map(count), [10, 4, 6]);
        assert_eq!([CheckKind::Gradient, CheckKind::Step, CheckKind::Picture].map(count), [10, 1, 1]);
    }
}
