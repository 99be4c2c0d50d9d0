//! `style texture STYLE...`

use std::ffi::OsString;

use clap::Args;

use super::{layers, missing, run_recipe};
use crate::arguments::{RunArguments, StyleArguments, TextureSize};
use crate::failure::{Exit, Result};
use crate::inputs::style_recipe;
use crate::recipe::{Recipe, TaskName};

/// A texture.
#[derive(Debug, Args)]
#[command(override_usage = "style texture [OPTIONS] STYLE[=WEIGHT]...")]
pub(crate) struct Arguments {
    /// The paintings whose textures are wanted, or style files (.style)
    #[arg(value_name = "STYLE[=WEIGHT]")]
    styles: Vec<OsString>,
    #[command(flatten)]
    size: TextureSize,
    #[command(flatten)]
    style: StyleArguments,
    #[command(flatten)]
    run: RunArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let Arguments { styles, size, style, run } = arguments;
    let styles = styles.iter().map(|style| style_recipe(style)).collect::<Result<_>>()?;
    let TextureSize { width, height } = size;
    let pictures = Recipe { task: Some(TaskName::Texture), width, height, styles, ..Recipe::default() };
    let mut settled = layers(Vec::new(), pictures, &style, &run)?.settle()?;
    if settled.recipe.styles.is_empty() {
        return Err(missing("painting", "style texture painting.jpg"));
    }
    settled.recipe.content = None;
    run_recipe(&settled, &run)
}
