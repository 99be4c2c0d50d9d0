//! `style resume PICTURE`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{layers, run_to};
use crate::arguments::{RunArguments, StyleArguments};
use crate::failure::{Exit, Failure, Result};
use crate::outputs::Output;
use crate::recipe::{DEFAULT_PRESET, PresetUse, Recipe};
use crate::terminal::say;
use crate::weights::is_name;
use crate::writing::names;
use crate::{bundled, inputs, journey};

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
    if let Some(preset) = arguments.run.sources.preset.as_deref() {
        check_preset(preset, journey.recipe.preset.as_deref().unwrap_or(DEFAULT_PRESET))?;
    }
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
    layers.preset = PresetUse::Told;
    let settled = layers.settle()?;
    if run.output.timelapse.is_none() {
        run.output.timelapse = journey.timelapse().map(further_animation);
    }
    let output = Output::claim_path(path, run.output.force, &inputs::paths(&settled.recipe))?;
    output.check_format(&run)?;
    if elsewhere && !output.is_own(&earlier.place) {
        output.check_left(run.output.force)?;
    }
    run_to(&settled, &run, &output, Some(earlier))
}

/// Refuses another preset than that of the run, which would only be written into the result: the settings are all there.
fn check_preset(here: &str, there: &str) -> Result<()> {
    if here == there {
        return Ok(());
    }
    let message = format!("the checkpoint is of another run: the preset is {there} there and {here} here");
    Err(Failure::new(Exit::Checkpoint, message)
        .help("leave --preset out, or begin the run anew with --force"))
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
    recipe.weights = weights.map(|path| if is_name(&path) { path } else { absolute(&path) });
}

fn make_path_absolute(path: &mut PathBuf) {
    if !inputs::is_stdin(path) && bundled::picture(path).is_none() {
        *path = absolute(path);
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Where the animation goes of what is left of a run: an animation cannot be gone on with, and that of the first part is
/// not replaced.
fn further_animation(path: &Path) -> PathBuf {
    let first = unnumbered(path).filter(|path| path.exists()).unwrap_or_else(|| path.to_owned());
    let free = names(&first).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| path.to_owned());
    say(format!("the animation begins anew in {}", free.display()));
    free
}

/// `run.gif` of `run-1.gif`, as [`names`] numbers.
fn unnumbered(path: &Path) -> Option<PathBuf> {
    let (stem, number) = path.file_stem()?.to_str()?.rsplit_once('-')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let extension = path.extension()?.to_str()?;
    is_number.then(|| path.with_file_name(format!("{stem}.{extension}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_animations_of_one_run_are_numbered_on() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let further = |name: &str| further_animation(&at(name));
        std::fs::write(at("run.gif"), b"").unwrap();
        assert_eq!(further("run.gif"), at("run-1.gif"));
        std::fs::write(at("run-1.gif"), b"").unwrap();
        assert_eq!(further("run-1.gif"), at("run-2.gif"));
        std::fs::write(at("in-1984.gif"), b"").unwrap();
        assert_eq!(further("in-1984.gif"), at("in-1984-1.gif"), "there is no in.gif");
    }

    #[test]
    fn another_preset_is_another_run() {
        assert!(check_preset("fast", "fast").is_ok());
        let failure = check_preset("fast", "balanced").unwrap_err();
        assert_eq!(failure.exit, Exit::Checkpoint);
        assert!(failure.message.ends_with("the preset is balanced there and fast here"), "{failure}");
    }
}
