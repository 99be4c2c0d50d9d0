//! Scales, line searches, ends from outside, and difficult pictures, on the real network.

use std::ops::ControlFlow;

use style_format::Layer::{Relu2_1, Relu3_1};
use style_image::Image;

use super::test_runs::{picture, run, settings};
use super::{CancelToken, Clamp, Colour, Losses, Outcome, Settings, Style, StyleTransfer};
use crate::test_support::vgg;
use crate::{Error, LineSearch, Optimizer, StyleFile, StyleForm, Vgg};

#[test]
fn a_run_goes_from_coarse_to_fine() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(64, 40, 1), picture(48, 48, 2));
    let mut seen = Vec::new();
    let outcome = StyleTransfer::new(&vgg)
        .settings(Settings { size: 64, smallest_scale: 30, steps: vec![3, 2], ..settings() })
        .style(&style)
        .on_step(|step| {
            assert_eq!((step.steps, step.scales), (7, 3));
            seen.push((step.index, step.scale, step.size, step.image().unwrap().width()));
            ControlFlow::Continue(())
        })
        .run(&content)
        .unwrap();
    let sizes: Vec<_> =
        outcome.scales().iter().map(|scale| (scale.width, scale.height, scale.steps)).collect();
    assert_eq!(sizes, [(32, 20, 3), (45, 28, 2), (64, 40, 2)]);
    assert_eq!(outcome.scales().iter().map(|scale| scale.first).collect::<Vec<_>>(), [0, 3, 5]);
    assert_eq!(seen.len(), 7);
    assert_eq!((seen[2], seen[3]), ((3, 1, (32, 20), 32), (4, 2, (45, 28), 45)));
    assert_eq!((outcome.image().width(), outcome.image().height()), (64, 40));
    assert_eq!((outcome.history().len(), outcome.seconds().len(), outcome.steps()), (8, 8, 7));
    assert!(outcome.seconds().is_sorted());
}

#[test]
fn scales_that_are_too_small_for_the_network_are_left_out() {
    let vgg = vgg(Relu3_1);
    let strip = picture(64, 6, 2);
    let settings =
        Settings { size: 64, smallest_scale: 16, style_layers: vec![Relu3_1], steps: vec![1], ..settings() };
    let outcome = run(&vgg, settings, &[Style::new(&strip)]).unwrap();
    assert_eq!(outcome.scales().iter().map(|scale| scale.width).collect::<Vec<_>>(), [45, 64]);
}

#[test]
fn every_optimiser_goes_on_at_the_next_scale() {
    let vgg = vgg(Relu2_1);
    let style = picture(48, 48, 2);
    for optimizer in [Optimizer::ADAM, Optimizer::LBFGS] {
        for averaging in [0.0, 0.8] {
            let settings =
                Settings { size: 64, smallest_scale: 30, steps: vec![8], optimizer, averaging, ..settings() };
            let once = run(&vgg, settings.clone(), &[Style::new(&style)]).unwrap();
            let last = once.scales().last().unwrap();
            let of = |losses: &Losses| losses.total();
            assert!(of(&once.history()[24]) < of(&once.history()[last.first]), "{optimizer:?} {averaging}");
            let again = run(&vgg, settings, &[Style::new(&style)]).unwrap();
            assert_eq!(once.image(), again.image(), "the same bytes");
            assert_eq!(once.history(), again.history());
        }
    }
}

#[test]
fn a_token_ends_a_run_from_another_thread() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(32, 24, 1), picture(40, 40, 2));
    let token = CancelToken::new();
    let switch = token.clone();
    let thread = std::thread::spawn(move || switch.cancel());
    let transfer = StyleTransfer::new(&vgg).settings(Settings { steps: vec![1_000_000], ..settings() });
    let outcome = transfer.style(&style).cancel_with(&token).run(&content).unwrap();
    thread.join().unwrap();
    assert!(outcome.stopped() && token.is_cancelled());
    assert!(outcome.steps() < 1_000_000);
}

#[test]
fn a_line_search_gives_the_best_of_its_trials() {
    let vgg = vgg(Relu2_1);
    let style = picture(48, 48, 2);
    let optimizer =
        Optimizer::Lbfgs { learning_rate: 1.0, history: 10, line_search: LineSearch::StrongWolfe };
    for (steps, clamp) in [(3, Clamp::EveryStep), (7, Clamp::End), (12, Clamp::End)] {
        let settings =
            Settings { size: 64, smallest_scale: 30, steps: vec![steps], optimizer, clamp, ..settings() };
        let outcome = run(&vgg, settings.clone(), &[Style::new(&style)]).unwrap();
        let last = outcome.scales().last().unwrap().first;
        let totals: Vec<f32> = outcome.history()[last..].iter().map(Losses::total).collect();
        let minimum = totals[..steps].iter().copied().fold(f32::INFINITY, f32::min);
        // The end of a run brings the pixels into range, which may cost a little.
        let slack = if clamp == Clamp::End { 1.3 } else { 1.0 };
        assert!(totals[steps] <= slack * minimum, "{clamp:?} {totals:?}");
        let averaged = Settings { averaging: 0.9, ..settings };
        assert!(
            run(&vgg, averaged, &[Style::new(&style)])
                .unwrap_err()
                .to_string()
                .starts_with("averaging is 0.9")
        );
    }
}

