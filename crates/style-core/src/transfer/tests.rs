//! Settings and their errors, and short runs with the real network.

use std::ops::ControlFlow;

use style_format::Layer::{self, Relu1_1, Relu2_1, Relu5_4};
use style_format::{Architecture, ConvolutionWeights, FileInfo, PixelTransform, VggFile, WeightValues};
use style_image::Image;

use super::{Settings, Start, Style, StyleTransfer};
use crate::test_support::{numbers, vgg};
use crate::{Error, LineSearch, Optimizer, Vgg};

fn picture(width: usize, height: usize, seed: u32) -> Image {
    Image::new(width, height, numbers(width * height * 3, seed)).unwrap()
}

/// A transfer that is quick because it looks at shallow layers of small pictures.
fn quick<'a>(vgg: &'a Vgg, style: &'a Image) -> StyleTransfer<'a> {
    StyleTransfer::new(vgg)
        .style(style)
        .size(32)
        .steps(5)
        .content_layers([Relu2_1])
        .style_layers([Relu1_1, Relu2_1])
}

fn message(result: Result<super::Outcome, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_run_lowers_the_loss_and_reports_every_step() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(48, 30, 1), picture(20, 40, 2));
    let mut seen = Vec::new();
    let outcome = quick(&vgg, &style)
        .on_step(|step| {
            seen.push((step.index, step.losses.total()));
            ControlFlow::Continue(())
        })
        .run(&content)
        .unwrap();
    assert_eq!((outcome.image().width(), outcome.image().height()), (32, 20));
    assert_eq!(outcome.steps(), 5);
    let totals: Vec<f32> = outcome.history().iter().map(super::Losses::total).collect();
    assert_eq!(totals.len(), 6);
    assert!(totals[5] < totals[0], "{totals:?}");
    assert_eq!(seen.iter().map(|&(index, _)| index).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(seen.iter().map(|&(_, loss)| loss).collect::<Vec<_>>(), totals[..5]);
    let terms: Vec<String> = outcome.terms().iter().map(ToString::to_string).collect();
    assert_eq!(terms, ["content relu2_1", "style relu1_1", "style relu2_1", "total variation"]);
    assert_eq!(outcome.metrics().style_distance.len(), 2);
    assert!(outcome.metrics().mean_style_distance().unwrap() < 1.0);
    assert!(outcome.image().pixels().iter().all(|value| (0.0..=1.0).contains(value)));
}

#[test]
fn without_an_observer_the_history_is_the_same() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(32, 32, 1), picture(32, 32, 2));
    let watched = quick(&vgg, &style).steps(20).on_step(|_| ControlFlow::Continue(())).run(&content).unwrap();
    let alone = quick(&vgg, &style).steps(20).run(&content).unwrap();
    assert_eq!(watched.history(), alone.history());
    assert_eq!(watched.image(), alone.image());
}

#[test]
fn the_same_seed_gives_the_same_picture_and_another_one_does_not() {
    let vgg = vgg(Relu2_1);
    let style = picture(32, 32, 2);
    let texture = |seed| quick(&vgg, &style).seed(seed).texture(24, 20).unwrap().into_image();
    assert_eq!(texture(1), texture(1));
    assert_ne!(texture(1), texture(2));
}

#[test]
fn an_observer_can_end_the_run() {
    let vgg = vgg(Relu2_1);
    let style = picture(32, 32, 2);
    let outcome = quick(&vgg, &style)
        .on_step(|step| if step.index == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        .run(&picture(32, 32, 1))
        .unwrap();
    assert!(outcome.stopped());
    assert_eq!(outcome.steps(), 2);
    assert_eq!(outcome.history().len(), 3);
}

#[test]
fn the_two_halves_work_alone_and_start_from_noise() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(32, 24, 1), picture(32, 32, 2));
    let outcome =
        StyleTransfer::new(&vgg).size(32).steps(5).content_layers([Relu2_1]).reconstruct(&content).unwrap();
    assert!(outcome.metrics().style_distance.is_empty());
    assert!(outcome.history()[0].0[0] > 0.01, "it did not start at the content");
    assert!(outcome.history()[5].total() < outcome.history()[0].total());
    let outcome = quick(&vgg, &style).steps(25).texture(40, 24).unwrap();
    assert_eq!((outcome.image().width(), outcome.image().height()), (40, 24));
    assert!(outcome.metrics().content_distance.is_empty());
    assert!(outcome.history()[5].total() < outcome.history()[0].total());
}

