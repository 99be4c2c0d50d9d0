//! Results on standard output.

use std::io::{self, ErrorKind, Write as _};

use serde::Serialize;

use crate::failure::{Exit, Failure, Result};

/// Prints a text. Whoever reads it may have read enough, as `head` does: that is no failure.
///
/// # Errors
///
/// Exit code 5 when standard output takes nothing, such as a full disk.
pub(crate) fn print(text: impl AsRef<[u8]>) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Output, format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
///
/// # Errors
///
/// As [`print`].
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(Exit::Internal, format!("cannot write JSON: {error}")))?;
    print(json + "\n")
}

/// Says a line on stderr. Nobody who closed it is bothered.
pub(crate) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
