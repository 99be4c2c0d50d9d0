//! What is said, and to whom: results on stdout, everything else on stderr.

mod event;
mod harmless;
mod steps;
mod telling;

pub(crate) use event::{Event, Which};
use harmless::Harmless;
pub(crate) use harmless::harms;
pub(crate) use steps::Steps;
pub(crate) use telling::{above, begin, end, leave, no_bar, quiet, said, say, tell, tell_programs, warn};

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use crate::failure::{Exit, Failure, Result};

/// Gives out the path of a result: to a program byte for byte, to a terminal without what would harm it.
pub(crate) fn give_path(path: &Path) -> Result<()> {
    if io::stdout().is_terminal() {
        return give(path.to_string_lossy());
    }
    give_bytes(&[path.as_os_str().as_encoded_bytes(), b"\n"].concat())
}

/// Gives out a line of result, or several; to a terminal without what would harm it. A reader that has read enough, as
/// `head` does, is no failure.
pub(crate) fn give(lines: impl Display) -> Result<()> {
    let mut text = format!("{lines}\n");
    if io::stdout().is_terminal() {
        text = Harmless(&text).to_string();
    }
    give_bytes(text.as_bytes())
}

/// Gives out bytes of a result.
pub(crate) fn give_bytes(bytes: &[u8]) -> Result<()> {
    match write_out(bytes) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(ungiven),
    }
}

/// Gives out bytes that are worth nothing in part: a reader that is gone is a failure.
pub(crate) fn give_all(bytes: &[u8]) -> Result<()> {
    write_out(bytes).map_err(ungiven)
}

fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush())
}

fn ungiven(error: io::Error) -> Failure {
    Failure::new(Exit::Output, format!("cannot write to stdout: {error}"))
        .help("see where stdout goes: a full disk, a closed terminal, a program that has ended")
}

/// `1 step`, `2 steps`.
pub(crate) fn steps(count: usize) -> String {
    if count == 1 { "1 step".to_owned() } else { format!("{count} steps") }
}

/// Bytes for people, in powers of ten as the library's messages have them.
pub(crate) fn bytes(bytes: usize) -> String {
    let mega = bytes as f64 / 1e6;
    match mega {
        _ if mega < 999.5 => format!("{mega:.0} MB"),
        _ => format!("{:.1} GB", mega / 1e3),
    }
}

/// A time for people: `14 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round().min(1e9) as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) if seconds < 9.5 => format!("{seconds:.1} s"),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_bytes_have_the_unit_that_fits() {
        assert_eq!(
            [0.04, 9.4, 14.4, 200.0, 7500.0].map(duration),
            ["0.0 s", "9.4 s", "14 s", "3 min 20 s", "2 h 5 min"]
        );
        assert_eq!([190_000_000, 21_300_000_000].map(bytes), ["190 MB", "21.3 GB"]);
    }
}
