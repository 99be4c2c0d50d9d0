//! `style reconstruct CONTENT`

use std::path::PathBuf;

use clap::Args;

use super::{layers, missing, run_recipe};
use crate::arguments::{ContentArguments, RunArguments, StyleArguments};
use crate::failure::{Exit, Result};
use crate::recipe::{Recipe, TaskName};

/// A reconstruction.
#[derive(Debug, Args)]
#[command(override_usage = "style reconstruct [OPTIONS] CONTENT")]
pub(crate) struct Arguments {
    #[command(flatten)]
    content: ContentArguments,
    #[command(flatten)]
    run: RunArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let Arguments { content, run } = arguments;
    let content = content.content.map(PathBuf::from);
    let pictures = Recipe { task: Some(TaskName::Reconstruct), content, ..Recipe::default() };
    let mut settled = layers(Vec::new(), pictures, &StyleArguments::default(), &run)?.settle()?;
    if settled.recipe.content.is_none() {
        return Err(missing("photograph", "style reconstruct photo.jpg"));
    }
    settled.recipe.styles.clear();
    run_recipe(&settled, &run)
}
