//! A plan as programs are told it.

use serde::Serialize;
use style_transfer::{Memory, Plan, PlannedScale};

use super::{base, with_base};

/// What the library plans, with what the program takes besides.
#[derive(Serialize)]
pub(crate) struct Told<'a> {
    width: usize,
    height: usize,
    scales: &'a [PlannedScale],
    memory: Option<Whole>,
    available: Option<usize>,
}

/// Memory of the whole program, bytes.
#[derive(Serialize)]
struct Whole {
    /// The most there is at one time, as the plan line says it.
    total: usize,
    /// The program itself, with its pictures and the network as they were opened.
    program: usize,
    #[serde(flatten)]
    run: Memory,
}

impl<'a> From<&'a Plan> for Told<'a> {
    fn from(plan: &'a Plan) -> Self {
        let memory = plan.memory.map(|run| Whole { total: with_base(&run), program: base(), run });
        Self {
            width: plan.width,
            height: plan.height,
            scales: &plan.scales,
            memory,
            available: plan.available,
        }
    }
}
