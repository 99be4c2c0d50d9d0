//! The program `style`, as a library: [`main`] is all of it.

mod arguments;
mod batch;
mod bundled;
mod claim;
mod commands;
mod failure;
mod inputs;
mod job;
mod journey;
mod lock;
mod machine;
mod outputs;
mod places;
mod plan;
mod reading;
mod recipe;
mod report;
mod rescue;
mod scraps;
mod shell;
mod shown;
mod signals;
mod terminal;
mod view;
mod watch;
mod weights;
mod writing;
mod written;

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use failure::{Exit, Failure, Result};

/// Runs the program with these arguments, the first of which is its own name.
///
/// Whatever happens, the process ends with one of the codes that the documentation lists: a panic is an internal
/// error, code 1.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Where a panic is caught and mended, as at the end of a device, nobody should see its words; so they wait here.
    static PANIC: Mutex<Option<String>> = Mutex::new(None);
    panic::set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic.to_string());
    }));
    signals::take_limits_as_errors();
    let arguments: Vec<_> = arguments.into_iter().collect();
    terminal::begin(&arguments);
    let run = || signals::listen().and_then(|()| commands::run(arguments));
    let result: Result<Exit> = panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let words = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        Err(Failure::new(Exit::Internal, format!("the program failed inside: {words}"))
            .help("tell its makers, with this line and the command"))
    });
    signals::over();
    terminal::end(&result);
    result.unwrap_or_else(|failure| failure.exit).into()
}
