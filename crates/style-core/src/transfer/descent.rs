//! The steps of one scale.

use std::time::Duration;

use burn::tensor::Tensor;

use super::recorder::{Broken, Recorder, health};
use super::resume::{Before, Present};
use super::step::Progress;
use super::{CancelToken, Clamp, Colour, Observer, Settings, Step};
use crate::optimizer::{Average, Resumable};
use crate::vgg::Vgg;
use crate::{Error, Objective};

/// Where results must be fetched from a device, picture and losses are read back this often when nobody watches.
const STEPS_BETWEEN_READS: usize = 16;

/// An observer has the losses read at every step. The picture comes along that often too: where steps are slow it costs
/// little, and is worth more.
const TIME_BETWEEN_FETCHES: Duration = Duration::from_secs(1);

/// How often a run is taken up again after something became infinite.
const ATTEMPTS: usize = 3;

/// Trials of a line search that may be beyond what can be computed, one after the other: it steps back by itself.
const TRIALS: usize = 25;

/// Everything the steps of a scale share.
pub(super) struct Descent<'d> {
    pub(super) vgg: &'d Vgg,
    pub(super) settings: &'d Settings,
    pub(super) objective: &'d Objective,
    pub(super) optimizer: &'d mut dyn Resumable,
    pub(super) recorder: &'d mut Recorder,
    pub(super) observer: Option<&'d mut Observer<'d>>,
    pub(super) cancel: Option<&'d CancelToken>,
    pub(super) progress: Progress<'d>,
    /// How often the run has been taken up again.
    pub(super) recoveries: &'d mut usize,
    pub(super) before: Before<'d>,
}

/// Where a scale begins, or goes on.
pub(super) struct Beginning {
    pub(super) image: Tensor<4>,
    /// Of the steps that are done.
    pub(super) average: Option<Average>,
    /// How many that are.
    pub(super) done: usize,
}

impl From<Tensor<4>> for Beginning {
    fn from(image: Tensor<4>) -> Self {
        Self { image, average: None, done: 0 }
    }
}

/// Where a scale ended.
pub(super) struct Descended {
    /// The last iterate.
    pub(super) image: Tensor<4>,
    /// The average of all, if one was asked for.
    pub(super) average: Option<Tensor<4>>,
    /// Whether somebody ended the run.
    pub(super) stopped: bool,
}

impl Descent<'_> {
    /// All steps of the scale that are not done.
    pub(super) fn run(mut self, from: Beginning, steps: usize) -> Result<Descended, Error> {
        let Beginning { image: start, average, done } = from;
        if done == 0 {
            self.recorder.begin_scale();
        }
        let (mut image, mut stopped, mut wild) = (start.clone(), false, 0);
        let mut average = if done == 0 { self.new_average()? } else { average };
        for index in done + 1..=steps {
            self.recorder.step += 1;
            self.objective.begin_step(self.recorder.step as u64);
            let next = self.step(&image)?;
            image = self.within_range(next);
            if let Some(average) = &mut average {
                average.push(&image)?;
            }
            stopped = self.cancel.is_some_and(CancelToken::is_cancelled);
            let is_time_to_read = index.is_multiple_of(STEPS_BETWEEN_READS) || index == steps;
            let is_far = self.vgg.is_far();
            if is_far && self.observer.is_none() && !stopped && !is_time_to_read {
                continue;
            }
            let is_time_to_fetch = is_time_to_read || self.recorder.has_not_fetched_for(TIME_BETWEEN_FETCHES);
            match self.recorder.read(is_far && is_time_to_fetch)? {
                Some(_) if self.settings.optimizer.searches() && wild < TRIALS => wild += 1,
                Some(broken) => {
                    (image, wild) = (self.recover(broken, index, &start)?, 0);
                    average = self.new_average()?;
                }
                None => {
                    wild = 0;
                    stopped |= self.tell(index, &image, average.as_ref())?;
                }
            }
            if stopped {
                break;
            }
        }
        // What a line search answered last is a trial that nobody has looked at.
        let image =
            if self.settings.optimizer.searches() { self.recorder.best().unwrap_or(image) } else { image };
        Ok(Descended { image, average: average.and_then(|average| average.value()), stopped })
    }

    /// One evaluation and one update.
    fn step(&mut self, image: &Tensor<4>) -> Result<Tensor<4>, Error> {
        let evaluation = self.objective.evaluate(self.vgg, image.clone())?;
        let (losses, gradient) = (evaluation.losses.clone(), evaluation.gradient.clone());
        let next = self.optimizer.step(image.clone(), evaluation)?;
        self.recorder.push(losses, health(&gradient, &next), image);
        Ok(next)
    }

    /// The projection onto the pictures that a run may have.
    fn within_range(&self, image: Tensor<4>) -> Tensor<4> {
        let image = if self.settings.colour == Colour::Luminance { grey(image) } else { image };
        match self.settings.clamp {
            Clamp::EveryStep => image.clamp(0.0, 1.0),
            Clamp::End => image,
        }
    }

    fn new_average(&self) -> Result<Option<Average>, Error> {
        let decay = self.settings.averaging;
        (decay > 0.0).then(|| Average::new(decay)).transpose()
    }

    /// Goes back to the best picture with a fresh optimiser and half the step; a few times only.
    fn recover(&mut self, broken: Broken, index: usize, start: &Tensor<4>) -> Result<Tensor<4>, Error> {
        // Where even the first picture of the scale has no finite loss, shorter steps do not help.
        let hopeless = self.recorder.steps_of_scale() == 0 && !broken.loss.is_finite();
        if hopeless || *self.recoveries == ATTEMPTS {
            let of_last_scale = (self.progress.scale > 1).then(|| start.clone());
            let best = self.recorder.best().or(of_last_scale);
            let best = best.and_then(|image| self.progress.finish.picture(image).ok()).map(Box::new);
            return Err(Error::Diverged {
                step: self.progress.steps_before + index,
                loss: broken.loss,
                best,
            });
        }
        *self.recoveries += 1;
        self.optimizer.restart(0.5);
        Ok(self.recorder.go_back().unwrap_or_else(|| start.clone()))
    }

    /// Tells the observer; answers whether it ends the run.
    fn tell(&mut self, index: usize, image: &Tensor<4>, average: Option<&Average>) -> Result<bool, Error> {
        let Some(observer) = &mut self.observer else { return Ok(false) };
        let (optimizer, recorder) = (&*self.optimizer, &*self.recorder);
        let present = Present {
            image,
            average,
            optimizer,
            recorder,
            recoveries: *self.recoveries,
            before: self.before,
        };
        let mean = average.and_then(Average::value);
        let (mean, terms) = (mean.as_ref().unwrap_or(image), self.objective.terms());
        let step = Step::new(self.progress, index, terms, mean, present)?;
        self.recorder.telling.set(true);
        let ends = observer(&step).is_break();
        self.recorder.telling.set(false);
        Ok(ends)
    }
}

/// Every pixel's luminance in all three channels, `[1, 3, H, W]`.
fn grey(image: Tensor<4>) -> Tensor<4> {
    let channel = |index: usize, weight: f32| image.clone().narrow(1, index, 1).mul_scalar(weight);
    (channel(0, 0.299) + channel(1, 0.587) + channel(2, 0.114)).repeat_dim(1, 3)
}
