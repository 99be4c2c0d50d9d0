//! The hand-written backward against Burn's autodiff, and what wrong questions get.

use burn::tensor::{Device, Tensor, TensorData};
use style_format::Layer::{Conv1_1, Conv2_1, Relu1_1, Relu1_2, Relu2_1, Relu3_1, Relu5_1, Relu5_4};

use super::{Derivatives, Kernel, Padding, Pooling, Taps, stage};
use crate::test_support::{relative_error, tensor, values, vgg};
use crate::{
    ContentForm, ContentLoss, GramLoss, GramScale, Objective, Statistics, StyleLoss, TotalVariation,
};

const KERNELS: [Kernel; 3] = [Kernel::Burn, Kernel::Direct, Kernel::Winograd];

#[test]
fn the_gradient_of_an_objective_is_the_one_autodiff_finds() {
    let plain = vgg(Relu5_1);
    let (photo, painting, image) =
        (tensor([1, 3, 29, 37], 1), tensor([1, 3, 33, 21], 2), tensor([1, 3, 29, 37], 3));
    for kernel in KERNELS {
        for (pooling, gain, padding) in [
            (Pooling::Max, 1.0, Padding::Zero),
            (Pooling::Max, 0.7, Padding::Replicate),
            (Pooling::Average, 2.0, Padding::Replicate),
            (Pooling::Average, 1.0, Padding::Reflect),
            (Pooling::L2, 0.78, Padding::Reflect),
            (Pooling::L2, 1.0, Padding::Zero),
        ] {
            let vgg = plain.clone().with_kernel(kernel).with_padding(padding);
            let vgg = vgg.with_pooling(pooling).with_pooling_gain(gain);
            let map = vgg.features(photo.clone(), &[Conv2_1]).unwrap().remove(0);
            let content = ContentLoss::new(map, ContentForm::Relative);
            let styles = vgg.features(painting.clone(), &[Relu1_1, Relu5_1]).unwrap();
            let style = |i: usize| GramLoss::new(Statistics::of(styles[i].clone()), GramScale::Relative);
            let objective = Objective::new()
                .with_content(Conv2_1, 0.5, content.clone())
                .with_style(Relu1_1, 1.0, style(0))
                .with_style(Relu5_1, 2.0, style(1))
                .with_total_variation(0.1, TotalVariation::MeanSquare);
            let found = objective.evaluate(&vgg, image.clone()).unwrap();

            let leaf = image.clone().autodiff().require_grad();
            let maps = vgg.features(leaf.clone(), &[Conv2_1, Relu1_1, Relu5_1]).unwrap();
            let total = content.forward(maps[0].clone()).unwrap() * 0.5
                + style(0).forward(Statistics::of(maps[1].clone()).into()).unwrap()
                + style(1).forward(Statistics::of(maps[2].clone()).into()).unwrap() * 2.0
                + TotalVariation::MeanSquare.forward(leaf.clone()) * 0.1;
            let oracle = values(leaf.grad(&total.backward()).unwrap());

            let case = format!("{kernel:?} {pooling:?} x {gain} {padding:?}");
            let error = relative_error(&values(found.gradient), &oracle);
            assert!(error < 2e-5, "{case}: relative error of the gradient {error}");
            let (sum, total) = (values(found.losses).iter().sum::<f32>(), values(total)[0]);
            assert!((sum - total).abs() < 1e-5 * total, "{case}: {sum} {total}");
        }
    }
}

#[test]
fn an_objective_is_one_operation_in_the_graph_of_another_network() {
    let vgg = vgg(Relu2_1);
    let target = vgg.features(tensor([1, 3, 8, 9], 1), &[Relu2_1]).unwrap().remove(0);
    let objective = Objective::new()
        .with_content(Relu2_1, 2.0, ContentLoss::new(target, ContentForm::Relative))
        .with_total_variation(0.5, TotalVariation::MeanSquare);
    // The "network" whose weight is trained: a picture times a factor.
    let factor = tensor([1, 1, 1, 1], 3).autodiff().require_grad();
    let image = tensor([1, 3, 8, 9], 2) * factor.clone();
    let loss = objective.forward(&vgg, image.clone()).unwrap();
    let found = values(factor.grad(&loss.backward()).unwrap())[0];

    let evaluation = objective.evaluate(&vgg, image).unwrap();
    let expected = values((evaluation.gradient * tensor([1, 3, 8, 9], 2)).sum())[0];
    assert!((found - expected).abs() < 1e-5 * expected.abs(), "{found} {expected}");
    let (value, sum) = (values(loss)[0], values(evaluation.losses.sum())[0]);
    assert!((value - sum).abs() < 1e-6 * sum, "{value} {sum}");
}