#[test]
fn a_given_picture_is_the_start() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(32, 24, 1), picture(32, 32, 2));
    let first = |transfer: StyleTransfer<'_>| transfer.run(&content).unwrap().history()[0].clone();
    let from = |start| first(quick(&vgg, &style).start(start));
    assert_eq!(first(quick(&vgg, &style).start_at(&content)), from(Start::Content));
    assert_ne!(from(Start::Noise), from(Start::Content));
}

#[test]
fn lbfgs_runs_too() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(32, 24, 1), picture(32, 32, 2));
    let outcome = quick(&vgg, &style).steps(15).optimizer(Optimizer::LBFGS).run(&content).unwrap();
    assert!(outcome.history()[15].total() < 0.8 * outcome.history()[0].total());
}

#[test]
fn a_size_above_the_limit_is_told_from_settings_that_no_smaller_size_mends() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(32, 24, 1), picture(32, 32, 2));
    let run = |change: fn(StyleTransfer<'_>) -> StyleTransfer<'_>| {
        change(quick(&vgg, &style)).run(&content).unwrap_err()
    };
    for error in [
        run(|t| t.size(20_000)),
        quick(&vgg, &style).texture(64, 20_000).unwrap_err(),
        quick(&vgg, &style).texture(16_000, 16_000).unwrap_err(),
        quick(&vgg, &style).style(Style::new(&style).scale(8.0)).size(4096).run(&content).unwrap_err(),
    ] {
        assert!(matches!(error, Error::SizeTooLarge { .. }), "{error}");
    }
    for error in [run(|t| t.size(1)), run(|t| t.smallest_scale(20_000)), run(|t| t.steps(0))] {
        assert!(matches!(error, Error::Setting { .. }), "{error}");
    }
}

#[test]
fn settings_out_of_range_are_refused_before_anything_is_computed() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(32, 24, 1), picture(32, 32, 2));
    let run = |change: fn(StyleTransfer<'_>) -> StyleTransfer<'_>| {
        message(change(quick(&vgg, &style)).run(&content))
    };
    assert_eq!(run(|t| t.size(0)), "size is 0 px, allowed is 16 to 16384 px");
    assert_eq!(run(|t| t.size(1_000_000)), "size is 1000000 px, allowed is 16 to 16384 px");
    assert_eq!(run(|t| t.smallest_scale(20_000)), "smallest_scale is 20000 px, allowed is 16 to 16384 px");
    assert_eq!(run(|t| t.steps(0)), "steps is 0, allowed is 1 to 1000000");
    assert_eq!(run(|t| t.smallest_scale(1)), "smallest_scale is 1 px, allowed is 16 to 16384 px");
    assert_eq!(run(|t| t.content_weight(-1.0)), "content_weight is -1, allowed is 0 to 1e12");
    assert_eq!(run(|t| t.style_weight(f32::NAN)), "style_weight is NaN, allowed is 0 to 1e12");
    assert_eq!(run(|t| t.tv_weight(f32::INFINITY)), "tv_weight is inf, allowed is 0 to 1e12");
    assert_eq!(
        run(|t| t.content_weight(0.0).style_weight(0.0)),
        "style_weight is 0, as is content_weight, allowed is above 0 for at least one of the two"
    );
    let unweighted = StyleTransfer::new(&vgg).style(crate::Style::new(&style).weight(0.0));
    let unweighted = unweighted.content_layers([Relu2_1]).style_layers([Relu1_1]);
    assert_eq!(
        message(unweighted.run(&content)),
        "the weight of a style is 0, as is that of every other, allowed is above 0 for at least one"
    );
    assert_eq!(run(|t| t.style_layers([])), "style_layers is empty, allowed is at least one layer");
    assert_eq!(
        run(|t| t.style_layers([Relu1_1, Relu1_1])),
        "style_layers is naming relu1_1 twice, allowed is every layer once"
    );
    assert_eq!(
        run(|t| t.content_layers([Relu5_4])),
        "layer relu5_4 is not in these weights: they hold vgg19, conv1_1 to conv2_1"
    );
    assert_eq!(
        run(|t| t.optimizer(Optimizer::ADAM.with_learning_rate(0.0))),
        "learning_rate is 0, allowed is above 0, at most 1000"
    );
    assert_eq!(
        run(|t| t.optimizer(Optimizer::Lbfgs {
            learning_rate: 1.0,
            history: 0,
            line_search: LineSearch::None
        })),
        "history is 0, allowed is 1 to 100"
    );
}

