//! Losses of every step: on the device until somebody asks, then numbers.

use std::cell::Cell;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};
use style_image::Image;

use super::Losses;
use crate::Error;
use crate::checkpoint::{HISTORY, Kept, Position};
use crate::convert::{read, tensor_to_image};

/// Names in a checkpoint.
const SECONDS: &str = "seconds";
const ELAPSED: &str = "elapsed";
const BEST: &str = "best picture";

/// What is known of a run so far.
pub(super) struct Recorder {
    /// Since the first step began, or since the run was taken up again.
    clock: Option<Instant>,
    /// Seconds of the run before that.
    before: f64,
    /// Losses with the health of their steps, `[terms + 1]` each.
    pending: Vec<(Tensor<1>, f64)>,
    pub(super) history: Vec<Losses>,
    /// Seconds at which each of the history was asked for.
    pub(super) seconds: Vec<f64>,
    /// Index of this scale's first entry in the history.
    first: usize,
    /// The picture at the newest of the pending losses.
    newest: Option<Tensor<4>>,
    /// The picture of least loss among those of this scale that were looked at, with its place in the history.
    best: Option<(usize, Tensor<4>)>,
    /// The best picture that was fetched from the device, of this scale or the one before.
    fetched: Option<Fetched>,
    /// When one was fetched last.
    fetched_at: Option<Instant>,
    /// Number of steps that were begun, over all scales.
    pub(super) step: usize,
    /// Whether the observer is being told a step.
    pub(super) telling: Cell<bool>,
}

/// A picture in host memory.
struct Fetched {
    width: usize,
    height: usize,
    planar: Vec<f32>,
    /// Its loss, where that compares with this scale's.
    loss: Option<f32>,
}

/// Refuses what no clock shows, in seconds: a run that began with the universe has 4e17 behind it.
pub(super) fn check_times<'a>(mut times: impl Iterator<Item = &'a f64>) -> Result<(), Error> {
    match times.find(|time| !(0.0..=1e18).contains(*time)) {
        Some(time) => Err(Error::Checkpoint { reason: format!("it says that {time} s have gone by") }),
        None => Ok(()),
    }
}

