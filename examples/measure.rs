//! Measures pictures as a run would: losses, normalised distances and similarity of any picture.
//!
//! `cargo run --release --example measure -- out/transfer.png` compares it with the bundled castle and café terrace
//! and prints one line of JSON for each picture. All are resized to the size of the run first.

mod common;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::{Result, RunArguments};
use serde_json::json;
use style_transfer::{StyleTransfer, image_to_tensor};

/// Measure pictures as a run with these settings would: a line of JSON for each.
#[derive(Parser)]
struct Arguments {
    /// The pictures to measure
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// The photograph [default: the bundled castle]
    #[arg(long)]
    content: Option<PathBuf>,
    /// The painting [default: the bundled café terrace]
    #[arg(long)]
    style: Option<PathBuf>,
    #[command(flatten)]
    run: RunArguments,
}

fn main() -> ExitCode {
    common::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let settings = arguments.run.settings()?;
    let vgg = arguments.run.vgg()?;
    let content = common::open(arguments.content.as_ref(), "eilean_donan.webp")?;
    let style = common::open(arguments.style.as_ref(), "van_gogh_cafe_terrace.webp")?;
    let transfer = StyleTransfer::new(&vgg).settings(settings.clone()).style(&style);
    let (as_set, objective) = transfer.objective(&content)?;
    let at_size = content.resized_to_long_side(settings.size)?;
    for path in &arguments.pictures {
        let picture = common::open(Some(path), "")?.resized(at_size.width(), at_size.height())?;
        let losses = objective.losses(&as_set, image_to_tensor(&picture, vgg.device()))?;
        let losses = losses.try_into_vec_as::<f32>()?;
        let (loss, metrics) = (losses.iter().sum::<f32>(), transfer.measure(&content, &picture)?);
        let terms = objective.terms();
        println!(
            "{}",
            json!({ "file": path, "loss": loss, "terms": terms, "losses": losses, "metrics": metrics })
        );
    }
    Ok(())
}
