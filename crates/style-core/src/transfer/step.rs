//! What an observer sees.

use std::fmt;
use std::time::Duration;

use burn::tensor::Tensor;
use style_image::Image;

use super::ladder::{Extent, Scale};
use super::resume::Present;
use super::run::Finish;
use super::{Losses, Settings};
use crate::{Checkpoint, Error, Term};

/// One finished step of a run: the one kind of event that a run tells.
#[derive(Debug)]
pub struct Step<'a> {
    /// Number of the step, from 1, over all scales.
    pub index: usize,
    /// Number of steps in the run.
    pub steps: usize,
    /// Number of the scale, from 1.
    pub scale: usize,
    /// Number of scales in the run.
    pub scales: usize,
    /// Width and height of the picture at this scale, px.
    pub size: (usize, usize),
    /// The losses before the step's update.
    pub losses: &'a Losses,
    /// The terms of the objective, in the order of the losses.
    pub terms: Vec<Term>,
    /// Time since the first step began.
    pub elapsed: Duration,
    /// Share of the run's work that is done, by pixels: 0 to 1.
    pub done: f64,
    image: &'a Tensor<4>,
    progress: Progress<'a>,
    /// Number of the step at its scale, from 1.
    at: usize,
    present: Present<'a>,
}

/// How far a run has come when a scale begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress<'a> {
    pub(super) scale: usize,
    pub(super) scales: usize,
    pub(super) size: (usize, usize),
    /// Steps before this scale, and in all.
    pub(super) steps_before: usize,
    pub(super) steps: usize,
    /// Pixels times steps before this scale, and in all.
    pub(super) work_before: f64,
    pub(super) work: f64,
    pub(super) finish: &'a Finish,
}

impl<'a> Progress<'a> {
    pub(super) fn new(settings: &Settings, scales: &[Scale], finish: &'a Finish) -> Self {
        let steps = (0..scales.len()).map(|index| settings.steps_at(index, scales.len()));
        let work = scales.iter().zip(steps.clone()).map(|(scale, steps)| pixels(scale.extent) * steps as f64);
        Self {
            scale: 0,
            scales: scales.len(),
            size: (0, 0),
            steps_before: 0,
            steps: steps.sum(),
            work_before: 0.0,
            work: work.sum(),
            finish,
        }
    }

    /// The scale of that index begins.
    pub(super) const fn enter(&mut self, index: usize, size: Extent) {
        self.scale = index + 1;
        self.size = size;
    }

    /// All steps of a scale are done.
    pub(super) fn leave(&mut self, steps: usize, size: Extent) {
        self.steps_before += steps;
        self.work_before += pixels(size) * steps as f64;
    }
}

fn pixels((width, height): Extent) -> f64 {
    (width * height) as f64
}

impl<'a> Step<'a> {
    /// The step of that index, from 1, of a scale.
    pub(super) fn new(
        progress: Progress<'a>,
        index: usize,
        terms: Vec<Term>,
        image: &'a Tensor<4>,
        present: Present<'a>,
    ) -> Result<Self, Error> {
        let Progress { scale, scales, size, steps_before, steps, work_before, work, .. } = progress;
        let here = pixels(size) * index as f64;
        Ok(Self {
            index: steps_before + index,
            steps,
            scale,
            scales,
            size,
            losses: present.recorder.last()?,
            terms,
            elapsed: Duration::from_secs_f64(present.recorder.elapsed()),
            done: (work_before + here) / work.max(1.0),
            image,
            progress,
            at: index,
            present,
        })
    }

    /// The picture so far, as the run would give it, at the size of its scale; read from the device.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when it cannot be read.
    pub fn image(&self) -> Result<Image, Error> {
        self.progress.finish.picture(self.image.clone())
    }

    /// The run as it is after this step, to be written to a file and gone on from another time. It costs little as long as
    /// it is dropped before the observer returns: until then it shares everything with the run. The first one of a run
    /// takes the SHA-256 of pictures and weights.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        self.present.checkpoint(&self.progress, self.at, self.losses)
    }

    /// Time that the remaining steps will need, going by the pixels so far.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.elapsed.mul_f64(((1.0 - self.done) / self.done.max(1e-9)).clamp(0.0, 1e9))
    }
}

impl fmt::Display for Step<'_> {
    /// `step 12 of 200 (256 x 171 px): loss 0.0312, 5 s, 78 s left`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "step {} of {} ({} x {} px): loss {:.4}, {:.0} s, {:.0} s left",
            self.index,
            self.steps,
            self.size.0,
            self.size.1,
            self.losses.total(),
            self.elapsed.as_secs_f64(),
            self.remaining().as_secs_f64()
        )
    }
}
