//! `style CONTENT STYLE...`

use std::path::{Path, PathBuf};

use super::{layers, missing, run_recipe};
use crate::arguments::TransferArguments;
use crate::failure::{Exit, Failure, Result};
use crate::inputs::style_recipe;
use crate::recipe::{Recipe, TaskName};

pub(crate) fn run(arguments: TransferArguments) -> Result<Exit> {
    if !arguments.with.is_empty() {
        return crate::batch::run(arguments);
    }
    let TransferArguments { content, styles, style, run, .. } = arguments;
    let styles = styles.iter().map(|style| style_recipe(style)).collect::<Result<_>>()?;
    let pictures = Recipe { content: content.map(PathBuf::from), styles, ..Recipe::default() };
    let settled = layers(Vec::new(), pictures, &style, &run)?.settle()?;
    let recipe = &settled.recipe;
    if recipe.task == Some(TaskName::Transfer) {
        let content =
            recipe.content.as_deref().ok_or_else(|| missing("photograph", "style photo.jpg painting.jpg"))?;
        if let Some(failure) = mistyped(content) {
            return Err(failure);
        }
        if recipe.styles.is_empty() {
            return Err(missing("painting", &format!("style {} painting.jpg", content.display())));
        }
    }
    run_recipe(&settled, &run)
}

/// A command that is written nearly right is taken for a photograph, which is not there.
fn mistyped(content: &Path) -> Option<Failure> {
    use clap::CommandFactory as _;
    if content.exists() {
        return None;
    }
    let word = content.to_str()?;
    let distance = |name: &str| strsim::damerau_levenshtein(name, word);
    let commands = crate::arguments::Arguments::command();
    let near = commands.get_subcommands().map(clap::Command::get_name).min_by_key(|name| distance(name))?;
    (distance(near) <= 2).then(|| {
        Failure::usage(format!("there is no command and no picture {word:?}"))
            .help(format!("did you mean `style {near}`?"))
    })
}
