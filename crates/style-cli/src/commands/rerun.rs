//! `style rerun PICTURE`

use std::path::{Path, PathBuf};

use clap::Args;
use style_transfer::{ImageError, MAX_FILE_BYTES, recipe_of};

use super::{layers, run_recipe};
use crate::arguments::{RunArguments, StyleArguments};
use crate::failure::{Exit, Failure, Result};
use crate::reading::{Unread, read_file};
use crate::recipe::{Layers, PresetUse, Recipe};
use crate::shell::quoted_path;
use crate::terminal::{self, say};
use crate::weights::is_name;

/// A run to do again.
///
/// A picture may come from anybody: its recipe says what the run looked like, and neither what computes nor which files
/// besides pictures are opened.
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
    if let Some(done) = recipe.stopped_after {
        let name = picture.display();
        say(format!("{name} was stopped after {}; this run is the whole one", terminal::steps(done)));
    }
    let (device, weights) = (recipe.device.take(), recipe.weights.take());
    recipe.weights = weights.clone().filter(|weights| print || is_name(weights));
    let preset = if run.sources.preset.is_some() {
        // The recipe has all settings, so that nothing would be left of the preset.
        recipe.settings.clear();
        PresetUse::Ground
    } else {
        PresetUse::ToldByName
    };
    let layers = layers(vec![recipe], Recipe::default(), &style, &run)?;
    let settled = Layers { preset, ..layers }.settle()?;
    if print {
        // Who writes it into a file changes the pictures there, too.
        terminal::give(settled.recipe.unsigned().to_toml()?.trim_end())?;
        return Ok(Exit::Done);
    }
    if let Some(weights) = weights.filter(|_| settled.recipe.weights.is_none()) {
        let message = format!(
            "{} was made with the weights {}, and the recipe of a picture opens no weights by itself",
            picture.display(),
            weights.display()
        );
        return Err(Failure::usage(message).help(format!(
            "if you know that file, add --weights {}; another file gives another picture",
            quoted_path(&weights)
        )));
    }
    if let Some(device) = device.filter(|device| settled.recipe.device.as_ref() != Some(device)) {
        let now = settled.recipe.device.as_deref().unwrap_or("auto");
        say(format!(
            "the picture was made on the device {}, this run is on {now}; --device chooses another",
            device.escape_debug()
        ));
    }
    run_recipe(&settled, &run)
}

/// The recipe inside a picture.
fn recipe(path: &Path) -> Result<Recipe> {
    let name = path.display().to_string();
    let refused = |reason: &dyn std::fmt::Display| Failure::new(Exit::Input, format!("{name}: {reason}"));
    let bytes = read_file(path, MAX_FILE_BYTES as u64).map_err(|error| match error {
        Unread::Failed(error) if error.kind() == std::io::ErrorKind::NotFound => {
            ImageError::NotFound { path: path.to_owned() }.into()
        }
        Unread::TooLong { .. } => {
            ImageError::TooHeavy { what: "the file", limit_mib: MAX_FILE_BYTES >> 20 }.into()
        }
        other => refused(&other).help("name a picture that this program made"),
    })?;
    let text = recipe_of(&bytes).map_err(|error| refused(&error).help(error.help()))?.ok_or_else(|| {
        refused(&"there is no recipe in this picture").help(
            "name a picture that this program made without --no-recipe, and no other program saved again",
        )
    })?;
    Recipe::from_json(&text, &name)
}
