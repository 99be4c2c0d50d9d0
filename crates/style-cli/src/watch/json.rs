//! Progress for programs, on stderr: one object a line.
//!
//! `event` is `begin`, `scale`, `step` or `end`; times are seconds, sizes px. The `begin` has what is planned. Every `step`
//! has the losses before its update, by the name of their term. The `end` has a `status`: `done` with the `picture` and
//! what was measured, or `failed` with `exit`, `error` and `help`, which are also told in words.

use std::ops::ControlFlow;
use std::path::Path;

use serde::{Serialize, Serializer};
use style_transfer::{Metrics, Plan, Step, Term};

use super::{Begin, End, Watcher};
use crate::failure::{Exit, Failure, Result};
use crate::terminal::say;

/// Writes the lines.
#[derive(Default)]
pub(super) struct Json {
    scale: usize,
    output: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line<'a> {
    Begin {
        output: Option<&'a str>,
        device: &'a str,
        steps: usize,
        /// How many of them an earlier part of the run has done.
        done: usize,
        plan: &'a Plan,
    },
    Scale {
        scale: usize,
        scales: usize,
        width: usize,
        height: usize,
    },
    Step {
        step: usize,
        steps: usize,
        scale: usize,
        scales: usize,
        width: usize,
        height: usize,
        loss: f32,
        losses: ByTerm<'a>,
        elapsed: f64,
        remaining: f64,
    },
    End(Ending<'a>),
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Ending<'a> {
    Done {
        picture: Option<&'a str>,
        steps: usize,
        seconds: f64,
        metrics: &'a Metrics,
        peak_memory: Option<u64>,
    },
    Failed {
        exit: u8,
        error: &'a str,
        help: Option<&'a str>,
    },
}

/// Losses with the names of their terms.
struct ByTerm<'a>(&'a [Term], &'a [f32]);

impl Serialize for ByTerm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(ToString::to_string).zip(self.1))
    }
}

/// Values are written here and not collected before, as 32-bit floats have the fewest digits so.
fn write(line: &Line<'_>) -> Result<()> {
    let text = serde_json::to_string(line).map_err(|error| Failure::new(Exit::Internal, error))?;
    say(text);
    Ok(())
}

impl Watcher for Json {
    fn begin(&mut self, begin: &Begin<'_>) -> Result<()> {
        self.output = begin.output.map(Path::display).map(|path| path.to_string());
        write(&Line::Begin {
            output: self.output.as_deref(),
            device: &begin.device.name,
            steps: begin.plan.steps(),
            done: begin.done,
            plan: begin.plan,
        })
    }

    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        let &Step { scale, scales, size: (width, height), .. } = step;
        if scale != self.scale {
            self.scale = scale;
            write(&Line::Scale { scale, scales, width, height })?;
        }
        write(&Line::Step {
            step: step.index,
            steps: step.steps,
            scale,
            scales,
            width,
            height,
            loss: step.losses.total(),
            losses: ByTerm(&step.terms, &step.losses.0),
            elapsed: step.elapsed.as_secs_f64(),
            remaining: step.remaining().as_secs_f64(),
        })?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, end: &End<'_>) -> Result<()> {
        write(&Line::End(match end {
            End::Done(outcome) => Ending::Done {
                picture: self.output.as_deref(),
                steps: outcome.steps(),
                seconds: outcome.times().total(),
                metrics: outcome.metrics(),
                peak_memory: outcome.peak_memory(),
            },
            End::Failed(Failure { exit, message, help, .. }) => {
                Ending::Failed { exit: *exit as u8, error: message, help: help.as_deref() }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use style_transfer::Layer;

    use super::*;

    #[test]
    fn a_line_is_an_object_that_begins_with_its_event() {
        let terms = [Term::Content(Layer::Relu4_2), Term::TotalVariation];
        let line = Line::Step {
            step: 3,
            steps: 10,
            scale: 1,
            scales: 2,
            width: 64,
            height: 43,
            loss: 0.3,
            losses: ByTerm(&terms, &[0.1, 0.2]),
            elapsed: 0.5,
            remaining: 1.25,
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"event":"step","step":3,"steps":10,"scale":1,"scales":2,"width":64,"height":43,"loss":0.3,"losses":{"content relu4_2":0.1,"total variation":0.2},"elapsed":0.5,"remaining":1.25}"#
        );
        let line = Line::End(Ending::Failed { exit: 5, error: "disk \"a\" full", help: None });
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"event":"end","status":"failed","exit":5,"error":"disk \"a\" full","help":null}"#
        );
    }
}