/// Something that is not finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Broken {
    /// The loss; where it is finite, the gradient or the next picture is not.
    pub(super) loss: f32,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self {
            clock: None,
            before: 0.0,
            pending: Vec::new(),
            history: Vec::new(),
            seconds: Vec::new(),
            first: 0,
            newest: None,
            best: None,
            fetched: None,
            fetched_at: None,
            step: 0,
            telling: Cell::new(false),
        }
    }

    /// Seconds since the first step began.
    pub(super) fn elapsed(&self) -> f64 {
        self.before + self.clock.map_or(0.0, |clock| clock.elapsed().as_secs_f64())
    }

    /// Another scale begins: its losses do not compare with those before.
    pub(super) fn begin_scale(&mut self) {
        self.clock.get_or_insert_with(Instant::now);
        self.best = None;
        if let Some(fetched) = &mut self.fetched {
            fetched.loss = None;
        }
        self.first = self.history.len();
    }

    /// Adds what is known to a checkpoint; nothing may be pending.
    pub(super) fn keep(&self, kept: &mut Kept) {
        let terms = self.history.first().map_or(0, |losses| losses.0.len());
        kept.put_rows(HISTORY, terms, self.history.iter().map(|losses| losses.0.as_slice()));
        kept.put_numbers(SECONDS, self.seconds.iter().copied());
        kept.put_numbers(ELAPSED, [self.elapsed()]);
        if let Some((_, best)) = &self.best {
            kept.put(BEST, best);
        }
    }

    /// Index of this scale's first entry in the history, and of the best picture's.
    pub(super) fn places(&self) -> (usize, Option<usize>) {
        (self.first, self.best.as_ref().map(|(index, _)| *index))
    }

    /// Goes on in the middle of a scale. A picture fetched from the device is not among what was kept: the next read
    /// brings one.
    pub(super) fn restore(
        &mut self,
        position: &Position,
        kept: &Kept,
        shape: [usize; 4],
        device: &Device,
    ) -> Result<(), Error> {
        self.history = kept.rows(HISTORY)?.into_iter().map(Losses).collect();
        self.seconds = kept.numbers(SECONDS)?.to_vec();
        if self.seconds.len() != self.history.len() {
            let reason = format!("it has {} losses at {} times", self.history.len(), self.seconds.len());
            return Err(Error::Checkpoint { reason });
        }
        let [before] = kept.array(ELAPSED)?;
        check_times(self.seconds.iter().chain([&before]))?;
        (self.before, self.clock) = (before, Some(Instant::now()));
        let best = position.best.map(|index| Ok::<_, Error>((index, kept.tensor(BEST, shape, device)?)));
        self.best = best.transpose()?;
        (self.first, self.step) = (position.first, position.step);
        Ok(())
    }

    /// Whether no picture was fetched from the device for so long, or none at all.
    pub(super) fn has_not_fetched_for(&self, time: Duration) -> bool {
        self.fetched_at.is_none_or(|last| last.elapsed() >= time)
    }

    /// Number of this scale's steps in the history.
    pub(super) fn steps_of_scale(&self) -> usize {
        self.history.len() - self.first
    }

    /// Goes back to the best picture of this scale, forgetting the steps from there on; `None` where none is known, and
    /// the scale begins anew.
    pub(super) fn go_back(&mut self) -> Option<Tensor<4>> {
        let (index, image) =
            self.best.clone().map_or((self.first, None), |(index, image)| (index, Some(image)));
        self.history.truncate(index);
        self.seconds.truncate(index);
        // The best one stays so: it is the next to be looked at, and takes its old place in the history.
        image
    }

    /// Remembers the losses at a picture; `health` `[1]` is 0, or NaN where the gradient or the next picture is not
    /// finite.
    pub(super) fn push(&mut self, losses: Tensor<1>, health: Tensor<1>, image: &Tensor<4>) {
        self.pending.push((Tensor::cat(vec![losses, health], 0), self.elapsed()));
        self.newest = Some(image.clone());
    }

    /// Reads what is pending; answers whether all of it was finite. What came after something broken is forgotten.
    /// With `fetch` the newest picture comes along, so that it is known when the device fails later.
    pub(super) fn read(&mut self, fetch: bool) -> Result<Option<Broken>, Error> {
        let pending = std::mem::take(&mut self.pending);
        let Some((first, _)) = pending.first() else { return Ok(None) };
        let length = first.dims()[0];
        let (mut parts, seconds): (Vec<_>, Vec<_>) = pending.into_iter().unzip();
        let picture = self.newest.clone().filter(|_| fetch);
        let size = picture.as_ref().map(Tensor::dims);
        // One tensor, for one wait.
        parts.extend(picture.map(|picture| picture.flatten(0, 3)));
        let mut numbers = read(Tensor::cat(parts, 0), "reading the losses")?;
        let planar = numbers.split_off(length * seconds.len());
        for (numbers, seconds) in numbers.chunks(length).zip(seconds) {
            let (health, losses) = (numbers.last().copied().unwrap_or(f32::NAN), &numbers[..length - 1]);
            let losses = Losses(losses.to_vec());
            if !losses.total().is_finite() || health.is_nan() {
                self.newest = None;
                return Ok(Some(Broken { loss: losses.total() }));
            }
            self.history.push(losses);
            self.seconds.push(seconds);
        }
        let newest = self.history.len() - 1;
        let loss = |index: usize| self.history[index].total();
        let is_beaten = |fetched: &Fetched| fetched.loss.is_none_or(|best| loss(newest) < best);
        if size.is_some() {
            self.fetched_at = Some(Instant::now());
        }
        if let Some([_, _, height, width]) = size.filter(|_| self.fetched.as_ref().is_none_or(is_beaten)) {
            self.fetched = Some(Fetched { width, height, planar, loss: Some(loss(newest)) });
        }
        if self.best.as_ref().is_none_or(|(best, _)| loss(newest) < loss(*best)) {
            self.best = self.newest.take().map(|image| (newest, image)).or(self.best.take());
        }
        Ok(None)
    }

    /// The newest losses that were read.
    pub(super) fn last(&self) -> Result<&Losses, Error> {
        let nothing = Error::Device { doing: "reading the losses", reason: "there are none".into() };
        self.history.last().ok_or(nothing)
    }

    /// The best picture that can be had without the device: one that was fetched, or any where reading asks nobody.
    pub(super) fn rescued(&self, is_far: bool) -> Option<Image> {
        if is_far {
            let Fetched { width, height, planar, .. } = self.fetched.as_ref()?;
            return Image::from_planar(*width, *height, planar).ok();
        }
        self.best().and_then(|best| tensor_to_image(best).ok())
    }

    /// The best picture of this scale.
    pub(super) fn best(&self) -> Option<Tensor<4>> {
        self.best.as_ref().map(|(_, image)| image.clone())
    }
}

/// 0 where the tensors are finite, NaN elsewhere; `[1]`.
pub(super) fn health(gradient: &Tensor<4>, image: &Tensor<4>) -> Tensor<1> {
    // Zero times infinity is NaN.
    gradient.clone().mul_scalar(0.0).sum() + image.clone().mul_scalar(0.0).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_no_clock_shows_are_refused() {
        assert!(check_times([0.0, 0.5, 1e9].iter()).is_ok());
        for time in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let error = check_times([1.0, time].iter()).unwrap_err();
            assert!(matches!(error, Error::Checkpoint { .. }), "{time}: {error}");
        }
    }
}
