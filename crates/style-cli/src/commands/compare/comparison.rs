//! The runs of a sheet, one after the other, and what became of them.

use std::path::Path;

use serde_json::{Value, json};
use style_transfer::Plan;

use super::candidate::{Candidate, Made, Opened};
use super::sheet::{Cell, Content, Sheet};
use crate::arguments::{ProgressKind, ShowingArguments};
use crate::failure::{Exit, Failure, Result};
use crate::machine::Machine;
use crate::signals;
use crate::terminal::{Event, Steps, Which, tell, tell_programs};

/// All runs of a sheet, checked.
pub(super) struct Comparison {
    pub(super) candidates: Vec<Candidate>,
    /// What each of them will be.
    pub(super) plans: Vec<Plan>,
    pub(super) opened: Opened,
    pub(super) machine: Machine,
    pub(super) sheet: Sheet,
    /// Longest side of a picture on the sheet, px.
    pub(super) cell: usize,
    pub(super) lines: Lines,
}

/// What is told of the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// A line of every picture, for people.
    Pictures,
    /// Everything, for programs.
    Events,
    /// Failures only.
    Failures,
}

impl Lines {
    pub(super) const fn of(showing: &ShowingArguments) -> Self {
        match (showing.progress, showing.quiet) {
            (Some(ProgressKind::Json), _) => Self::Events,
            (Some(ProgressKind::None), _) | (_, true) => Self::Failures,
            _ => Self::Pictures,
        }
    }
}

/// What became of each run; `None` of one that was not begun.
pub(super) type Results = Vec<Option<Result<Made>>>;

impl Comparison {
    /// Every run in turn, until a signal comes or the device is gone.
    pub(super) fn run(&mut self) -> Results {
        let all = self.candidates.len();
        let mut results = Results::new();
        for (number, candidate) in self.candidates.iter().enumerate() {
            if signals::came().is_some() {
                break;
            }
            self.tell_begin(number, candidate);
            let inputs = self.opened.of(&candidate.settled.recipe);
            let mut steps = (self.lines == Lines::Events).then(Steps::default);
            let result = candidate.make(inputs, &self.machine, self.cell, steps.as_mut());
            if signals::came().is_some() {
                break; // it is not what it would have become
            }
            self.tell_result(number, candidate, &result);
            let over = result.as_ref().is_err_and(|failure| failure.exit == Exit::Device);
            results.push(Some(result));
            if over {
                break; // and would be for every other one
            }
        }
        results.resize_with(all, || None);
        results
    }

    fn tell_begin(&self, number: usize, candidate: &Candidate) {
        let of = self.candidates.len();
        tell_programs(&Event::Cell { number: number + 1, of, labels: &candidate.labels });
        if let Some(plan) = self.plans.get(number) {
            let device = &self.machine.open.info.name;
            tell_programs(&Event::Begin {
                output: None,
                device,
                steps: plan.steps(),
                done: 0,
                plan: plan.into(),
            });
        }
    }

    fn tell_result(&self, number: usize, candidate: &Candidate, result: &Result<Made>) {
        let (turn, labels) = (format!("{} of {}", number + 1, self.candidates.len()), &candidate.labels);
        match result {
            Ok(_) if self.lines == Lines::Failures => {}
            Ok(made) => {
                let &Made { seconds, ref metrics, .. } = made;
                let (diverged, metrics) = (metrics.is_none(), metrics.as_ref());
                tell(
                    format_args!("{turn}: {}", candidate.told(made)),
                    &Event::Made { labels, seconds, diverged, metrics },
                );
            }
            Err(failure) => tell(
                format_args!("{turn}: {}: {}", labels.join(", "), failure.message),
                &Event::Failed { which: Which::Labels(labels), why: failure.into() },
            ),
        }
    }

    pub(super) fn cells(&self, results: &Results) -> Vec<Cell> {
        let cell = |(candidate, result): (&Candidate, &Option<Result<Made>>)| {
            let mut lines = candidate.labels.clone();
            let content = match result {
                Some(Ok(made)) => {
                    lines.push(made.measured.clone());
                    Content::Picture(made.picture.clone())
                }
                Some(Err(failure)) => Content::Empty(failure.message.clone()),
                None => Content::Empty("not made".to_owned()),
            };
            Cell { content, lines }
        };
        self.candidates.iter().zip(results).map(cell).collect()
    }

    pub(super) fn report(&self, results: &Results) -> Result<Vec<u8>> {
        let entry = |(candidate, result): (&Candidate, &Option<Result<Made>>)| match result {
            Some(Ok(made)) => made.entry.clone(),
            Some(Err(failure)) => candidate.entry_without(Some(failure)),
            None => candidate.entry_without(None),
        };
        let entries: Vec<Value> = self.candidates.iter().zip(results).map(entry).collect();
        serde_json::to_vec_pretty(&json!({
            "made_by": concat!("style-transfer ", env!("CARGO_PKG_VERSION")),
            "device": self.machine.open.info,
            "pictures": entries,
        }))
        .map_err(|error| Failure::new(Exit::Internal, error))
    }

    /// How the program ends, with the sheet there or not.
    pub(super) fn end(&self, results: Results, sheet: Option<&Path>) -> Result<Exit> {
        let all = self.candidates.len();
        let made = results.iter().flatten().filter(|result| result.is_ok()).count();
        if let Some(exit) = signals::came() {
            let which = sheet.map_or_else(
                || "no sheet was written".to_owned(),
                |path| format!("{} has those", path.display()),
            );
            let message = format!("ended by a signal after {made} of {all} pictures; {which}");
            return Err(Failure::new(exit, message));
        }
        let failed = results.iter().flatten().filter(|result| result.is_err()).count();
        match results.into_iter().flatten().find_map(std::result::Result::err) {
            Some(first) if all > 1 => {
                let message = format!("{failed} of {all} pictures failed, the first: {}", first.message);
                Err(Failure { message, ..first })
            }
            Some(first) => Err(first),
            None => Ok(Exit::Done),
        }
    }
}