#[test]
fn a_missing_style_and_impossible_pictures_are_refused() {
    let vgg = vgg(Layer::Relu5_1);
    let (content, style) = (picture(32, 24, 1), picture(32, 32, 2));
    assert_eq!(
        message(StyleTransfer::new(&vgg).run(&content)),
        "style is missing, allowed is a picture; without one use `reconstruct`"
    );
    assert_eq!(message(StyleTransfer::new(&vgg).texture(64, 64)), "style is missing, allowed is a picture");
    assert_eq!(
        message(StyleTransfer::new(&vgg).style(&style).texture(64, 0)),
        "height is 0 px, allowed is 16 to 16384 px"
    );
    assert_eq!(
        message(StyleTransfer::new(&vgg).style(&style).start(Start::Content).texture(64, 64)),
        "start is the content, and there is none, allowed is noise or a picture"
    );
    let strip = picture(1, 512, 3);
    let too_small = "a picture of 1 x 256 px is too small for relu5_1: at least 16 px are needed each way";
    assert_eq!(message(StyleTransfer::new(&vgg).style(&style).size(256).run(&strip)), too_small);
    assert_eq!(message(StyleTransfer::new(&vgg).style(&strip).size(256).run(&content)), too_small);
    // One pixel grows to the working size: a constant picture, which must not divide by zero.
    let pixel = picture(1, 1, 3);
    let outcome = quick(&vgg, &pixel).run(&pixel).unwrap();
    assert!(outcome.history().iter().all(|losses| losses.total().is_finite()));
}

#[test]
fn an_overflowing_network_is_noticed_at_the_first_step() {
    let convolution = Architecture::Vgg19.convolutions()[0];
    let weight = WeightValues::F32(numbers(64 * 3 * 9, 1));
    let weights = ConvolutionWeights::new(convolution, weight, vec![1e30; 64]).unwrap();
    let info = FileInfo {
        architecture: Architecture::Vgg19,
        input: PixelTransform::TorchRgb01,
        source: "a test".into(),
        source_sha256: String::new(),
        licence: String::new(),
        pooling: None,
    };
    let vgg = Vgg::from_weights(VggFile::new(info, vec![weights]).unwrap(), &crate::Device::flex());
    let (content, style) = (picture(32, 24, 1), picture(32, 32, 2));
    let transfer = quick(&vgg, &style).content_layers([Relu1_1]).style_layers([Relu1_1]);
    let error = transfer.run(&content).unwrap_err();
    assert!(matches!(error, Error::Diverged { step: 1, best: None, .. }), "{error}");
}

#[test]
fn settings_survive_json() {
    let settings = Settings { steps: vec![7], optimizer: Optimizer::LBFGS, ..Settings::default() };
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    assert_eq!(serde_json::from_str::<Settings>("{\"steps\": [7]}").unwrap().steps, [7]);
    assert!(serde_json::from_str::<Settings>("{\"step\": [7]}").is_err());
}
