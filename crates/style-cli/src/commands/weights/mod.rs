//! `style weights`: import, inspect, get, list.

mod cache;
mod curl;
mod digest;
mod download;
mod get;
mod import;
mod inspect;
mod known;
mod list;
mod part;
mod source;

use clap::{Args, Subcommand};
use style_transfer::import::ImportError;

use crate::failure::{Exit, Failure, Result};

pub(crate) use cache::resolve;
pub(crate) use digest::of_file as sha256_of;
pub(crate) use known::by_name;

/// Convert, inspect and fetch the weights of VGG networks.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(import::Arguments),
    Inspect(inspect::Arguments),
    Get(get::Arguments),
    List(list::Arguments),
}

/// Does what was asked for.
///
/// # Errors
///
/// Exit code 4 for weights that cannot be used or fetched, 5 for a file that cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Command::Import(arguments) => import::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Get(arguments) => get::run(arguments),
        Command::List(arguments) => list::run(arguments),
    }
}

/// An importer's refusal as the program's.
fn refused(error: ImportError) -> Failure {
    let exit = if matches!(error, ImportError::Output { .. }) { Exit::Output } else { Exit::Weights };
    Failure::new(exit, &error).help(error.help())
}
