//! Pictures of a run on its way.

use std::path::PathBuf;

use serde_json::{Value, json};
use style_transfer::{Outcome, Step, write_atomically};

use super::Result;

/// Writes the picture now and then, and a list of all with their seconds.
pub(crate) struct Snapshots {
    folder: Option<PathBuf>,
    every: usize,
    taken: Vec<Value>,
    failed: Option<String>,
}

impl Snapshots {
    /// Into `folder`; without one nothing is written.
    pub(crate) fn new(folder: Option<&PathBuf>, every: usize) -> Result<Self> {
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
        }
        Ok(Self { folder: folder.cloned(), every: every.max(1), taken: Vec::new(), failed: None })
    }

    /// Writes the picture of a step, if it is time to.
    pub(crate) fn take(&mut self, step: &Step<'_>) {
        if self.folder.is_none() || !step.index.is_multiple_of(self.every) {
            return;
        }
        let picture = step.image().map_err(|error| error.to_string());
        if let Err(error) = picture.and_then(|picture| {
            self.write(step.index, step.scale, step.elapsed.as_secs_f64(), &picture)
                .map_err(|error| error.to_string())
        }) {
            self.failed.get_or_insert(error);
        }
    }

    fn write(
        &mut self,
        step: usize,
        scale: usize,
        seconds: f64,
        picture: &style_transfer::Image,
    ) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let file = format!("{step:04}.png");
        picture.save(folder.join(&file))?;
        self.taken.push(json!({ "step": step, "scale": scale, "seconds": seconds, "file": file }));
        Ok(())
    }

    /// Writes the result and the list.
    pub(crate) fn finish(mut self, outcome: &Outcome) -> Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(format!("a snapshot could not be written: {error}").into());
        }
        let seconds = outcome.seconds().last().copied().unwrap_or_default();
        self.write(outcome.steps() + 1, outcome.scales().len(), seconds, outcome.image())?;
        let Some(folder) = &self.folder else { return Ok(()) };
        Ok(write_atomically(folder.join("snapshots.json"), &serde_json::to_vec_pretty(&self.taken)?)?)
    }
}
