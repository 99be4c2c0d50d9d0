//! A run from its settings to its outcome.

use std::time::Instant;

use burn::tensor::Tensor;
use style_image::{Filter, Image};

use super::descent::{Descended, Descent};
use super::ladder::{Extent, Scale};
use super::lost::notice_loss;
use super::measure::ssim_with;
use super::outcome::ScaleRun;
use super::recorder::{Recorder, health};
use super::resume::{Before, Origin, go_on, take_up};
use super::step::Progress;
use super::targets::{Sources, Targets};
use super::task::Prepared;
use super::{Colour, Outcome, Settings, Start, StyleTransfer, Task, Times, start};
use crate::checkpoint::Checkpoint;
use crate::convert::{image_to_tensor, resample, tensor_to_image};
use crate::memory::peak_memory;
use crate::optimizer::Resumable;
use crate::{Error, Metrics, Term};

/// How a tensor of this run becomes the picture that is given out.
#[derive(Debug, Default)]
pub(super) struct Finish {
    /// The content whose chroma is put back, at the size of the result.
    chroma: Option<Image>,
}

impl Finish {
    fn new(prepared: &Prepared<'_>) -> Result<Self, Error> {
        let (width, height) = prepared.extent;
        let chroma = prepared.content.filter(|_| prepared.settings.colour == Colour::Luminance);
        Ok(Self { chroma: chroma.map(|content| content.resized(width, height)).transpose()? })
    }

    /// The picture that is given out for an iterate.
    pub(super) fn picture(&self, image: Tensor<4>) -> Result<Image, Error> {
        self.finished(tensor_to_image(image)?)
    }

    /// The same for a picture that is in host memory already.
    pub(super) fn finished(&self, image: Image) -> Result<Image, Error> {
        let Some(chroma) = &self.chroma else { return Ok(image) };
        Ok(chroma.resized(image.width(), image.height())?.with_luminance_of(&image)?)
    }
}

/// What a run knows about itself on its way.
pub(super) struct Course<'a> {
    pub(super) finish: &'a Finish,
    pub(super) recorder: Recorder,
    /// How often it went back to its best picture.
    pub(super) recoveries: usize,
    pub(super) times: Times,
}

/// A picture with the scale that it was made at.
struct Made {
    image: Tensor<4>,
    targets: Targets,
    scales: Vec<ScaleRun>,
    stopped: bool,
}

/// The same in host memory, measured.
struct Concluded {
    image: Image,
    terms: Vec<Term>,
    scales: Vec<ScaleRun>,
    metrics: Metrics,
    stopped: bool,
}