#[test]
fn derivatives_of_every_kind_add_up_before_and_after_the_relu() {
    let plain = vgg(Relu2_1);
    let image = tensor([2, 3, 9, 8], 4);
    let (mean, gram, map) = (tensor([2, 128], 5), tensor([2, 128, 128], 7) * 1e-3, tensor([2, 128, 4, 4], 6));
    for (kernel, layer) in KERNELS.into_iter().flat_map(|kernel| [(kernel, Conv2_1), (kernel, Relu2_1)]) {
        let vgg = plain.clone().with_kernel(kernel);
        let taps = Taps::new().with_statistics([layer]).with_features([layer]);
        let pass = vgg.forward(image.clone(), &taps).unwrap();
        let mut derivatives = Derivatives::new();
        derivatives.add_mean(layer, mean.clone());
        derivatives.add_gram(layer, gram.clone());
        derivatives.add_features(layer, map.clone());
        derivatives.add_features(layer, map.clone());
        let found = pass.backward(derivatives).unwrap().unwrap();

        let leaf = image.clone().autodiff().require_grad();
        let features = vgg.features(leaf.clone(), &[layer]).unwrap().remove(0);
        let statistics = Statistics::of(features.clone());
        let total = (statistics.mean * mean.clone()).sum()
            + (statistics.gram * gram.clone()).sum()
            + (features * map.clone()).sum() * 2.0;
        let oracle = leaf.grad(&total.backward()).unwrap();
        let error = relative_error(&values(found), &values(oracle));
        assert!(error < 1e-5, "{kernel:?} {layer}: {error}");
    }
}

#[test]
fn passes_of_other_sizes_and_taps_in_between_change_nothing() {
    let vgg = vgg(Relu2_1);
    let taps = Taps::new().with_statistics([Relu2_1]);
    let gram = |image: Tensor<4>| {
        let pass = vgg.forward(image, &taps).unwrap();
        values(pass.statistics(Relu2_1).unwrap().gram.clone())
    };
    let (small, large) = (tensor([1, 3, 9, 8], 1), tensor([1, 3, 21, 17], 2));
    let first = (gram(small.clone()), gram(large.clone()));
    // Two passes alive at once need two sets of buffers.
    let held = vgg.forward(small.clone(), &taps).unwrap();
    assert_eq!(first.0, gram(small.clone()));
    drop(held);
    vgg.features(small.clone(), &[Relu1_1]).unwrap();
    assert_eq!(first, (gram(small), gram(large)));
}

#[test]
fn nan_in_the_picture_comes_out_as_nan() {
    let plain = vgg(Relu2_1);
    let image = tensor([1, 3, 8, 8], 1) * f32::NAN;
    for kernel in KERNELS {
        let features =
            plain.clone().with_kernel(kernel).features(image.clone(), &[Conv1_1, Conv2_1]).unwrap();
        for map in features {
            assert!(values(map).iter().all(|value| value.is_nan()), "{kernel:?}");
        }
    }
}

#[test]
fn the_features_of_a_pass_are_the_plain_ones() {
    let vgg = vgg(Relu3_1);
    let image = tensor([1, 3, 17, 23], 1);
    let plain = vgg.features(image.clone(), &[Relu3_1, Conv1_1]).unwrap();
    let pass = vgg.forward(image, &Taps::new().with_features([Conv1_1, Relu3_1])).unwrap();
    assert_eq!(values(pass.features(Relu3_1).unwrap().clone()), values(plain[0].clone()));
    assert_eq!(values(pass.features(Conv1_1).unwrap().clone()), values(plain[1].clone()));
    assert_eq!(plain[0].dims(), [1, 256, 4, 5], "poolings round down");
}

