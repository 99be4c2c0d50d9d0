//! `style resume PICTURE`

use std::path::PathBuf;

use clap::Args;

use super::{layers, run_to};
use crate::arguments::{RunArguments, StyleArguments};
use crate::failure::{Exit, Result};
use crate::outputs::Output;
use crate::recipe::Recipe;
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
    let path = run.output.output.take().unwrap_or(picture);
    // It counts from this folder, the paths of the recipe from theirs.
    let path = if journey.is_here() { path } else { std::path::absolute(&path).unwrap_or(path) };
    let settled = layers(vec![journey.recipe.clone()], Recipe::default(), &StyleArguments::default(), &run)?
        .settle()?;
    journey.go_there();
    let output = Output::claim_path(path, run.output.force, &inputs::paths(&settled.recipe))?;
    output.check_format(&run)?;
    if elsewhere && !output.is_own(&earlier.place) {
        output.check_left(run.output.force)?;
    }
    run_to(&settled, &run, &output, Some(earlier), token)
}