impl StyleTransfer<'_> {
    /// Does a task, as [`run`](Self::run), [`reconstruct`](Self::reconstruct) and [`texture`](Self::texture) do.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn perform(mut self, task: Task<'_>) -> Result<Outcome, Error> {
        let clock = Instant::now();
        let styles = std::mem::take(&mut self.styles);
        let prepared = self.prepare(&styles, task)?;
        let origin = Origin::new(&prepared, task, self.start_image);
        let checkpoint = self.checkpoint.take();
        if let Some(checkpoint) = &checkpoint {
            origin.check(checkpoint)?;
        }
        let finish = Finish::new(&prepared)?;
        let times = Times { preparation: clock.elapsed().as_secs_f64(), ..Times::default() };

        let mut course = Course { finish: &finish, recorder: Recorder::new(), recoveries: 0, times };
        let work = |course: &mut Course<'_>| {
            let sources = prepared.sources();
            let made = self.climb(&sources, &origin, course, checkpoint)?;
            conclude(made, &sources, prepared.extent, course)
        };
        let concluded = notice_loss(prepared.vgg.is_far(), &mut course, work)?;
        let Course { recorder, recoveries, times, .. } = course;
        Ok(Outcome {
            image: concluded.image,
            terms: concluded.terms,
            history: recorder.history,
            seconds: recorder.seconds,
            scales: concluded.scales,
            metrics: concluded.metrics,
            times,
            stopped: concluded.stopped,
            recoveries,
            peak_memory: peak_memory(),
            settings: prepared.settings,
        })
    }

    /// All scales, from coarse to fine.
    fn climb(
        &mut self,
        sources: &Sources<'_>,
        origin: &Origin<'_>,
        course: &mut Course<'_>,
        mut checkpoint: Option<Checkpoint>,
    ) -> Result<Made, Error> {
        let (settings, scales) = (sources.settings, origin.scales());
        let mut optimizer = settings.optimizer.begin();
        let mut progress = Progress::new(settings, scales, course.finish);
        let (mut runs, mut made): (Vec<ScaleRun>, Option<(Tensor<4>, Targets, bool)>) = (Vec::new(), None);
        for (index, scale) in scales.iter().enumerate() {
            let (clock, steps) = (Instant::now(), settings.steps_at(index, scales.len()));
            if checkpoint.as_ref().is_some_and(|checkpoint| index < checkpoint.position().scale) {
                progress.leave(steps, scale.extent);
                continue;
            }
            // The checkpoint goes before the buffers come.
            let taken_up = checkpoint.take().map(|checkpoint| {
                runs.clone_from(&checkpoint.position().scales);
                take_up(&checkpoint, sources, optimizer.as_mut(), course)
            });
            let taken_up = taken_up.transpose()?;
            let content = sources.content_at(scale)?;
            let targets = sources.targets(scale, content.as_ref())?;
            let (first, from) = match (taken_up, made.take()) {
                (Some(from), _) => (go_on(&targets.objective, &course.recorder)?, from),
                (None, made) => {
                    let image = self.first_of_scale(made, content, scale, sources, optimizer.as_mut())?;
                    (course.recorder.history.len(), image.into())
                }
            };
            course.times.preparation += clock.elapsed().as_secs_f64();

            let clock = Instant::now();
            progress.enter(index, scale.extent);
            let before = Before { origin, scales: &runs, times: course.times, clock };
            let descent = Descent {
                vgg: sources.vgg,
                settings,
                objective: &targets.objective,
                optimizer: optimizer.as_mut(),
                recorder: &mut course.recorder,
                observer: self.observer.as_deref_mut().map(|observer| observer as _),
                cancel: self.cancel.as_ref(),
                progress,
                recoveries: &mut course.recoveries,
                before,
            };
            let Descended { image, average, stopped } = descent.run(from, steps)?;
            course.times.steps += clock.elapsed().as_secs_f64();
            progress.leave(steps, scale.extent);
            let (width, height) = scale.extent;
            runs.push(ScaleRun { width, height, first, steps: course.recorder.steps_of_scale() });
            made = Some((average.unwrap_or(image).clamp(0.0, 1.0), targets, stopped));
            if stopped {
                break;
            }
        }
        let nothing = || Error::setting("steps", "no scale", "at least one");
        let (image, targets, stopped) = made.ok_or_else(nothing)?;
        Ok(Made { image, targets, scales: runs, stopped })
    }

    /// The first picture of a scale: the last scale's result enlarged, or where the run starts.
    fn first_of_scale(
        &self,
        made: Option<(Tensor<4>, Targets, bool)>,
        content: Option<Image>,
        scale: &Scale,
        sources: &Sources<'_>,
        optimizer: &mut dyn Resumable,
    ) -> Result<Tensor<4>, Error> {
        let Some((image, ..)) = made else {
            let first = self.first_picture(content.as_ref(), scale, sources.settings)?;
            return Ok(image_to_tensor(&first, sources.vgg.device()));
        };
        let size = [scale.extent.1, scale.extent.0];
        optimizer.resize(size)?;
        Ok(resample(image, size, Filter::Bicubic)?.clamp(0.0, 1.0))
    }

    /// Where the optimisation starts, at the size of a scale.
    fn first_picture(
        &self,
        content: Option<&Image>,
        scale: &Scale,
        settings: &Settings,
    ) -> Result<Image, Error> {
        let (width, height) = scale.extent;
        if let Some(image) = self.start_image {
            let image = image.resized(width, height)?;
            return Ok(if settings.colour == Colour::Luminance { image.grey()? } else { image });
        }
        match (settings.start.unwrap_or(Start::Noise), content) {
            (Start::Content, Some(content)) => Ok(content.clone()),
            (Start::Content, None) => {
                Err(Error::setting("start", "the content, and there is none", "noise or a picture"))
            }
            (Start::Noise, _) => {
                let noise = start::noise(width, height, settings.seed)?;
                Ok(if settings.colour == Colour::Luminance { noise.grey()? } else { noise })
            }
        }
    }
}

/// Measures the picture that was made, and brings it to the host.
fn conclude(
    made: Made,
    sources: &Sources<'_>,
    extent: Extent,
    course: &mut Course<'_>,
) -> Result<Concluded, Error> {
    let clock = Instant::now();
    let made = end_with_finite(made, sources, course)?;
    let last = made.targets.metrics(sources.vgg, made.image.clone())?;
    let image = resample(made.image, [extent.1, extent.0], Filter::Bicubic)?;
    let image = course.finish.picture(image)?;
    let metrics = Metrics { ssim: ssim_with(sources.content, &image)?, ..last };
    course.times.finish = clock.elapsed().as_secs_f64();
    let terms = made.targets.objective.terms();
    Ok(Concluded { image, terms, scales: made.scales, metrics, stopped: made.stopped })
}

/// Measures the picture that was made; if its loss is not finite, the best one before it takes its place.
fn end_with_finite(mut made: Made, sources: &Sources<'_>, course: &mut Course<'_>) -> Result<Made, Error> {
    let recorder = &mut course.recorder;
    for attempt in 0..2 {
        let losses = made.targets.objective.losses(sources.vgg, made.image.clone())?;
        recorder.push(losses, health(&made.image, &made.image), &made.image);
        let Some(broken) = recorder.read(false)? else { break };
        match recorder.best() {
            Some(best) if attempt == 0 => made.image = best.clamp(0.0, 1.0),
            best => {
                let best = best.and_then(|best| course.finish.picture(best).ok()).map(Box::new);
                let step = recorder.history.len() + 1;
                return Err(Error::Diverged { step, loss: broken.loss, best });
            }
        }
    }
    Ok(made)
}
