//! The program `style`, as a library: [`main`] is all of it.

mod commands;
mod failure;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with these arguments, the first of which is its own name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    drop(arguments.into_iter());
    ExitCode::SUCCESS
}
