//! Runs whose device fails on the way, played by a style loss that fails, and what they read from it before.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Tensor;
use style_format::Layer::{Relu1_1, Relu2_1};
use style_image::Image;

use super::descent::Descent;
use super::lost::notice_loss;
use super::recorder::Recorder;
use super::run::{Course, Finish};
use super::step::{Progress, Step};
use super::test_runs::{before, picture, settings};
use super::{Settings, StyleTransfer, Times};
use crate::convert::{image_to_tensor, reads};
use crate::test_support::{tensor, vgg};
use crate::{Error, Kernel, LineSearch, Objective, Optimizer, Seen, StyleLoss, Vgg};

#[derive(Debug, Clone, Copy)]
enum Way {
    Error,
    Panic,
}

/// The sum of a Gram matrix; fails at one of its evaluations.
#[derive(Debug)]
struct Failing {
    way: Way,
    at: usize,
    calls: AtomicUsize,
}

impl StyleLoss for Failing {
    fn forward(&self, seen: Seen) -> Result<Tensor<1>, Error> {
        match self.way {
            _ if self.calls.fetch_add(1, Ordering::Relaxed) + 1 != self.at => {
                Ok(seen.statistics()?.gram.sum())
            }
            Way::Error => {
                Err(Error::Device { doing: "reading the losses", reason: "the cable is out".into() })
            }
            Way::Panic => panic!("the cable is out"),
        }
    }
}

fn start() -> Tensor<4> {
    tensor([1, 3, 12, 10], 2)
}

/// Forty steps of Adam; answers with the result, the pictures by their losses, and the best that was rescued.
fn descend(kernel: Kernel, way: Way, at: usize, watched: bool) -> (Result<(), Error>, Recorder) {
    let vgg = vgg(Relu1_1).with_kernel(kernel);
    let settings = Settings::default();
    let failing = Failing { way, at, calls: AtomicUsize::new(0) };
    let objective = Objective::new().with_style(Relu1_1, 1.0, failing);
    let finish = Finish::default();
    let mut course =
        Course { finish: &finish, recorder: Recorder::new(), recoveries: 0, times: Times::default() };
    let mut optimizer = Optimizer::ADAM.begin();
    let mut observer = |_: &Step<'_>| ControlFlow::Continue(());
    let result = notice_loss(vgg.is_far(), &mut course, |course| {
        before(&vgg, |before| {
            let descent = Descent {
                vgg: &vgg,
                settings: &settings,
                objective: &objective,
                optimizer: optimizer.as_mut(),
                recorder: &mut course.recorder,
                observer: watched.then_some(&mut observer),
                cancel: None,
                progress: Progress::new(&settings, &[], &finish),
                recoveries: &mut course.recoveries,
                before,
            };
            descent.run(start().into(), 40).map(drop)
        })
    });
    (result, course.recorder)
}

fn lost(result: Result<(), Error>) -> (usize, String, Option<Image>) {
    let error = result.unwrap_err();
    let Error::DeviceLost { step, best, .. } = &error else { panic!("{error}") };
    (*step, error.to_string(), best.as_deref().cloned())
}

#[test]
fn a_device_that_fails_leaves_the_picture_of_the_last_fetch() {
    for (way, said) in [
        (Way::Error, "the device failed at step 35: the cable is out, while reading the losses"),
        (Way::Panic, "the device failed at step 35: the cable is out, while computing"),
    ] {
        let (result, recorder) = descend(Kernel::Burn, way, 35, false);
        let (step, text, best) = lost(result);
        assert_eq!((step, text.as_str()), (35, said));
        let best = best.unwrap();
        assert_eq!((best.width(), best.height()), (10, 12));
        assert_eq!(recorder.history.len(), 32);
        // The fetched picture is the one whose loss stands last in the history.
        let vgg = vgg(Relu1_1).with_kernel(Kernel::Burn);
        let never = Failing { way, at: 0, calls: AtomicUsize::new(0) };
        let objective = Objective::new().with_style(Relu1_1, 1.0, never);
        let losses = objective.losses(&vgg, image_to_tensor(&best, vgg.device())).unwrap();
        let loss = losses.try_into_vec_as::<f32>().unwrap()[0];
        assert!((loss - recorder.history[31].total()).abs() <= 1e-4 * loss, "{loss}");
    }
}

#[test]
fn under_an_observer_a_picture_is_rescued_from_the_first_step_on() {
    let (step, _, best) = lost(descend(Kernel::Burn, Way::Error, 3, true).0);
    assert_eq!(step, 3);
    assert!(best.is_some(), "that of the first step, or of the second where it took a second");
}

#[test]
fn a_device_that_fails_at_once_leaves_no_picture() {
    let (step, text, best) = lost(descend(Kernel::Burn, Way::Panic, 1, false).0);
    assert_eq!((step, best), (1, None));
    assert_eq!(text, "the device failed at step 1: the cable is out, while computing");
}

#[test]
fn where_tensors_lie_in_host_memory_the_best_picture_of_all_is_left() {
    let (result, recorder) = descend(Kernel::Winograd, Way::Error, 12, false);
    let (step, _, best) = lost(result);
    assert_eq!((step, recorder.history.len()), (12, 11));
    assert!(best.is_some());
}

#[test]
#[should_panic(expected = "the cable is out")]
fn a_panic_on_the_cpu_is_no_lost_device() {
    drop(descend(Kernel::Winograd, Way::Panic, 3, false));
}

#[test]
#[should_panic(expected = "the observer's own")]
fn a_panic_of_the_observer_is_no_lost_device() {
    let vgg = vgg(Relu2_1).with_kernel(Kernel::Burn);
    let transfer = StyleTransfer::new(&vgg).settings(settings());
    let outcome = transfer.on_step(|_| panic!("the observer's own")).reconstruct(&picture(32, 24, 1));
    drop(outcome);
}

/// Reads in the steps of a reconstruction of 16 px at one scale.
fn reads_of(optimizer: Optimizer, steps: usize, watched: bool) -> usize {
    let vgg: Vgg = vgg(Relu1_1).with_kernel(Kernel::Burn);
    let settings =
        Settings { size: 16, steps: vec![steps], content_layers: vec![Relu1_1], optimizer, ..settings() };
    let mut transfer = StyleTransfer::new(&vgg).settings(settings);
    if watched {
        transfer = transfer.on_step(|_| ControlFlow::Continue(()));
    }
    let before = reads();
    transfer.reconstruct(&picture(16, 16, 1)).unwrap();
    reads() - before
}

#[test]
fn nothing_is_read_for_a_step_that_nobody_watches() {
    // The losses of the result, its metrics at one layer, the size of the result, and the picture.
    const AT_THE_END: usize = 4;
    assert_eq!(reads_of(Optimizer::ADAM, 48, false), 3 + AT_THE_END);
    assert_eq!(reads_of(Optimizer::ADAM, 49, false), 4 + AT_THE_END);
    assert_eq!(reads_of(Optimizer::ADAM, 48, true), 48 + AT_THE_END);
    let searching =
        Optimizer::Lbfgs { learning_rate: 1.0, history: 10, line_search: LineSearch::StrongWolfe };
    assert_eq!(reads_of(searching, 48, false), 48 + 3 + AT_THE_END, "a search asks at every trial");
}
