//! What is told on stderr: words for people, or an object a line for programs.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

use super::event::{End, Event};
use crate::failure::{Exit, Result};

/// Whether a program listens and not a person.
static TELLS_PROGRAMS: AtomicBool = AtomicBool::new(false);

/// The bar that stands below everything that is said.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

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
pub(crate) fn tells_programs() -> bool {
    TELLS_PROGRAMS.load(Ordering::Relaxed)
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

/// Tells people these words, and programs this event.
pub(crate) fn tell(words: impl Display, event: &Event<'_>) {
    if tells_programs() {
        tell_programs(event);
    } else {
        write(&words.to_string());
    }
}

/// Tells programs an event, and people nothing.
pub(crate) fn tell_programs(event: &Event<'_>) {
    if tells_programs() {
        // Values are written here and not collected before, as 32-bit floats have the fewest digits so. No event of
        // ours has keys that JSON could not have.
        write(&serde_json::to_string(event).unwrap_or_default());
    }
}

/// Tells how the program ends: programs always, people when it failed.
pub(crate) fn end(result: &Result<Exit>) {
    match result {
        Ok(exit) => tell_programs(&Event::End(End::Done { exit: *exit as u8 })),
        Err(failure) => tell(failure, &Event::End(End::Failed(failure.into()))),
    }
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
    let line = format!("{line}\n");
    let put = || _ = io::stderr().lock().write_all(line.as_bytes());
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(put),
        None => put(),
    }
    SAID.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

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
