//! The run as an animated picture.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use style_transfer::{Animation, Image, ImageError, Step};

use super::background::Background;
use super::{Begin, End, Watcher, Watchers};
use crate::arguments::RunArguments;
use crate::claim::Claim;
use crate::failure::{Exit, Failure, Result};
use crate::inputs;
use crate::job::Job;
use crate::outputs::Output;
use crate::recipe::Recipe;
use crate::scraps::Scrap;

/// About so many frames, however long the run is.
const FRAMES: usize = 100;

/// A frame stays so long, and the result so long.
const DELAY: Duration = Duration::from_millis(80);
const HOLD: Duration = Duration::from_millis(2500);

/// Writes frames of the result's size, spread evenly over the steps; they go to the disk as they come.
struct Timelapse {
    claim: Claim,
    frames: Arc<Mutex<Frames>>,
    background: Background,
    /// Number of frames that were asked for.
    taken: usize,
}

/// What the thread that writes has; `Err` once a frame could not be written, and none is tried any more.
struct Frames {
    animation: std::result::Result<Option<Animation>, ImageError>,
    size: (usize, usize),
    /// The file that they are in so far.
    _scrap: Option<Scrap>,
}

impl Frames {
    fn push(&mut self, image: &Image, delay: Duration) {
        let Ok(Some(animation)) = &mut self.animation else { return };
        animation.set_delay(delay);
        let pushed = if (image.width(), image.height()) == self.size {
            animation.push(image)
        } else {
            image.resized(self.size.0, self.size.1).and_then(|image| animation.push(&image))
        };
        if let Err(error) = pushed {
            self.animation = Err(error);
        }
    }
}

/// Claims the place of the animation.
pub(super) fn claim(arguments: &RunArguments, recipe: &Recipe, output: &Output) -> Result<Option<Claim>> {
    let Some(path) = &arguments.output.timelapse else { return Ok(None) };
    let option = "--timelapse";
    if output.is_own(path) {
        let message = format!("cannot write {}: the run writes another file there", path.display());
        return Err(Failure::new(Exit::Output, message).help(format!("choose another name with {option}")));
    }
    // Of a size that none can have, so that its name alone is looked at.
    if let Err(error @ ImageError::UnsupportedExtension { .. }) = Animation::create(path, 0, 0, DELAY) {
        return Err(error.into());
    }
    Claim::of(option, path, arguments.output.force, &inputs::paths(recipe)).map(Some)
}

pub(super) fn add_to(watchers: &mut Watchers<'_>, job: &mut Job<'_>) {
    if let Some(claim) = job.claims.timelapse.take() {
        watchers.add(Timelapse::new(claim));
    }
}

impl Timelapse {
    /// Into a file that ends in `.png`, `.apng` or `.gif`.
    fn new(claim: Claim) -> Self {
        let frames = Frames { animation: Ok(None), size: (0, 0), _scrap: None };
        Self { claim, frames: Arc::new(Mutex::new(frames)), background: Background::new(), taken: 0 }
    }

    fn push(&self, image: Image, delay: Duration) {
        let frames = Arc::clone(&self.frames);
        self.background.run(move || {
            frames.lock().unwrap_or_else(PoisonError::into_inner).push(&image, delay);
        });
    }
}

impl Watcher for Timelapse {
    fn begin(&mut self, begin: &Begin<'_>) -> Result<()> {
        let (width, height) = (begin.plan.width, begin.plan.height);
        let animation = Animation::create(self.claim.path(), width, height, DELAY)?;
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let scrap = Some(Scrap::file(animation.scratch()));
        *frames = Frames { animation: Ok(Some(animation)), size: (width, height), _scrap: scrap };
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        if is_due(step.index, step.steps, self.taken) {
            self.taken = frames_until(step.index, step.steps);
            self.push(step.image()?, DELAY);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The result stays for a while. A run that failed has its animation up to there.
    fn end(&mut self, end: &End<'_>) -> Result<()> {
        if let End::Done(outcome) = end {
            self.push(outcome.image().clone(), HOLD);
        }
        self.background.finish();
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut frames.animation, Ok(None))? {
            Some(animation) if animation.frames() > 0 => {
                self.claim.check_still_free()?; // once more, as hours may have gone by
                Ok(animation.finish()?)
            }
            _ => Ok(()),
        }
    }
}

/// How many frames there should be after a step; the first step has one, and the last place is the result's.
fn frames_until(step: usize, steps: usize) -> usize {
    let before = steps.saturating_sub(1).max(1);
    let frames = FRAMES.min(steps).saturating_sub(1);
    (step.saturating_sub(1) * frames / before + 1).min(frames)
}

fn is_due(step: usize, steps: usize, taken: usize) -> bool {
    step < steps && frames_until(step, steps) > taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(steps: usize) -> Vec<usize> {
        let mut taken = 0;
        let due = |step: &usize| {
            let due = is_due(*step, steps, taken);
            if due {
                taken = frames_until(*step, steps);
            }
            due
        };
        (1..=steps).filter(due).collect()
    }

    #[test]
    fn a_short_run_has_a_frame_a_step() {
        assert_eq!(frames(5), [1, 2, 3, 4]);
        assert!(frames(1).is_empty());
    }

    #[test]
    fn a_long_run_has_a_hundred_frames_at_equal_distances() {
        let steps = frames(10_000);
        assert_eq!((steps.len(), steps[0]), (FRAMES - 1, 1));
        assert!(steps.windows(2).all(|two| (100..=102).contains(&(two[1] - two[0]))), "{steps:?}");
        assert!((9800..10_000).contains(&steps[FRAMES - 2]));
    }

    #[test]
    fn a_frame_that_cannot_be_written_is_told_in_the_end_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.png");
        let animation = Animation::create(&path, 2, 2, DELAY).unwrap();
        let error = ImageError::NoPixels { width: 0, height: 0 };
        let mut frames = Frames { animation: Ok(Some(animation)), size: (2, 2), _scrap: None };
        let image = Image::new(1, 1, vec![0.5; 3]).unwrap();
        frames.push(&image, DELAY);
        assert_eq!(frames.animation.as_ref().unwrap().as_ref().unwrap().frames(), 1);
        frames.animation = Err(error);
        frames.push(&image, DELAY);
        assert!(frames.animation.is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
