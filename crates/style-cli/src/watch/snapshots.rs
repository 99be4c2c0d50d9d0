//! The picture so far, written now and then (`--save-every`).

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use style_transfer::{PictureFormat, Step};

use super::{Begin, Watcher, Watchers};
use crate::arguments::RunArguments;
use crate::failure::{Failure, Result};
use crate::inputs;
use crate::job::Job;
use crate::outputs::{Output, check_place};
use crate::places::{snapshot, step_of_snapshot};
use crate::terminal::warn;
use crate::writing::{Writing, write_whole};

/// Refuses to write beside what is no file.
pub(super) fn check(arguments: &RunArguments, output: &Output) -> Result<()> {
    if arguments.output.save_every.is_none() || output.path().is_some() {
        return Ok(());
    }
    Err(Failure::usage("--save-every needs a file, and the picture goes to stdout")
        .help("name a file with -o"))
}

pub(super) fn add_to<'a>(watchers: &mut Watchers<'a>, job: &Job<'a>) {
    let Some((every, output)) = job.arguments.output.save_every.zip(job.output.path()) else { return };
    watchers.add(Snapshots {
        every: every as usize,
        output: output.to_owned(),
        inputs: inputs::paths(&job.settled.recipe),
        replaces: job.arguments.output.force || job.earlier.is_some(),
        writing: job.writing(),
        format: job.output.format(),
    });
}

struct Snapshots<'a> {
    every: usize,
    output: PathBuf,
    inputs: Vec<&'a Path>,
    /// Whether what is there may go: as somebody said so, or as the first part of the run has written it.
    replaces: bool,
    writing: Writing<'a>,
    format: PictureFormat,
}

impl Snapshots<'_> {
    fn is_due(&self, step: usize, steps: usize) -> bool {
        step.is_multiple_of(self.every) && step < steps
    }
}

impl Watcher for Snapshots<'_> {
    /// Refuses to replace what is there before the first step.
    fn begin(&mut self, begin: &Begin<'_>) -> Result<()> {
        let folder = self.output.parent().filter(|folder| !folder.as_os_str().is_empty());
        // A folder that cannot be listed may still be written to.
        let Ok(entries) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else { return Ok(()) };
        let steps = begin.plan.steps();
        let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
        let mut there: Vec<_> = names
            .filter_map(|name| step_of_snapshot(&self.output, &name))
            .filter(|&step| step > begin.done && self.is_due(step, steps))
            .collect();
        there.sort_unstable();
        there
            .into_iter()
            .try_for_each(|step| check_place(&snapshot(&self.output, step), self.replaces, &self.inputs))
    }

    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        if self.is_due(step.index, step.steps) {
            let place = snapshot(&self.output, step.index);
            if let Err(failure) = check_place(&place, self.replaces, &[]) {
                // Somebody else's since the run began; that is no reason to end it.
                warn(format_args!("{}; the run goes on without", failure.message));
                return Ok(ControlFlow::Continue(()));
            }
            let bytes = self.writing.stopped_after(step.index).encode(&step.image()?, self.format)?;
            write_whole(&place, &bytes)?;
        }
        Ok(ControlFlow::Continue(()))
    }
}
