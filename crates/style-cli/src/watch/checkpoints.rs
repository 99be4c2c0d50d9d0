//! The state of a run on disk, so that it can go on: at every scale, every so often, and when it is interrupted. At
//! every scale the picture so far is there to be looked at too, `NAME.partial.png`.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use style_transfer::{Checkpoint, Error, Step};

use super::{Begin, End, Watcher, Watchers};
use crate::failure::{Exit, Failure, Result};
use crate::job::Job;
use crate::journey::Journey;
use crate::outputs::PARTIAL;
use crate::places;
use crate::terminal::say;

/// Seconds between checkpoints when nothing else is asked.
const EVERY: u64 = 60;

pub(super) fn add_to(watchers: &mut Watchers<'_>, job: &Job<'_>) -> Result<()> {
    let keeping = &job.arguments.keeping;
    let Some(picture) = job.output.path().filter(|_| !keeping.no_checkpoints) else { return Ok(()) };
    watchers.add(Checkpoints {
        picture: picture.to_owned(),
        partial: job.output.beside(PARTIAL),
        about: Journey::new(&job.settled.recipe, job.arguments).to_json()?,
        every: Duration::from_secs(keeping.checkpoint_every.unwrap_or(EVERY)),
        keep: keeping.keep_checkpoints,
        last: Instant::now(),
        borders: Vec::new(),
        failing: false,
    });
    Ok(())
}

struct Checkpoints {
    picture: PathBuf,
    /// Where the picture so far is shown at the end of every scale.
    partial: Option<PathBuf>,
    /// What every one of them says of its run.
    about: String,
    every: Duration,
    keep: bool,
    last: Instant,
    /// Steps after which a scale is done, but for the last.
    borders: Vec<usize>,
    /// Whether the last one could not be written.
    failing: bool,
}

impl Watcher for Checkpoints {
    fn begin(&mut self, begin: &Begin<'_>) -> Result<()> {
        let mut done = 0;
        self.borders = begin.plan.scales.iter().map(|scale| (done += scale.steps, done).1).collect();
        self.borders.pop();
        self.last = Instant::now();
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        let due = self.last.elapsed() >= self.every && step.index < step.steps;
        if due || self.borders.contains(&step.index) {
            match self.write(&step.checkpoint()) {
                Ok(()) => self.failing = false,
                // The result may still find room: a run does not end because it could not be interrupted.
                Err(failure) if !self.failing => {
                    self.failing = true;
                    say(format!("warning: {}; the run goes on without", failure.message));
                }
                Err(_) => {}
            }
            self.last = Instant::now();
        }
        if let Some(partial) = self.partial.as_ref().filter(|_| self.borders.contains(&step.index)) {
            // As for the checkpoint; what cannot be written here is told where the result cannot.
            let _ = step.image()?.save(partial);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn interrupted(&mut self, step: &Step<'_>) -> Result<()> {
        self.write(&step.checkpoint())
    }

    fn end(&mut self, end: &End<'_>) -> Result<()> {
        if !matches!(end, End::Done(_)) {
            return Ok(());
        }
        // What stays is no harm: a checkpoint goes on to the same picture.
        if let Some(partial) = &self.partial {
            let _ = fs::remove_file(partial);
        }
        for place in places::checkpoints(&self.picture).iter().filter(|_| !self.keep) {
            let _ = fs::remove_file(place);
        }
        Ok(())
    }
}

impl Checkpoints {
    fn write(&self, checkpoint: &Checkpoint) -> Result<()> {
        write(&self.picture, &checkpoint.clone().with_about(self.about.as_str()))
    }
}

/// Puts a checkpoint beside its picture and keeps the one before it. At any moment there is one of them, whole.
fn write(picture: &Path, checkpoint: &Checkpoint) -> Result<()> {
    let new = places::unfinished(picture);
    let [last, previous] = places::checkpoints(picture);
    let attempt = || -> std::result::Result<(), Error> {
        let failed = Error::CheckpointWrite;
        let mut file = BufWriter::new(File::create(&new).map_err(failed)?);
        checkpoint.write_to(&mut file)?;
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(failed)?;
        drop(file);
        match fs::rename(&last, &previous) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        fs::rename(&new, &last).and_then(|()| sync_folder(&last)).map_err(failed)
    };
    attempt().map_err(|error| {
        let _ = fs::remove_file(&new);
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