#[test]
fn a_batch_gives_the_features_of_its_pictures() {
    let vgg = vgg(Relu2_1);
    let (first, second) = (tensor([1, 3, 8, 10], 1), tensor([1, 3, 8, 10], 2));
    let both = Tensor::cat(vec![first.clone(), second.clone()], 0);
    let both = values(vgg.features(both, &[Relu2_1]).unwrap().remove(0));
    let one_by_one = [first, second].map(|x| values(vgg.features(x, &[Relu2_1]).unwrap().remove(0))).concat();
    assert!(relative_error(&both, &one_by_one) < 2e-6);
}

#[test]
fn the_smallest_pictures_go_as_deep_as_they_can() {
    let vgg = vgg(Relu5_1).with_padding(Padding::Replicate);
    let taps = Taps::new().with_features([Relu5_1]);
    for shape in [[1, 3, 16, 16], [1, 3, 16, 50]] {
        let pass = vgg.forward(tensor(shape, 1), &taps).unwrap();
        let mut derivatives = Derivatives::new();
        derivatives.add_features(Relu5_1, pass.features(Relu5_1).unwrap().clone());
        let gradient = pass.backward(derivatives).unwrap().unwrap();
        assert_eq!(gradient.dims(), shape);
        assert!(values(gradient).iter().all(|value| value.is_finite()));
    }
    let error = vgg.forward(tensor([1, 3, 15, 50], 1), &taps).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a picture of 50 x 15 px is too small for relu5_1: at least 16 px are needed each way"
    );
    for shape in [[1, 3, 1, 1], [1, 3, 1, 5], [1, 3, 2, 3]] {
        let pass = vgg.forward(tensor(shape, 1), &Taps::new().with_statistics([Relu1_2])).unwrap();
        let mut derivatives = Derivatives::new();
        derivatives.add_gram(Relu1_2, pass.statistics(Relu1_2).unwrap().gram.clone());
        assert_eq!(pass.backward(derivatives).unwrap().unwrap().dims(), shape);
    }
}

#[test]
fn reflection_needs_two_pixels_and_repeats_a_single_one() {
    let plain = vgg(Relu1_2);
    let taps = Taps::new().with_features([Relu1_2]);
    let run = |kernel, padding, image: Tensor<4>| {
        let pass = plain.clone().with_kernel(kernel).with_padding(padding).forward(image, &taps).unwrap();
        let map = pass.features(Relu1_2).unwrap().clone();
        let mut derivatives = Derivatives::new();
        derivatives.add_features(Relu1_2, map.ones_like());
        (values(map), values(pass.backward(derivatives).unwrap().unwrap()))
    };
    for kernel in KERNELS {
        let image = tensor([1, 3, 1, 1], 1);
        assert_eq!(run(kernel, Padding::Reflect, image.clone()), run(kernel, Padding::Replicate, image));
        for shape in [[1, 3, 2, 2], [1, 3, 1, 4], [1, 3, 3, 2]] {
            let image = tensor(shape, 2);
            let (map, gradient) = run(kernel, Padding::Reflect, image.clone());
            assert_ne!(map, run(kernel, Padding::Replicate, image.clone()).0, "{kernel:?} {shape:?}");
            let leaf = image.autodiff().require_grad();
            let vgg = plain.clone().with_padding(Padding::Reflect);
            let oracle = vgg.features(leaf.clone(), &[Relu1_2]).unwrap().remove(0);
            assert!(relative_error(&map, &values(oracle.clone())) < 1e-5, "{kernel:?} {shape:?}");
            let oracle = values(leaf.grad(&oracle.sum().backward()).unwrap());
            assert!(relative_error(&gradient, &oracle) < 1e-5, "{kernel:?} {shape:?}");
        }
    }
}

