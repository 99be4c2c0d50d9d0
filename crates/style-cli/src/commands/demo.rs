//! `style demo`: pictures and network are inside the program, so it works anywhere.

use clap::Args;

use super::{layers, run_recipe};
use crate::arguments::{RunArguments, StyleArguments};
use crate::bundled::{CASTLE, PAINTING};
use crate::failure::{Exit, Result};
use crate::outputs::is_folder;
use crate::places::{PARTIAL, beside};
use crate::recipe::{Recipe, StyleRecipe};
use crate::terminal::say;

/// The demonstration.
#[derive(Debug, Args)]
#[command(override_usage = "style demo [OPTIONS]")]
pub(crate) struct Arguments {
    #[command(flatten)]
    run: RunArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let mut run = arguments.run;
    let output = run.output.output.get_or_insert_with(|| "demo.png".into());
    if is_folder(output) {
        output.push("demo.png");
    }
    let pictures = Recipe {
        content: Some(CASTLE.into()),
        styles: vec![StyleRecipe::new(PAINTING.into())],
        ..Recipe::default()
    };
    if let Some(output) = &run.output.output {
        say(format!(
            "a castle in the textures of a painting by van Gogh: {} shows it as it forms, {} is the result",
            beside(output, PARTIAL).display(),
            output.display()
        ));
    }
    run_recipe(&layers(Vec::new(), pictures, &StyleArguments::default(), &run)?.settle()?, &run)
}