#[test]
fn a_texture_grows_from_coarse_to_fine_at_its_own_size() {
    let vgg = vgg(Relu2_1);
    let style = picture(48, 48, 2);
    let settings = Settings { size: 500, smallest_scale: 30, ..settings() };
    let transfer = StyleTransfer::new(&vgg).settings(settings.clone()).style(&style);
    let outcome = transfer.texture(40, 64).unwrap();
    let sizes: Vec<_> = outcome.scales().iter().map(|scale| (scale.width, scale.height)).collect();
    assert_eq!(sizes, [(20, 32), (28, 45), (40, 64)]);
    let coloured = Settings { colour: Colour::Luminance, ..settings };
    let error = StyleTransfer::new(&vgg).settings(coloured).style(&style).texture(40, 64).unwrap_err();
    assert!(error.to_string().starts_with("colour is"), "{error}");
}

#[test]
fn steps_count_from_the_smallest_scale_and_the_last_ones_stay_where_scales_are_few() {
    let settings = Settings { steps: vec![1, 2, 3], ..settings() };
    let of = |scales: usize| (0..scales).map(|scale| settings.steps_at(scale, scales)).collect::<Vec<_>>();
    assert_eq!((of(1), of(2), of(3), of(5)), (vec![3], vec![2, 3], vec![1, 2, 3], vec![1, 2, 3, 3, 3]));
}

#[test]
fn any_picture_can_be_measured() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(32, 24, 1), picture(40, 40, 2));
    let transfer = || StyleTransfer::new(&vgg).settings(settings()).style(&style);
    let of_itself = transfer().measure(&content, &content).unwrap();
    assert_eq!((of_itself.content_distance[0].distance, of_itself.ssim), (0.0, Some(1.0)));
    let outcome = transfer().run(&content).unwrap();
    let measured = transfer().measure(&content, outcome.image()).unwrap();
    assert!(
        (measured.mean_style_distance().unwrap() - outcome.metrics().mean_style_distance().unwrap()).abs()
            < 1e-5
    );
}

#[test]
fn a_run_that_is_ended_early_still_has_its_size() {
    let vgg = vgg(Relu2_1);
    let style = picture(40, 40, 2);
    let outcome = StyleTransfer::new(&vgg)
        .settings(Settings { size: 64, smallest_scale: 30, ..settings() })
        .style(&style)
        .on_step(|_| ControlFlow::Break(()))
        .run(&picture(32, 24, 1))
        .unwrap();
    assert_eq!((outcome.image().width(), outcome.image().height(), outcome.scales().len()), (64, 48, 1));
    assert_eq!((outcome.scales()[0].steps, outcome.history().len(), outcome.steps()), (1, 2, 1));
}

#[test]
fn difficult_pictures_and_weights_behave() {
    let vgg = vgg(Relu2_1);
    let flat = |value: f32| Image::new(24, 24, vec![value; 3 * 24 * 24]).unwrap();
    let pictures = [flat(0.0), flat(0.5), flat(1.0), picture(24, 24, 4)];
    for style_loss in [
        StyleForm::default(),
        StyleForm::MeanVariance { relative: true },
        StyleForm::Wasserstein { relative: true },
        StyleForm::SlicedWasserstein { relative: true },
    ] {
        for (content, style) in pictures.iter().flat_map(|a| pictures.iter().map(move |b| (a, b))) {
            for colour in [Colour::Free, Colour::Transport, Colour::Luminance] {
                let optimizer = Optimizer::ADAM; // sliced Wasserstein distances want it
                let settings =
                    Settings { steps: vec![3], style_loss, colour, size: 24, optimizer, ..settings() };
                let what =
                    format!("{style_loss:?}, {colour:?}, {} and {}", content.pixels()[0], style.pixels()[0]);
                let outcome = StyleTransfer::new(&vgg).settings(settings).style(style).run(content);
                let outcome = outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(outcome.history().iter().all(|losses| losses.total().is_finite()));
                assert!(outcome.metrics().ssim.unwrap().is_finite());
            }
        }
    }
    for (content_weight, style_weight, tv_weight) in
        [(1e12, 1.0, 0.0), (1e-12, 1e12, 1e12), (0.0, 1e-12, 0.0)]
    {
        let weights = Settings { content_weight, style_weight, tv_weight, ..settings() };
        let outcome = run(&vgg, weights, &[Style::new(&pictures[3])]).unwrap();
        assert!(outcome.image().pixels().iter().all(|value| value.is_finite()));
    }
}

#[test]
fn what_threads_may_share_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Vgg>();
    shared::<crate::Objective>();
    shared::<crate::PerceptualLoss>();
    shared::<StyleFile>();
    shared::<Settings>();
    shared::<Outcome>();
    shared::<CancelToken>();
    shared::<crate::Checkpoint>();
    shared::<Error>();
}
