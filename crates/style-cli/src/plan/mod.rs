//! What a run will be, said in one line before its first step, or why it cannot be.

mod calibration;
mod limits;
mod told;
mod tuning;

pub(crate) use limits::check;
pub(crate) use told::Told;
pub(crate) use tuning::warning;

use std::sync::OnceLock;

use style_transfer::{Memory, Optimizer, Plan, StyleTransfer, resident_memory};

use crate::failure::Result;
use crate::job::Job;
use crate::terminal::{self, bytes, duration};

/// What the program itself takes, with the pictures and the network as they were opened: what it had when this
/// was first asked, bytes: before anything is computed with the network.
pub(crate) fn base() -> usize {
    static BASE: OnceLock<usize> = OnceLock::new();
    *BASE.get_or_init(|| resident_memory().map_or(0, |bytes| bytes as usize))
}

/// All that the program will take in a run, bytes: the library's forecast is of what comes on top.
fn with_base(memory: &Memory) -> usize {
    base() + memory.total()
}

/// The share of a plan's work that its first steps are.
fn share(plan: &Plan, mut steps: usize) -> f64 {
    let mut work = 0;
    for scale in &plan.scales {
        let here = steps.min(scale.steps);
        work += (scale.width * scale.height * here) as u64;
        steps -= here;
    }
    work as f64 / plan.work().max(1) as f64
}

/// A run that can begin.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    /// How long it will take; `None` where nobody can know before the first steps.
    pub(crate) seconds: Option<f64>,
}

impl Planned {
    /// Checks a run, and tries a few steps of a small one to see how fast this machine is.
    pub(crate) fn of(job: &Job<'_>) -> Result<Self> {
        let plan = check(job)?;
        if let Some(earlier) = &job.earlier {
            // One of another run is refused before anything is tried or said.
            let transfer = StyleTransfer::new(&job.machine.vgg).settings(job.settled.settings.clone());
            job.inputs.furnish(transfer).resume_from(&earlier.checkpoint).plan(job.task())?;
        }
        Ok(Self::timed(job, plan))
    }

    /// Tries a few steps for a plan that was checked.
    pub(crate) fn timed(job: &Job<'_>, plan: Plan) -> Self {
        let left = 1.0 - job.earlier.as_ref().map_or(0.0, |earlier| share(&plan, earlier.step()));
        let seconds = calibration::seconds(job, &plan).map(|seconds| seconds * left);
        Self { plan, seconds }
    }

    /// `320 x 213 px in 3 scales (160, 226, 320), 100 steps of L-BFGS on flex (2 threads): about 14 s, 190 MB of memory`
    pub(crate) fn line(&self, job: &Job<'_>) -> String {
        let Plan { width, height, scales, .. } = &self.plan;
        let sizes: Vec<_> = scales.iter().map(|scale| scale.width.max(scale.height).to_string()).collect();
        let scales = match sizes.len() {
            1 => "one scale".to_owned(),
            several => format!("{several} scales ({})", sizes.join(", ")),
        };
        let optimizer = match job.settled.settings.optimizer {
            Optimizer::Adam { .. } => "Adam",
            Optimizer::Lbfgs { .. } => "L-BFGS",
        };
        let steps = match &job.earlier {
            Some(earlier) => {
                format!("{} of {} steps", self.plan.steps().saturating_sub(earlier.step()), self.plan.steps())
            }
            None => terminal::steps(self.plan.steps()),
        };
        let time = match self.seconds {
            Some(seconds) => format!("about {}", duration(seconds)),
            None => "time unknown before the first steps".to_owned(),
        };
        format!(
            "{width} x {height} px in {scales}, {steps} of {optimizer} on {}: {time}{}",
            job.machine.name(),
            self.memory()
        )
    }

    fn memory(&self) -> String {
        match (self.plan.memory, self.plan.available) {
            (Some(memory), Some(available)) => {
                format!(", {} of memory, {} available", bytes(with_base(&memory)), bytes(available))
            }
            (Some(memory), None) => format!(", {} of memory", bytes(with_base(&memory))),
            (None, _) => String::new(),
        }
    }
}
