//! What programs are told on stderr (`--progress json`): an object a line.

use serde::{Serialize, Serializer};
use style_transfer::{Metrics, Step, Term};

use crate::failure::Failure;
use crate::plan::Told;

/// One object, which begins with its name as `event`. Times are seconds, sizes px.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Event<'a> {
    /// A sentence without a name of its own.
    Note { text: &'a str },
    /// Something is not as it should be, and the program goes on.
    Warning { message: &'a str },
    /// What will be done, in words, and the time expected for it.
    Plan { text: &'a str, seconds: Option<f64> },
    /// Where the live page is.
    Page { url: &'a str },
    /// The next of many pictures, which is begun or fails.
    Picture { number: usize, of: usize, content: &'a str },
    /// A run begins.
    Begin {
        output: Option<&'a str>,
        device: &'a str,
        steps: usize,
        /// How many of them an earlier part of the run has done.
        done: usize,
        plan: Told<'a>,
    },
    /// A scale begins.
    Scale { scale: usize, scales: usize, width: usize, height: usize },
    /// A step is done; its losses are those before its update.
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
    /// The result of a run is written.
    Saved {
        picture: Option<&'a str>,
        steps: usize,
        seconds: f64,
        metrics: &'a Metrics,
        peak_memory: Option<u64>,
    },
    /// The report is written, as a page and as data.
    Report { page: &'a str, data: &'a str },
    /// One of many pictures could not be made.
    Failed {
        #[serde(flatten)]
        which: Which<'a>,
        #[serde(flatten)]
        why: Why<'a>,
    },
    /// The next picture of a sheet is begun.
    Cell { number: usize, of: usize, labels: &'a [String] },
    /// A picture of a sheet is made; one that diverged is the best of its run, and nothing was measured of it.
    Made { labels: &'a [String], seconds: f64, diverged: bool, metrics: Option<&'a Metrics> },
    /// A sheet is written, and its report.
    Sheet { picture: Option<&'a str>, data: Option<&'a str> },
    /// The program ends; always the last line.
    End(End<'a>),
}

impl Event<'_> {
    /// Whether this is nothing but talk, of which nobody hears who asked for quiet.
    pub(super) const fn is_talk(&self) -> bool {
        matches!(
            self,
            Self::Note { .. }
                | Self::Warning { .. }
                | Self::Plan { .. }
                | Self::Picture { .. }
                | Self::Cell { .. }
                | Self::Report { .. }
        )
    }
}

/// Which of many pictures.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Which<'a> {
    /// That of a photograph.
    Content(&'a str),
    /// That of a sheet, by what varies.
    Labels(&'a [String]),
}

/// How the program ends.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum End<'a> {
    Done { exit: u8 },
    Failed(Why<'a>),
}

/// A failure.
#[derive(Serialize)]
pub(crate) struct Why<'a> {
    exit: u8,
    error: &'a str,
    help: Option<&'a str>,
}

impl<'a> From<&'a Failure> for Why<'a> {
    fn from(Failure { exit, message, help, .. }: &'a Failure) -> Self {
        Self { exit: *exit as u8, error: message, help: help.as_deref() }
    }
}

impl<'a> From<&'a Step<'_>> for Event<'a> {
    fn from(step: &'a Step<'_>) -> Self {
        let &Step { scale, scales, size: (width, height), .. } = step;
        Self::Step {
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
        }
    }
}

/// Losses with the names of their terms.
pub(crate) struct ByTerm<'a>(pub(crate) &'a [Term], pub(crate) &'a [f32]);

impl Serialize for ByTerm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(ToString::to_string).zip(self.1))
    }
}

#[cfg(test)]
mod tests {
    use style_transfer::Layer;

    use super::*;
    use crate::failure::Exit;

    fn line(event: &Event<'_>) -> String {
        serde_json::to_string(event).unwrap()
    }

    #[test]
    fn a_line_is_an_object_that_begins_with_its_event() {
        let terms = [Term::Content(Layer::Relu4_2), Term::TotalVariation];
        let step = Event::Step {
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
            line(&step),
            r#"{"event":"step","step":3,"steps":10,"scale":1,"scales":2,"width":64,"height":43,"loss":0.3,"losses":{"content relu4_2":0.1,"total variation":0.2},"elapsed":0.5,"remaining":1.25}"#
        );
        assert_eq!(line(&Event::Note { text: "two\nlines" }), r#"{"event":"note","text":"two\nlines"}"#);
    }

    #[test]
    fn a_failure_is_told_with_its_code() {
        let failure = Failure::new(Exit::Output, "disk \"a\" full").help("make room");
        assert_eq!(
            line(&Event::End(End::Failed((&failure).into()))),
            r#"{"event":"end","status":"failed","exit":5,"error":"disk \"a\" full","help":"make room"}"#
        );
        assert_eq!(
            line(&Event::Failed { which: Which::Content("a.jpg"), why: (&failure).into() }),
            r#"{"event":"failed","content":"a.jpg","exit":5,"error":"disk \"a\" full","help":"make room"}"#
        );
        let labels = ["size 64".to_owned()];
        assert_eq!(
            line(&Event::Failed { which: Which::Labels(&labels), why: (&failure).into() }),
            r#"{"event":"failed","labels":["size 64"],"exit":5,"error":"disk \"a\" full","help":"make room"}"#
        );
        assert_eq!(line(&Event::End(End::Done { exit: 0 })), r#"{"event":"end","status":"done","exit":0}"#);
    }
}
