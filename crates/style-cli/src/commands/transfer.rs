//! `style CONTENT STYLE...`

use std::path::{Path, PathBuf};

use super::{layers, missing, run_recipe};
use crate::arguments::TransferArguments;
use crate::failure::{Exit, Failure, Result};
use crate::inputs::style_recipe;
use crate::recipe::{Recipe, TaskName};

pub(crate) fn run(arguments: TransferArguments) -> Result<Exit> {
    let TransferArguments { content, styles, style, run, .. } = arguments;
    let styles = styles.iter().map(|style| style_recipe(style)).collect::<Result<_>>()?;
    let pictures = Recipe { content: content.map(PathBuf::from), styles, ..Recipe::default() };
    let settled = layers(Vec::new(), pictures, &style, &run)?.settle()?;
    let recipe = &settled.recipe;
    if recipe.task == Some(TaskName::Transfer) {
        let content =
            recipe.content.as_deref().ok_or_else(|| missing("photograph", "style photo.jpg painting.jpg"))?;
        if recipe.styles.is_empty() {
            return Err(no_style(content));
        }
    }
    run_recipe(&settled, &run)
}

/// One word alone: a photograph without a painting, or a command that is not there.
fn no_style(content: &Path) -> Failure {
    use clap::CommandFactory as _;
    let word = content.to_string_lossy();
    let commands = crate::arguments::Arguments::command();
    let near = commands
        .get_subcommands()
        .map(clap::Command::get_name)
        .filter(|name| !content.exists() && strsim::damerau_levenshtein(name, &word) <= 2)
        .min_by_key(|name| strsim::damerau_levenshtein(name, &word));
    match near {
        Some(name) => Failure::usage(format!("there is no command and no picture {word:?}"))
            .help(format!("did you mean `style {name}`?")),
        None => missing("painting", &format!("style {word} painting.jpg")),
    }
}
