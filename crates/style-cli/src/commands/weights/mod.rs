//! `style weights`: import, inspect, get, list.

mod curl;
mod download;
mod get;
mod import;
mod inspect;
mod list;
mod part;
mod source;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use clap::{Args, Subcommand};
use style_transfer::import::ImportError;

use crate::failure::{Exit, Failure, Result};
use crate::weights::{cache, digest, known};

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

/// What kind of file another program wrote, where it is one of those that `import` reads.
pub(crate) fn foreign(path: &Path) -> Option<&'static str> {
    let mut begin = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut begin)).ok()?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match (begin, extension) {
        // A zip archive; a pickle of version 2, as it was before.
        ([b'P', b'K', 3, 4] | [0x80, 2, ..], _) | (_, "pth" | "pt") => Some("a PyTorch file"),
        (_, "onnx") => Some("an ONNX file"),
        _ => None,
    }
}

/// An importer's refusal as the program's.
fn refused(error: ImportError) -> Failure {
    let exit = if matches!(error, ImportError::Output { .. }) { Exit::Output } else { Exit::Weights };
    Failure::new(exit, &error).help(error.help())
}
