//! What became of all the pictures, told at the end.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure, Result};
use crate::signals::Rest;

/// How far the pictures have come.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) all: usize,
    pub(super) finished_before: usize,
    pub(super) made: usize,
    /// Those that another process is making.
    pub(super) elsewhere: usize,
    pub(super) failures: Vec<(PathBuf, Failure)>,
    /// What is left of the picture that a signal interrupted.
    pub(super) interrupted: Option<String>,
}

impl Tally {
    pub(super) fn failed(&mut self, content: &Path, failure: Failure) {
        self.failures.push((content.to_owned(), failure));
    }

    fn left(&self) -> usize {
        self.all - self.finished_before - self.made - self.elsewhere - self.failures.len()
    }

    /// All of it in some lines.
    pub(super) fn lines(&self) -> String {
        let Self { all, finished_before, made, elsewhere, failures, .. } = self;
        let mut text = format!("{all} {}: {made} made", pictures(*all));
        for (count, words) in [
            (*finished_before, "finished before"),
            (*elsewhere, "being made by another run"),
            (failures.len(), "failed"),
            (self.left(), "left"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {words}");
            }
        }
        text
    }

    fn ended(&self, signal: Exit) -> Failure {
        let left = self.left();
        let mut message = format!("ended by a signal, {left} of {} {} left", self.all, pictures(self.all));
        if let Some(interrupted) = &self.interrupted {
            message = format!("{message}; {interrupted}");
        }
        Failure::new(signal, message).help("the same command goes on with them")
    }

    /// The same of a signal that came while a picture was made, of which `failure` tells what is left of it.
    pub(super) fn interrupted(&mut self, content: &Path, failure: &Failure) {
        self.interrupted = Some(about(content, &failure.message));
    }

    /// What is said when a signal ends the program while no picture is in the making.
    pub(super) fn rest(&self) -> Rest {
        Rest { lines: Some(self.lines()), end: self.ended(Exit::Interrupted) }
    }

    /// How the program ends: by the signal that came, or by the first picture that failed.
    pub(super) fn end(self, signal: Option<Exit>) -> Result<Exit> {
        if let Some(signal) = signal {
            return Err(self.ended(signal));
        }
        let (all, failed) = (self.all, self.failures.len());
        let mut message = format!("{failed} of {all} {} failed:", pictures(all));
        for (content, Failure { message: why, .. }) in &self.failures {
            let _ = write!(message, "\n{}", about(content, why));
        }
        let Some((_, first)) = self.failures.into_iter().next() else { return Ok(Exit::Done) };
        Err(Failure { message, ..first })
    }
}

/// A message with the picture that it is about, which it may name already.
pub(super) fn about(content: &Path, message: &str) -> String {
    let name = content.display().to_string();
    if message.starts_with(&format!("{name}: ")) { message.to_owned() } else { format!("{name}: {message}") }
}

const fn pictures(count: usize) -> &'static str {
    if count == 1 { "picture" } else { "pictures" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        let mut tally = Tally { all: 7, finished_before: 2, made: 1, ..Tally::default() };
        tally
            .failed(Path::new("b.jpg"), Failure::new(Exit::Input, "b.jpg: cut short").help("fetch it again"));
        tally.failed(Path::new("c.jpg"), Failure::new(Exit::Limit, "too large"));
        tally
    }

    #[test]
    fn the_first_failure_gives_the_exit_code_and_all_are_named() {
        let lines = tally().lines();
        assert_eq!(lines, "7 pictures: 1 made, 2 finished before, 2 failed, 2 left");
        let failure = tally().end(None).unwrap_err();
        assert_eq!((failure.exit, failure.help.as_deref()), (Exit::Input, Some("fetch it again")));
        assert_eq!(failure.message, "2 of 7 pictures failed:\nb.jpg: cut short\nc.jpg: too large");
    }

    #[test]
    fn a_signal_tells_what_is_left() {
        let failure = tally().end(Some(Exit::Interrupted)).unwrap_err();
        assert_eq!(failure.exit, Exit::Interrupted);
        assert_eq!(failure.message, "ended by a signal, 2 of 7 pictures left");
    }

    #[test]
    fn nothing_failed_is_no_failure() {
        let tally = Tally { all: 2, made: 1, elsewhere: 1, ..Tally::default() };
        assert_eq!(tally.lines(), "2 pictures: 1 made, 1 being made by another run");
        assert_eq!(tally.end(None).unwrap(), Exit::Done);
    }
}
