//! The picture so far, written now and then (`--save-every`).

use std::ops::ControlFlow;
use std::path::PathBuf;

use style_transfer::Step;

use super::{Watcher, Watchers};
use crate::failure::{Failure, Result};
use crate::job::Job;

pub(super) fn add_to(watchers: &mut Watchers<'_>, job: &Job<'_>) -> Result<()> {
    let Some(every) = job.arguments.output.save_every else { return Ok(()) };
    let Some(output) = job.output.path() else {
        return Err(Failure::usage("--save-every needs a file, and the picture goes to stdout")
            .help("name a file with -o"));
    };
    watchers.add(Snapshots { every, output: output.to_owned() });
    Ok(())
}

struct Snapshots {
    every: u64,
    output: PathBuf,
}

impl Watcher for Snapshots {
    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        if (step.index as u64).is_multiple_of(self.every) && step.index < step.steps {
            let extension = self.output.extension().unwrap_or_default().to_string_lossy();
            let path = self.output.with_extension(format!("{:04}.{extension}", step.index));
            step.image()?.save(path)?;
        }
        Ok(ControlFlow::Continue(()))
    }
}
