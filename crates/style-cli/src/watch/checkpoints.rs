//! The state of a run on disk, so that it can go on: at every scale, every so often, and when it is interrupted. At
//! every scale the picture so far is there to be looked at too, `NAME.partial.png`.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use style_transfer::{Checkpoint, Error, PictureFormat, Step};

use super::{Begin, End, Watcher, Watchers};
use crate::failure::{Exit, Failure, Result};
use crate::job::Job;
use crate::journey::Journey;
use crate::places::{self, PARTIAL};
use crate::scraps::Scrap;
use crate::terminal::warn;
use crate::writing::{Writing, write_whole};

/// Seconds between checkpoints when nothing else is asked.
const EVERY: u64 = 60;

pub(super) fn add_to<'a>(watchers: &mut Watchers<'a>, job: &Job<'a>) -> Result<()> {
    let keeping = &job.arguments.keeping;
    let Some(picture) = job.output.path().filter(|_| !keeping.no_checkpoints) else { return Ok(()) };
    let [last, _] = places::checkpoints(picture);
    let went_on_with = job.earlier.as_ref().map(|earlier| places::place_of(&earlier.place));
    watchers.add(Checkpoints {
        picture: picture.to_owned(),
        partial: job.output.beside(PARTIAL),
        writing: job.writing(),
        format: job.output.format(),
        about: Journey::new(&job.settled.recipe, job.arguments).to_json()?,
        every: Duration::from_secs(keeping.checkpoint_every.unwrap_or(EVERY)),
        keep: keeping.keep_checkpoints,
        wrote: Instant::now(),
        borders: Vec::new(),
        failing: false,
        has_good: went_on_with == Some(places::place_of(&last)),
        step: None,
    });
    Ok(())
}

struct Checkpoints<'a> {
    picture: PathBuf,
    /// Where the picture so far is shown at the end of every scale.
    partial: Option<PathBuf>,
    writing: Writing<'a>,
    format: PictureFormat,
    /// What every one of them says of its run.
    about: String,
    every: Duration,
    keep: bool,
    /// When the last one was written.
    wrote: Instant,
    /// Steps after which a scale is done, but for the last.
    borders: Vec<usize>,
    /// Whether the last one could not be written.
    failing: bool,
    /// Whether the last one on the disk is known to be whole and of this run; else it takes the place of none before it.
    has_good: bool,
    /// The step of the last one that was written.
    step: Option<usize>,
}

impl Watcher for Checkpoints<'_> {
    fn begin(&mut self, begin: &Begin<'_>) -> Result<()> {
        let mut done = 0;
        self.borders = begin.plan.scales.iter().map(|scale| (done += scale.steps, done).1).collect();
        self.borders.pop();
        self.wrote = Instant::now();
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        let due = self.wrote.elapsed() >= self.every && step.index < step.steps;
        if due || self.borders.contains(&step.index) {
            match self.write(step) {
                Ok(()) => self.failing = false,
                // The result may still find room: a run does not end because it could not be interrupted.
                Err(failure) if !self.failing => {
                    self.failing = true;
                    warn(format_args!("{}; the run goes on without", failure.message));
                }
                Err(_) => {}
            }
            self.wrote = Instant::now();
        }
        if let Some(partial) = self.partial.as_ref().filter(|_| self.borders.contains(&step.index)) {
            // As for the checkpoint; what cannot be written here is told where the result cannot.
            let bytes = self.writing.stopped_after(step.index).encode(&step.image()?, self.format)?;
            let _ = write_whole(partial, &bytes);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn interrupted(&mut self, step: &Step<'_>) -> Result<()> {
        // Once more would put it in the place of the one before it.
        if self.step == Some(step.index) { Ok(()) } else { self.write(step) }
    }

    fn end(&mut self, end: &End<'_>) -> Result<()> {
        if !matches!(end, End::Done(_)) {
            return Ok(());
        }
        // What stays is no harm: a checkpoint goes on to the same picture.
        if let Some(partial) = &self.partial {
            let _ = fs::remove_file(partial);
        }
        // Left by a run that was killed while it wrote.
        let _ = fs::remove_file(places::unfinished(&self.picture));
        for place in places::checkpoints(&self.picture).iter().filter(|_| !self.keep) {
            let _ = fs::remove_file(place);
        }
        Ok(())
    }
}

impl Checkpoints<'_> {
    fn write(&mut self, step: &Step<'_>) -> Result<()> {
        let checkpoint = step.checkpoint().with_about(self.about.as_str());
        write(&self.picture, &checkpoint, self.has_good)?;
        (self.has_good, self.step) = (true, Some(step.index));
        Ok(())
    }
}

/// Puts a checkpoint beside its picture, and keeps the one before it where that is good. At any moment there is one of them,
/// whole.
fn write(picture: &Path, checkpoint: &Checkpoint, keeps_last: bool) -> Result<()> {
    let new = &places::unfinished(picture);
    let _scrap = Scrap::file(new);
    let [last, previous] = places::checkpoints(picture);
    let attempt = || -> std::result::Result<(), Error> {
        let failed = Error::CheckpointWrite;
        let mut file = BufWriter::new(File::create(new).map_err(failed)?);
        checkpoint.write_to(&mut file)?;
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(failed)?;
        drop(file);
        if keeps_last {
            match fs::rename(&last, &previous) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        fs::rename(new, &last).and_then(|()| sync_folder(&last)).map_err(failed)
    };
    attempt().map_err(|error| {
        let _ = fs::remove_file(new);
        let failure = Failure::from(error);
        let message = format!("{}: {}", last.display(), failure.message);
        Failure { exit: Exit::Output, message, ..failure }
    })
}

/// A rename is on the disk when its folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
