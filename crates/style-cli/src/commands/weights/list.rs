//! `style weights list`: what can be fetched.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::cache;
use super::known::{FILES, KnownFile};
use crate::commands::give_json;
use crate::failure::Result;
use crate::terminal::give;

/// List the weights that `get` knows.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let folder = cache::folder().ok();
    let fetched = |known: &KnownFile| {
        folder.as_deref().map(|folder| cache::native(folder, known)).filter(|path| path.is_file())
    };
    if arguments.json {
        let entry = |known: &KnownFile| {
            let mut entry = json!(known);
            entry["fetched"] = json!(fetched(known));
            entry
        };
        return give_json(&FILES.iter().map(entry).collect::<Vec<_>>());
    }
    let mut text = format!("{:<12} {:<22} {:>8}  {:<8}  about\n", "name", "file", "size", "fetched");
    for known in FILES {
        let size = known.bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{} MB", bytes / 1_000_000));
        let there = if fetched(known).is_some() { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "{:<12} {:<22} {size:>8}  {there:<8}  {}; licence: {}",
            known.name, known.file, known.about, known.licence
        );
    }
    give(text.trim_end())
}

/// The same for `style weights get list`.
pub(super) fn run_plain() -> Result<()> {
    run(&Arguments { json: false })
}
