//! A run that goes on from a checkpoint's bytes against the run that never stopped.

use std::ops::ControlFlow;

use style_format::Layer::{Relu2_1, Relu3_1};
use style_image::Image;

use super::test_runs::{mask, picture, settings};
use super::{Clamp, Colour, Outcome, Settings, Start, Style, StyleTransfer, Task};
use crate::test_support::vgg;
use crate::{Checkpoint, Error, GramScale, Kernel, LineSearch, Optimizer, StyleForm, Vgg};

fn searching() -> Optimizer {
    Optimizer::Lbfgs { learning_rate: 1.0, history: 3, line_search: LineSearch::StrongWolfe }
}

/// Two scales, five steps and four.
fn two_scales() -> Settings {
    Settings { size: 40, smallest_scale: 20, scale_factor: 2.0, steps: vec![5, 4], ..settings() }
}

/// The outcome of a whole run, and the bytes of a checkpoint after each of its steps.
fn whole(transfer: StyleTransfer<'_>, task: Task<'_>) -> (Outcome, Vec<Vec<u8>>) {
    let mut checkpoints = Vec::new();
    let transfer = transfer.on_step(|step| {
        let mut bytes = Vec::new();
        step.checkpoint().write_to(&mut bytes).unwrap();
        checkpoints.push(bytes);
        ControlFlow::Continue(())
    });
    let outcome = transfer.perform(task).unwrap();
    (outcome, checkpoints)
}

fn bits(image: &Image) -> Vec<u32> {
    image.pixels().iter().map(|value| value.to_bits()).collect()
}

fn assert_same(found: &Outcome, expected: &Outcome, what: &str) {
    assert!(bits(found.image()) == bits(expected.image()), "{what}: another picture");
    assert_eq!(found.history(), expected.history(), "{what}");
    assert_eq!(found.metrics(), expected.metrics(), "{what}");
    assert_eq!(found.scales(), expected.scales(), "{what}");
    assert_eq!(found.recoveries(), expected.recoveries(), "{what}");
    assert_eq!((found.seconds().len(), found.steps()), (expected.seconds().len(), expected.steps()));
    assert!(found.seconds().is_sorted() && !found.stopped(), "{what}");
}

/// Goes on from every checkpoint of a run, and compares.
fn check(vgg: &Vgg, settings: Settings, styles: &[Style<'_>], task: Task<'_>) -> Outcome {
    let transfer = || {
        let transfer = StyleTransfer::new(vgg).settings(settings.clone());
        styles.iter().cloned().fold(transfer, StyleTransfer::style)
    };
    let (outcome, checkpoints) = whole(transfer(), task);
    let alone = transfer().perform(task).unwrap();
    assert_same(&alone, &outcome, "without checkpoints");
    for bytes in &checkpoints {
        let checkpoint = Checkpoint::parse(bytes).unwrap();
        let what = format!("{:?}, step {} of {}", settings.optimizer, checkpoint.step(), checkpoint.steps());
        let resumed = transfer().resume_from(&checkpoint);
        drop(checkpoint);
        assert_same(&resumed.perform(task).unwrap(), &outcome, &what);
    }
    outcome
}

#[test]
fn every_optimiser_goes_on_to_the_same_bytes_from_every_step() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(40, 30, 1), picture(48, 48, 2));
    let lbfgs = |history| Optimizer::Lbfgs { learning_rate: 1.0, history, line_search: LineSearch::None };
    for optimizer in [Optimizer::ADAM, lbfgs(2), lbfgs(10), searching()] {
        let settings = Settings { optimizer, ..two_scales() };
        check(&vgg, settings.clone(), &[Style::new(&style)], Task::Transfer(&content));
        let burn = vgg.clone().with_kernel(Kernel::Burn);
        check(&burn, settings, &[Style::new(&style)], Task::Transfer(&content));
    }
}

#[test]
fn averages_colours_clamps_and_directions_go_on_as_well() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(40, 30, 1), picture(48, 48, 2));
    let adam = Optimizer::ADAM;
    let lbfgs = Optimizer::LBFGS;
    let sliced = StyleForm::SlicedWasserstein { relative: true };
    for settings in [
        Settings { averaging: 0.8, optimizer: adam, ..two_scales() },
        Settings { averaging: 0.9, optimizer: lbfgs, clamp: Clamp::End, ..two_scales() },
        Settings { colour: Colour::Luminance, optimizer: lbfgs, ..two_scales() },
        Settings { colour: Colour::Luminance, averaging: 0.5, optimizer: adam, ..two_scales() },
        Settings { clamp: Clamp::End, optimizer: searching(), ..two_scales() },
        Settings { style_loss: sliced, optimizer: adam, ..two_scales() },
    ] {
        check(&vgg, settings, &[Style::new(&style)], Task::Transfer(&content));
    }
}

