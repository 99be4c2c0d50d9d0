//! From a run to a checkpoint, and back.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use burn::tensor::Tensor;
use style_image::Image;

use super::descent::Beginning;
use super::ladder::Scale;
use super::recorder::{Recorder, check_times};
use super::run::Course;
use super::step::Progress;
use super::targets::Sources;
use super::task::Prepared;
use super::{Losses, ScaleRun, Task, Times};
use crate::checkpoint::{Checkpoint, Identity, Kept, Mark, Position, of_picture};
use crate::optimizer::{Average, Resumable};
use crate::{Error, Objective};

/// Names in the file.
const IMAGE: &str = "image";
const TIMES: &str = "times";

/// The run that a checkpoint belongs to.
pub(super) struct Origin<'p> {
    prepared: &'p Prepared<'p>,
    task: Task<'p>,
    start: Option<&'p Image>,
    /// Found when it is first needed, which takes a look at every pixel and weight.
    identity: OnceCell<Arc<Identity>>,
}

impl<'p> Origin<'p> {
    pub(super) const fn new(prepared: &'p Prepared<'p>, task: Task<'p>, start: Option<&'p Image>) -> Self {
        Self { prepared, task, start, identity: OnceCell::new() }
    }

    pub(super) fn identity(&self) -> Arc<Identity> {
        Arc::clone(self.identity.get_or_init(|| Arc::new(self.look())))
    }

    fn look(&self) -> Identity {
        let Prepared { vgg, settings, content, styles, .. } = self.prepared;
        let task = match self.task {
            Task::Transfer(_) => "a transfer".to_owned(),
            Task::Reconstruct(_) => "a reconstruction".to_owned(),
            Task::Texture { width, height } => format!("a texture of {width} x {height} px"),
        };
        let kernel = format!("{:?}", vgg.kernel()).to_lowercase();
        let mut marks = vec![
            Mark::new("the task", task),
            Mark::new("the network", vgg.identity()),
            Mark::new("the kernel", kernel),
            Mark::new("the version of the library", env!("CARGO_PKG_VERSION")),
        ];
        marks.extend(content.map(|content| Mark::new("the content picture", of_picture(content))));
        marks.extend(self.start.map(|start| Mark::new("the start picture", of_picture(start))));
        marks.push(Mark::new("the number of styles", styles.len()));
        marks.extend(styles.iter().enumerate().flat_map(|(index, style)| style.marks(index + 1)));
        Identity::new(settings.clone(), marks)
    }

    pub(super) fn scales(&self) -> &[Scale] {
        &self.prepared.scales
    }

    /// Refuses a checkpoint of another run, or one that has come to where this run never is.
    pub(super) fn check(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        self.identity().check(checkpoint.identity())?;
        let Prepared { settings, scales, .. } = self.prepared;
        let Position { scale, index, step, steps, size, scales: before, .. } = checkpoint.position();
        let planned = |scale: usize| settings.steps_at(scale, scales.len());
        let is_there = scales.get(*scale).is_some_and(|at| at.extent == *size)
            && *index <= planned(*scale)
            && *step == (0..*scale).map(planned).sum::<usize>() + index
            && *steps == (0..scales.len()).map(planned).sum::<usize>()
            && before.iter().zip(scales).all(|(run, at)| (run.width, run.height) == at.extent);
        if is_there {
            return Ok(());
        }
        let (width, height) = size;
        let reason = format!("this run has no step {step} of {steps} at {width} x {height} px");
        Err(Error::Checkpoint { reason })
    }
}

/// What a scale knows of the run before it.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) origin: &'a Origin<'a>,
    pub(super) scales: &'a [ScaleRun],
    /// Without the steps of this scale.
    pub(super) times: Times,
    /// Since this scale's steps began.
    pub(super) clock: Instant,
}

/// A run after a step.
#[derive(Clone, Copy)]
pub(super) struct Present<'a> {
    /// The last iterate.
    pub(super) image: &'a Tensor<4>,
    pub(super) average: Option<&'a Average>,
    pub(super) optimizer: &'a dyn Resumable,
    pub(super) recorder: &'a Recorder,
    pub(super) recoveries: usize,
    pub(super) before: Before<'a>,
}

impl fmt::Debug for Present<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Present").field("recoveries", &self.recoveries).finish_non_exhaustive()
    }
}

impl Present<'_> {
    /// After a step of that index, from 1, of the scale that `progress` has come to.
    pub(super) fn checkpoint(&self, progress: &Progress<'_>, index: usize, losses: &Losses) -> Checkpoint {
        let Self { image, average, optimizer, recorder, recoveries, before } = *self;
        let mut kept = Kept::default();
        kept.put(IMAGE, image);
        if let Some(average) = average {
            average.keep(&mut kept);
        }
        optimizer.keep(&mut kept);
        recorder.keep(&mut kept);
        let Times { preparation, steps, .. } = before.times;
        kept.put_numbers(TIMES, [preparation, steps + before.clock.elapsed().as_secs_f64()]);
        let (first, best) = recorder.places();
        let position = Position {
            scale: progress.scale - 1,
            index,
            step: progress.steps_before + index,
            steps: progress.steps,
            size: progress.size,
            first,
            best,
            recoveries,
            scales: before.scales.to_vec(),
            losses: losses.clone(),
        };
        position.keep(&mut kept);
        Checkpoint::new(before.origin.identity(), position, kept)
    }
}

/// Puts a checkpoint's state in the place of a run's at the beginning of its scale; answers where the scale goes on.
pub(super) fn take_up(
    checkpoint: &Checkpoint,
    sources: &Sources<'_>,
    optimizer: &mut dyn Resumable,
    course: &mut Course<'_>,
) -> Result<Beginning, Error> {
    let (settings, device) = (sources.settings, sources.vgg.device());
    let (position, kept) = (checkpoint.position(), checkpoint.kept());
    let (width, height) = position.size;
    let shape = [1, 3, height, width];
    let image = kept.tensor(IMAGE, shape, device)?;
    optimizer.restore(kept, shape, device)?;
    course.recorder.restore(position, kept, shape, device)?;
    course.recoveries = position.recoveries;
    let [preparation, steps] = kept.array(TIMES)?;
    check_times([preparation, steps].iter())?;
    course.times.preparation += preparation;
    course.times.steps += steps;
    let average = (settings.averaging > 0.0).then(|| {
        let mut average = Average::new(settings.averaging)?;
        average.restore(kept, shape, device)?;
        Ok::<_, Error>(average)
    });
    Ok(Beginning { image, average: average.transpose()?, done: position.index })
}

/// Tells the objective of a scale taken up where it is; answers where the scale's losses begin in the history.
pub(super) fn go_on(objective: &Objective, recorder: &Recorder) -> Result<usize, Error> {
    let (found, expected) = (recorder.last()?.0.len(), objective.terms().len());
    if found != expected {
        let reason = format!("its losses have {found} terms, those of this run {expected}");
        return Err(Error::Checkpoint { reason });
    }
    // Where no step is left, the result is still to be measured as after the last one.
    objective.begin_step(recorder.step as u64);
    Ok(recorder.places().0)
}
