//! `style resume PICTURE`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{demo, layers, run_to};
use crate::arguments::{RunArguments, StyleArguments};
use crate::failure::{Exit, Result};
use crate::outputs::Output;
use crate::recipe::Recipe;
use crate::terminal::say;
use crate::writing::names;
use crate::{inputs, journey, signals};

/// A run to go on with.
#[derive(Debug, Args)]
#[command(override_usage = "style resume [OPTIONS] PICTURE")]
pub(crate) struct Arguments {
    /// The picture that the run was to make, or its .checkpoint. Settings, pictures and network must be those of the run
    #[arg(value_name = "PICTURE")]
    picture: PathBuf,
    #[command(flatten)]
    run: RunArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let journey::Found { earlier, journey, picture } = journey::find(&arguments.picture)?;
    let token = signals::listen()?;
    let mut run = journey.arguments(arguments.run);
    let elsewhere = run.output.output.is_some();
    let mut path = run.output.output.take().unwrap_or(picture);
    let mut layers =
        layers(vec![journey.recipe.clone()], Recipe::default(), &StyleArguments::default(), &run)?;
    if !journey.is_here() {
        // What is named now counts from this folder, the paths of the recipe from theirs.
        let new = layers.recipes.iter_mut().skip(1);
        new.for_each(make_absolute);
        for path in std::iter::once(&mut path).chain(&mut run.output.timelapse) {
            make_path_absolute(path);
        }
        journey.go_there();
    }
    let settled = layers.settle()?;
    if run.output.timelapse.is_none() {
        run.output.timelapse = journey.timelapse().map(|path| further_animation(path, run.showing.quiet));
    }
    let output = Output::claim_path(path, run.output.force, &inputs::paths(&settled.recipe))?;
    output.check_format(&run)?;
    if elsewhere && !output.is_own(&earlier.place) {
        output.check_left(run.output.force)?;
    }
    run_to(&settled, &run, &output, Some(earlier), token)
}

/// A recipe's paths and files, counted from the root.
fn make_absolute(recipe: &mut Recipe) {
    let is_file = |preset: &&mut String| Path::new(preset).extension().is_some_and(|found| found == "toml");
    if let Some(preset) = recipe.preset.as_mut().filter(is_file) {
        *preset = absolute(Path::new(preset)).to_string_lossy().into_owned();
    }
    // The name of known weights is no path.
    let weights = recipe.weights.take();
    recipe.paths_mut().for_each(make_path_absolute);
    recipe.weights = weights.map(|path| {
        let is_name = path.components().count() == 1 && path.extension().is_none() && !path.exists();
        if is_name { path } else { absolute(&path) }
    });
}

fn make_path_absolute(path: &mut PathBuf) {
    if !inputs::is_stdin(path) && demo::picture(path).is_none() {
        *path = absolute(path);
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Where the animation goes of what is left of a run: an animation cannot be gone on with, and that of the first part is
/// not replaced.
fn further_animation(path: &Path, quiet: bool) -> PathBuf {
    let free = names(path).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| path.to_owned());
    if !quiet {
        say(format!("the animation begins anew in {}", free.display()));
    }
    free
}
