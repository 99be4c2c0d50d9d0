//! What happens when something is not finite.

use burn::tensor::{Device, Tensor};
use style_format::Layer::Relu1_1;

use super::Settings;
use super::descent::{Descended, Descent};
use super::recorder::Recorder;
use super::run::Finish;
use super::step::Progress;
use super::test_runs::before;
use crate::checkpoint::Kept;
use crate::optimizer::Resumable;
use crate::test_support::{tensor, values, vgg};
use crate::{ContentForm, ContentLoss, Error, Evaluation, ImageOptimizer, Kernel, Objective, Optimizer, Vgg};

/// An optimiser whose updates are NaN at some calls.
struct Sick {
    inner: Box<dyn ImageOptimizer>,
    calls: usize,
    ill_at: Vec<usize>,
    restarts: Vec<f32>,
}

impl ImageOptimizer for Sick {
    fn step(&mut self, image: Tensor<4>, evaluation: Evaluation) -> Result<Tensor<4>, Error> {
        self.calls += 1;
        let next = self.inner.step(image, evaluation)?;
        Ok(if self.ill_at.contains(&self.calls) { next.mul_scalar(f32::NAN) } else { next })
    }

    fn resize(&mut self, size: [usize; 2]) -> Result<(), Error> {
        self.inner.resize(size)
    }

    fn restart(&mut self, factor: f32) {
        self.restarts.push(factor);
        self.inner.restart(factor);
    }
}

impl Resumable for Sick {
    fn keep(&self, _: &mut Kept) {}

    fn restore(&mut self, _: &Kept, _: [usize; 4], _: &Device) -> Result<(), Error> {
        Ok(())
    }
}

fn content(vgg: &Vgg) -> Objective {
    let target = vgg.features(tensor([1, 3, 12, 12], 1), &[Relu1_1]).unwrap().remove(0);
    Objective::new().with_content(Relu1_1, 1.0, ContentLoss::new(target, ContentForm::Relative))
}

/// Ten steps of Adam that fall ill at some calls.
fn descend(ill_at: Vec<usize>) -> (Result<Descended, Error>, Sick, Recorder) {
    descend_by(Kernel::Winograd, 10, ill_at)
}

fn descend_by(
    kernel: Kernel,
    steps: usize,
    ill_at: Vec<usize>,
) -> (Result<Descended, Error>, Sick, Recorder) {
    let vgg = vgg(Relu1_1).with_kernel(kernel);
    let settings = Settings::default();
    let (objective, finish) = (content(&vgg), Finish::default());
    let mut sick = Sick { inner: Optimizer::ADAM.init(), calls: 0, ill_at, restarts: Vec::new() };
    let (mut recorder, mut recoveries) = (Recorder::new(), 0);
    let descended = before(&vgg, |before| {
        let descent = Descent {
            vgg: &vgg,
            settings: &settings,
            objective: &objective,
            optimizer: &mut sick,
            recorder: &mut recorder,
            observer: None,
            cancel: None,
            progress: Progress::new(&settings, &[], &finish),
            recoveries: &mut recoveries,
            before,
        };
        descent.run(tensor([1, 3, 12, 12], 2).into(), steps)
    });
    (descended, sick, recorder)
}

#[test]
fn a_run_recovers_from_nan_at_its_best_picture_with_half_the_step() {
    let (descended, sick, recorder) = descend(vec![3, 6]);
    let image = values(descended.unwrap().image);
    assert!(image.iter().all(|value| value.is_finite()));
    assert_eq!((sick.calls, sick.restarts), (10, vec![0.5, 0.5]));
    let totals: Vec<f32> = recorder.history.iter().map(super::Losses::total).collect();
    assert_eq!(
        totals.len(),
        6,
        "steps that were taken back are forgotten: two ill ones and two that were repeated"
    );
    assert!(totals.is_sorted_by(|a, b| a > b), "{totals:?}");
}

#[test]
fn a_run_gives_up_at_the_fourth_time_with_the_best_picture() {
    let (descended, sick, recorder) = descend(vec![3, 4, 5, 6]);
    assert_eq!(sick.restarts.len(), 3);
    let Err(error) = descended else { panic!("it went on") };
    let text = error.to_string();
    assert!(text.starts_with("the gradient or the next picture is not finite, the loss 1.15"), "{text}");
    let Error::Diverged { step: 6, best: Some(best), .. } = error else { panic!("{text}") };
    assert_eq!((best.width(), best.height()), (12, 12));
    assert_eq!(recorder.history.len(), 1);
}

#[test]
fn a_gradient_that_is_not_finite_is_noticed_before_it_reaches_the_picture() {
    let (descended, _, recorder) = descend(vec![10]);
    assert!(values(descended.unwrap().image).iter().all(|value| value.is_finite()), "even in the last step");
    assert_eq!(recorder.history.len(), 8);
}

#[test]
fn where_losses_are_read_now_and_then_the_scale_begins_anew() {
    let (descended, sick, recorder) = descend_by(Kernel::Burn, 40, vec![5]);
    assert!(values(descended.unwrap().image).iter().all(|value| value.is_finite()));
    assert_eq!((sick.calls, sick.restarts), (40, vec![0.5]));
    assert_eq!(recorder.history.len(), 24, "sixteen steps were taken back");
}
