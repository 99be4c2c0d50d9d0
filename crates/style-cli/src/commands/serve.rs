//! `style serve`: a run with the live page, which stays.

use clap::Args;

use super::transfer;
use crate::arguments::TransferArguments;
use crate::failure::{Exit, Result};

/// A transfer with its page.
///
/// Does what `style CONTENT STYLE...` does, with all its options, and shows it on a page of this machine: the picture as
/// it forms, the losses, and buttons to stop the run and to save the picture on the way. No other machine can reach the
/// page: it listens on 127.0.0.1 only; other users of this machine can. When the run is done the page stays, with the result and what was measured, until
/// Ctrl-C. It starts no runs of its own: `--view` shows the same page for the time of the run only.
#[derive(Debug, Args)]
#[command(override_usage = "style serve [OPTIONS] CONTENT STYLE[=WEIGHT]...")]
pub(crate) struct Arguments {
    #[command(flatten)]
    transfer: TransferArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let mut transfer = arguments.transfer;
    let showing = &mut transfer.run.showing;
    showing.view.get_or_insert(0);
    showing.stays = true;
    transfer::run(transfer)
}
