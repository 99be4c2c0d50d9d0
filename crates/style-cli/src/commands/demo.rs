//! `style demo`: pictures and network are inside the program, so it works anywhere.

use clap::Args;
use style_transfer::Image;

use super::layers;
use crate::arguments::{RunArguments, StyleArguments};
use crate::failure::{Exit, Result};
use crate::inputs::{Inputs, OpenStyle, StyleSource};
use crate::job::{Job, Machine};
use crate::outputs::Output;
use crate::recipe::{Recipe, StyleRecipe};
use crate::signals;

const CASTLE: &[u8] = include_bytes!("../../../../examples/images/eilean_donan.webp");
const CAFE: &[u8] = include_bytes!("../../../../examples/images/van_gogh_cafe_terrace.webp");

/// The demonstration.
#[derive(Debug, Args)]
#[command(override_usage = "style demo [OPTIONS]")]
pub(crate) struct Arguments {
    #[command(flatten)]
    run: RunArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let mut run = arguments.run;
    run.output.output.get_or_insert_with(|| "demo.png".into());
    let pictures = Recipe {
        content: Some("eilean_donan.webp".into()),
        styles: vec![StyleRecipe::new("van_gogh_cafe_terrace.webp".into())],
        ..Recipe::default()
    };
    let settled = layers(Vec::new(), pictures, &StyleArguments::default(), &run)?.settle()?;
    let token = signals::listen()?;
    let output = Output::claim(&run, &settled.recipe)?;
    let style = OpenStyle {
        name: "van_gogh_cafe_terrace.webp".to_owned(),
        source: StyleSource::Picture(Image::decode(CAFE)?),
        weight: 1.0,
        scale: 1.0,
        region: None,
    };
    let inputs = Inputs { content: Some(Image::decode(CASTLE)?), styles: vec![style], init: None };
    let machine = Machine::open(&settled.recipe)?;
    Job { settled: &settled, machine: &machine, inputs: &inputs, arguments: &run, output: &output, token }
        .run()
}