#[test]
fn textures_reconstructions_regions_and_pictures_to_start_at_go_on_as_well() {
    let vgg = vgg(Relu2_1);
    let (content, style, other) = (picture(40, 30, 1), picture(48, 48, 2), picture(30, 40, 3));
    let styles = [Style::new(&style), Style::new(&other).weight(0.3).scale(0.7)];
    check(&vgg, two_scales(), &styles, Task::Texture { width: 40, height: 28 });
    check(&vgg, two_scales(), &[], Task::Reconstruct(&content));
    let left = mask(8, 8, |x, _| f32::from(u8::from(x < 4)));
    let regions = [Style::new(&style).region(&left), Style::new(&other).part(&left)];
    check(&vgg, two_scales(), &regions, Task::Transfer(&content));
    let transfer = || StyleTransfer::new(&vgg).settings(two_scales()).style(&style).start_at(&other);
    let (outcome, checkpoints) = whole(transfer(), Task::Transfer(&content));
    let checkpoint = Checkpoint::parse(&checkpoints[6]).unwrap();
    assert_same(
        &transfer().resume_from(&checkpoint).run(&content).unwrap(),
        &outcome,
        "started at a picture",
    );
}

#[test]
fn runs_that_went_back_to_their_best_picture_go_on_as_well() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(40, 30, 1), picture(48, 48, 2));
    // Steps so long, and losses so steep, that numbers overflow until the steps are halved.
    let sum = StyleForm::Gram { scale: GramScale::Sum };
    for (optimizer, style_loss) in [(Optimizer::ADAM, StyleForm::default()), (Optimizer::LBFGS, sum)] {
        let settings = Settings {
            optimizer: optimizer.with_learning_rate(1000.0),
            style_loss,
            style_weight: 1e9,
            tv_weight: 1e9,
            pooling_gain: 100.0,
            clamp: Clamp::End,
            ..two_scales()
        };
        let outcome = check(&vgg, settings, &[Style::new(&style)], Task::Transfer(&content));
        assert!(outcome.recoveries() > 0, "{optimizer:?}");
    }
}

#[test]
fn a_run_can_be_interrupted_again_and_again() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(40, 30, 1), picture(48, 48, 2));
    for optimizer in [Optimizer::ADAM, Optimizer::LBFGS, searching()] {
        let settings = Settings { optimizer, ..two_scales() };
        let transfer = || StyleTransfer::new(&vgg).settings(settings.clone()).style(&style);
        let (expected, _) = whole(transfer(), Task::Transfer(&content));
        let mut last: Option<Checkpoint> = None;
        for step in 1..=9 {
            let mut bytes = Vec::new();
            let resumed = match &last {
                None => transfer(),
                Some(checkpoint) => transfer().resume_from(checkpoint),
            };
            let stopped = resumed
                .on_step(|step| {
                    step.checkpoint().with_about("at the next one").write_to(&mut bytes).unwrap();
                    ControlFlow::Break(())
                })
                .run(&content)
                .unwrap();
            assert!(stopped.stopped());
            assert_eq!(stopped.history()[..step], expected.history()[..step]);
            let checkpoint = Checkpoint::parse(&bytes).unwrap();
            assert_eq!((checkpoint.step(), checkpoint.steps()), (step, 9));
            assert_eq!(
                (checkpoint.scale(), checkpoint.size()),
                if step > 5 { (2, (40, 30)) } else { (1, (20, 15)) }
            );
            assert_eq!(checkpoint.losses(), &expected.history()[step - 1]);
            assert_eq!((checkpoint.about(), checkpoint.settings()), ("at the next one", expected.settings()));
            last = Some(checkpoint);
        }
        let resumed = transfer().resume_from(&last.unwrap()).run(&content).unwrap();
        assert_same(&resumed, &expected, "nine parts");
    }
}

