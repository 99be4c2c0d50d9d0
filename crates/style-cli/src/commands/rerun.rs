//! `style rerun PICTURE`

use std::path::{Path, PathBuf};

use clap::Args;
use style_transfer::{ImageError, MAX_FILE_BYTES, recipe_of};

use super::{layers, run_recipe};
use crate::arguments::{RunArguments, StyleArguments};
use crate::failure::{Exit, Failure, Result};
use crate::recipe::Recipe;
use crate::terminal;

/// A run to do again.
#[derive(Debug, Args)]
#[command(override_usage = "style rerun [OPTIONS] PICTURE")]
pub(crate) struct Arguments {
    /// A picture that this program made
    #[arg(value_name = "PICTURE")]
    picture: PathBuf,
    /// Print the recipe as TOML, with the changes that the options make, and run nothing
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    style: StyleArguments,
    #[command(flatten)]
    run: RunArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let Arguments { picture, print, style, run } = arguments;
    let mut recipe = recipe(&picture)?;
    if let Some(done) = recipe.stopped_after.filter(|_| !run.showing.quiet) {
        let name = picture.display();
        terminal::say(format!(
            "{name} was stopped after {}; this run is the whole one",
            terminal::steps(done)
        ));
    }
    if run.sources.preset.is_some() {
        // The recipe has all settings, so that nothing would be left of the preset.
        recipe.settings.clear();
    }
    let settled = layers(vec![recipe], Recipe::default(), &style, &run)?.settle()?;
    if print {
        terminal::give(settled.recipe.to_toml()?.trim_end())?;
        return Ok(Exit::Done);
    }
    run_recipe(&settled, &run)
}

/// The recipe inside a picture.
fn recipe(path: &Path) -> Result<Recipe> {
    let name = path.display().to_string();
    let refused = |reason: &dyn std::fmt::Display| Failure::new(Exit::Input, format!("{name}: {reason}"));
    let size = std::fs::metadata(path).map_err(|_| ImageError::NotFound { path: path.to_owned() })?.len();
    if size > MAX_FILE_BYTES as u64 {
        return Err(ImageError::TooHeavy { what: "the file", limit_mib: MAX_FILE_BYTES >> 20 }.into());
    }
    let bytes = std::fs::read(path).map_err(|error| refused(&error))?;
    let text = recipe_of(&bytes).map_err(|error| refused(&error).help(error.help()))?.ok_or_else(|| {
        refused(&"there is no recipe in this picture").help(
            "name a picture that this program made without --no-recipe, and no other program saved again",
        )
    })?;
    Recipe::from_json(&text, &name)
}