#[test]
fn norms_of_nothing_have_no_slope_in_a_graph_and_outside() {
    let rows = [3.0_f32, 0.0, 0.0, 0.0, 9.0, 0.0, 4.0, 0.0, 0.0, 9.0];
    let input: Tensor<4> = Tensor::from_data(TensorData::new(rows.to_vec(), [1, 1, 2, 5]), &Device::flex());
    let expected = [0.5 * 0.6 * 7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5 * 0.8 * 7.0, 0.0, 0.0, 0.0];

    let leaf = input.clone().autodiff().require_grad();
    let pooled = stage::pool(leaf.clone(), Pooling::L2, 0.5);
    assert_eq!(values(pooled.clone()), [2.5, 0.0]);
    let tracked = values(leaf.grad(&(pooled * 7.0).sum().backward()).unwrap());

    let (pooled, kept) = stage::Pooled::forward(input, Pooling::L2, 0.5);
    let written = values(kept.backward(pooled.ones_like() * 7.0));
    assert_eq!(values(pooled), [2.5, 0.0]);
    for gradient in [tracked, written] {
        assert!(gradient.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{gradient:?}");
    }
}

#[test]
fn the_forecast_of_buffers_follows_the_pooling() {
    let plain = vgg(Relu3_1);
    let taps = Taps::new().with_features([Relu3_1]);
    let buffers = |pooling| {
        let vgg = plain.clone().with_pooling(pooling).with_pooling_gain(0.5);
        vgg.memory(32, 48, &taps).unwrap().unwrap().buffers
    };
    // Norms keep the maps of conv1_2 and conv2_2, and no byte for every pooled value.
    let maps = 4 * (64 * 32 * 48 + 128 * 16 * 24);
    let bytes = 64 * 16 * 24 + 128 * 8 * 12;
    assert_eq!(buffers(Pooling::Average), buffers(Pooling::Max));
    assert_eq!(buffers(Pooling::L2), buffers(Pooling::Max) + maps - bytes);
}

#[test]
fn wrong_questions_get_typed_errors() {
    let vgg = vgg(Relu2_1);
    let image = tensor([1, 3, 16, 16], 1);
    let text = |error: crate::Error| error.to_string();
    assert_eq!(
        text(vgg.features(image.clone(), &[Relu5_4]).unwrap_err()),
        "layer relu5_4 is not in these weights: they hold vgg19, conv1_1 to conv2_1"
    );
    assert_eq!(
        text(vgg.features(tensor([1, 4, 16, 16], 1), &[Relu1_1]).unwrap_err()),
        "the picture has shape [1, 4, 16, 16], expected [batch, 3, height, width]"
    );
    let pass = vgg.forward(image.clone(), &Taps::new().with_features([Relu1_1])).unwrap();
    assert_eq!(
        text(pass.statistics(Relu1_1).unwrap_err()),
        "the forward pass kept no statistics of relu1_1: name the layer in its taps"
    );
    let mut derivatives = Derivatives::new();
    derivatives.add_features(Relu1_1, tensor([1, 64, 8, 8], 1));
    assert_eq!(
        text(pass.backward(derivatives).unwrap_err()),
        "the derivative of the features has shape [1, 64, 8, 8], expected [1, 64, 16, 16], the target's"
    );
    assert!(vgg.features(image, &[]).unwrap().is_empty());
}

#[test]
fn weights_that_cannot_be_used_say_why() {
    let device = Device::flex();
    let load = |bytes: &[u8]| super::Vgg::load(bytes, &device).unwrap_err().to_string();
    assert_eq!(load(&[]), "weights unusable: not a usable safetensors file: it has 0 bytes");
    let bytes = style_weights::VGG19;
    assert!(load(&bytes[..bytes.len() / 2]).starts_with("weights unusable: the file is cut short"));
    let error = super::Vgg::load_file("no/such/file.safetensors", &device).unwrap_err();
    assert!(error.to_string().starts_with("cannot read the weights file no/such/file.safetensors: "));
}

#[test]
fn the_description_counts_the_published_parameters() {
    let description = vgg(Relu5_1).describe();
    assert_eq!(description.parameters, 12_944_960);
    assert_eq!(description.layers.len(), 13);
    let last = description.layers.last().unwrap();
    assert_eq!((last.name.as_str(), last.stride, last.receptive_field), ("conv5_1", 16, 156));
    let table = description.to_string();
    assert!(table.contains("conv4_2   [512, 512, 3, 3]"), "{table}");
}