#[test]
fn seconds_of_all_parts_add_up() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(40, 30, 1), picture(48, 48, 2));
    let transfer = || StyleTransfer::new(&vgg).settings(two_scales()).style(&style);
    let mut kept = None;
    let first = transfer().on_step(|step| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        if step.index == 3 {
            kept = Some((step.checkpoint(), step.elapsed));
        }
        ControlFlow::Continue(())
    });
    first.run(&content).unwrap();
    let (checkpoint, elapsed) = kept.unwrap();
    assert!(elapsed.as_millis() >= 40, "{elapsed:?}");
    let mut seen = Vec::new();
    let resumed = transfer().resume_from(&checkpoint).on_step(|step| {
        seen.push((step.index, step.elapsed));
        ControlFlow::Continue(())
    });
    let outcome = resumed.run(&content).unwrap();
    assert_eq!(seen.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9]);
    assert!(seen.iter().all(|(_, at)| *at >= elapsed) && outcome.times().steps >= 0.06, "{seen:?}");
    assert!(outcome.seconds().is_sorted() && outcome.seconds()[0] < 0.02 + elapsed.as_secs_f64());
}

#[test]
fn another_run_is_refused_by_what_is_different() {
    let network = vgg(Relu2_1);
    let (content, style, other) = (picture(40, 30, 1), picture(48, 48, 2), picture(48, 48, 3));
    let styles = || [Style::new(&style), Style::new(&other).weight(0.5)];
    let begin = |vgg: &Vgg, settings: Settings, styles: &[Style<'_>], task: Task<'_>, from: &[u8]| {
        let transfer = StyleTransfer::new(vgg).settings(settings);
        let transfer = styles.iter().cloned().fold(transfer, StyleTransfer::style);
        let error = transfer.resume_from(&Checkpoint::parse(from).unwrap()).perform(task).unwrap_err();
        let text = error.to_string();
        let Error::CheckpointMismatch { what, found, expected } = error else { panic!("{text}") };
        assert!(text.contains(&found) && text.contains(&expected) && found != expected, "{text}");
        what
    };
    let of_both = StyleTransfer::new(&network).settings(two_scales()).style(styles()[0].clone());
    let (_, checkpoints) = whole(of_both.style(styles()[1].clone()), Task::Transfer(&content));
    let from = &checkpoints[2];
    let with = |change: fn(&mut Settings)| {
        let mut settings = two_scales();
        change(&mut settings);
        begin(&network, settings, &styles(), Task::Transfer(&content), from)
    };
    assert_eq!(with(|settings| settings.content_weight = 0.031), "content_weight");
    let planned = StyleTransfer::new(&network).settings(two_scales()).style(&style);
    let planned = planned.resume_from(&Checkpoint::parse(from).unwrap()).plan(Task::Transfer(&content));
    assert!(matches!(planned.unwrap_err(), Error::CheckpointMismatch { .. }));
    assert_eq!(with(|settings| settings.steps = vec![5, 5]), "steps");
    assert_eq!(with(|settings| settings.size = 41), "size");
    assert_eq!(with(|settings| settings.start = Some(Start::Noise)), "start");
    assert_eq!(
        with(|settings| settings.optimizer = Optimizer::LBFGS.with_learning_rate(0.9)),
        "optimizer.learning_rate"
    );
    assert_eq!(with(|settings| settings.optimizer = Optimizer::ADAM), "optimizer.beta_1");
    let same = |vgg: &Vgg, styles: &[Style<'_>], content: &Image| {
        begin(vgg, two_scales(), styles, Task::Transfer(content), from)
    };
    assert_eq!(same(&network, &styles(), &picture(40, 30, 9)), "the content picture");
    assert_eq!(same(&network, &[Style::new(&style)], &content), "the number of styles");
    let changed = [Style::new(&style), Style::new(&content).weight(0.5)];
    assert_eq!(same(&network, &changed, &content), "style 2");
    let heavier = [Style::new(&style), Style::new(&other)];
    assert_eq!(same(&network, &heavier, &content), "the weight of style 2");
    assert_eq!(same(&vgg(Relu3_1), &styles(), &content), "the network");
    assert_eq!(same(&network.clone().with_kernel(Kernel::Direct), &styles(), &content), "the kernel");
    let error = StyleTransfer::new(&network).settings(two_scales()).style(&style);
    let error = error.resume_from(&Checkpoint::parse(from).unwrap()).texture(40, 30).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the checkpoint is of another run: content_weight is 0.03 there and 0.0 here"
    );
}
