//! The picture so far, written now and then (`--save-every`).

use std::ops::ControlFlow;
use std::path::PathBuf;

use style_transfer::Step;

use super::{Watcher, Watchers};
use crate::failure::{Failure, Result};
use crate::job::Job;
use crate::outputs::check_place;

pub(super) fn add_to(watchers: &mut Watchers<'_>, job: &Job<'_>) -> Result<()> {
    let Some(every) = job.arguments.output.save_every else { return Ok(()) };
    let Some(output) = job.output.path() else {
        return Err(Failure::usage("--save-every needs a file, and the picture goes to stdout")
            .help("name a file with -o"));
    };
    let snapshots = Snapshots { every, output: output.to_owned() };
    check_place(&snapshots.path(every as usize), job.arguments.output.force, &[])?;
    watchers.add(snapshots);
    Ok(())
}

struct Snapshots {
    every: u64,
    output: PathBuf,
}

impl Snapshots {
    /// `NAME.0100.png` for step 100.
    fn path(&self, step: usize) -> PathBuf {
        let extension = self.output.extension().unwrap_or_default().to_string_lossy();
        self.output.with_extension(format!("{step:04}.{extension}"))
    }
}

impl Watcher for Snapshots {
    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        if (step.index as u64).is_multiple_of(self.every) && step.index < step.steps {
            step.image()?.save(self.path(step.index))?;
        }
        Ok(ControlFlow::Continue(()))
    }
}
