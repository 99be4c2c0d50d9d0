//! Progress for programs: every step, and the result with what was measured.

use std::ops::ControlFlow;
use std::path::Path;

use style_transfer::Step;

use super::{Begin, End, Watcher};
use crate::failure::Result;
use crate::terminal::{Event, Steps, tell_programs};

/// Tells of a run. How it failed is told at the end of the program.
#[derive(Default)]
pub(super) struct Json {
    steps: Steps,
    output: Option<String>,
}

impl Watcher for Json {
    fn begin(&mut self, begin: &Begin<'_>) -> Result<()> {
        self.output = begin.output.map(Path::display).map(|path| path.to_string());
        tell_programs(&Event::Begin {
            output: self.output.as_deref(),
            device: &begin.device.name,
            steps: begin.plan.steps(),
            done: begin.done,
            plan: begin.plan.into(),
        });
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        self.steps.tell(step);
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, end: &End<'_>) -> Result<()> {
        if let End::Done(outcome) = end {
            tell_programs(&Event::Saved {
                picture: self.output.as_deref(),
                steps: outcome.steps(),
                seconds: outcome.times().total(),
                metrics: outcome.metrics(),
                peak_memory: outcome.peak_memory(),
            });
        }
        Ok(())
    }
}
