//! What is told on stderr: words for people, or an object a line for programs.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

use super::event::{End, Event};
use super::harmless::Harmless;
use crate::failure::{Exit, Failure, Result};

/// Whether a program listens and not a person.
static TELLS_PROGRAMS: AtomicBool = AtomicBool::new(false);

/// Whether only errors, and what was asked for, are told.
static QUIET: AtomicBool = AtomicBool::new(false);

/// The bar that stands below everything that is said.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Whether it was told how the program ends.
static ENDED: AtomicBool = AtomicBool::new(false);

/// Lines said so far.
static SAID: AtomicUsize = AtomicUsize::new(0);

/// Decides how everything is told from here on. The arguments are looked at before they are parsed, so that what is
/// wrong with them is told in the way that they ask for.
pub(crate) fn begin(arguments: &[OsString]) {
    TELLS_PROGRAMS.store(asks_for_json(arguments), Ordering::Relaxed);
}

/// Whether the last `--progress` of a command line is `json`.
fn asks_for_json(arguments: &[OsString]) -> bool {
    let mut kind = None;
    let mut words = arguments.iter().map(|word| word.to_string_lossy()).take_while(|word| word != "--");
    while let Some(word) = words.next() {
        if word == "--progress" {
            kind = words.next().map(String::from);
        } else if let Some(word) = word.strip_prefix("--progress=") {
            kind = Some(word.to_owned());
        }
    }
    kind.is_some_and(|kind| kind == "json")
}

/// Whether a program listens and not a person.
fn tells_programs() -> bool {
    TELLS_PROGRAMS.load(Ordering::Relaxed)
}

/// From here on only errors are told, and what was asked for.
pub(crate) fn quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Says a line, or several.
pub(crate) fn say(words: impl Display) {
    let words = words.to_string();
    tell(&words, &Event::Note { text: &words });
}

/// Says that something is not as it should be, and that the program goes on.
pub(crate) fn warn(message: impl Display) {
    let message = message.to_string();
    tell(format_args!("warning: {message}"), &Event::Warning { message: &message });
}

fn is_heard(event: &Event<'_>) -> bool {
    !(QUIET.load(Ordering::Relaxed) && event.is_talk())
}

/// Tells people these words, and programs this event.
pub(crate) fn tell(words: impl Display, event: &Event<'_>) {
    if tells_programs() {
        tell_programs(event);
    } else if is_heard(event) {
        write(&words.to_string());
    }
}

/// Tells programs an event, and people nothing.
pub(crate) fn tell_programs(event: &Event<'_>) {
    if tells_programs() && is_heard(event) {
        // Values are written here and not collected before, as 32-bit floats have the fewest digits so. No event of
        // ours has keys that JSON could not have.
        write(&serde_json::to_string(event).unwrap_or_default());
    }
}

/// Tells how the program ends, once: programs always, people when it failed.
pub(crate) fn end(result: &Result<Exit>) {
    if ENDED.swap(true, Ordering::SeqCst) {
        return;
    }
    match result {
        Ok(Exit::Done) => tell_programs(&Event::End(End::Done { exit: Exit::Done as u8 })),
        // People have been told what there is to do.
        Ok(exit) => {
            let failure = Failure::new(*exit, "there is nothing to do");
            tell_programs(&Event::End(End::Failed((&failure).into())));
        }
        Err(failure) => tell(failure, &Event::End(End::Failed(failure.into()))),
    }
}

/// The same where the program is left in the middle of something.
pub(crate) fn leave(failure: &Failure) {
    no_bar();
    if !tells_programs() && io::stderr().is_terminal() {
        // The terminal's echo of the key, or a bar, stands in this line.
        let _ = io::stderr().write_all(b"\n");
    }
    end(&Err(failure.clone()));
}

/// Keeps a bar below everything that is said, until [`no_bar`].
pub(crate) fn above(bar: &ProgressBar) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
}

/// The bar is over.
pub(crate) fn no_bar() {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// How often something was said: whoever draws in place has to begin anew below it.
pub(crate) fn said() -> usize {
    SAID.load(Ordering::Relaxed)
}

/// Writes a line on stderr, in one piece. Nobody who closed it is bothered.
fn write(line: &str) {
    let line = format!("{}\n", Harmless(line));
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    above_bar(bar.as_ref(), || _ = io::stderr().lock().write_all(line.as_bytes()));
    SAID.fetch_add(1, Ordering::Relaxed);
}

/// Takes a bar away, writes, and draws it again below.
fn above_bar(bar: Option<&ProgressBar>, write: impl FnOnce()) {
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;

    /// A terminal that writes down what is done to it.
    #[derive(Debug, Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl Log {
        fn note(&self, what: &str) {
            self.0.lock().unwrap().push(what.trim().to_owned());
        }
    }

    impl TermLike for Log {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.note(text);
            Ok(())
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.note(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.note("cleared");
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_bar_goes_before_a_line_and_comes_again_below_it() {
        let log = Log::default();
        let bar =
            ProgressBar::with_draw_target(Some(2), ProgressDrawTarget::term_like(Box::new(log.clone())));
        bar.set_style(indicatif::ProgressStyle::with_template("bar").unwrap());
        bar.tick();
        log.0.lock().unwrap().clear();
        above_bar(Some(&bar), || log.note("said"));
        above_bar(None, || log.note("said without"));
        let mut seen = log.0.lock().unwrap().clone();
        seen.retain(|what| !what.is_empty());
        assert_eq!(seen, ["cleared", "said", "bar", "said without"]);
    }

    #[test]
    fn programs_are_told_when_the_last_word_on_progress_says_so() {
        let asks = |line: &str| asks_for_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(asks("style a b --progress json"));
        assert!(asks("style a --progress=plain b --progress=json --unknown"));
        assert!(!asks("style a b --progress json --progress bar"));
        assert!(!asks("style a b --progress jsonl"));
        assert!(!asks("style a b -- --progress json"));
        assert!(!asks("style json --progress"));
    }
}
