//! Rebuilds a photograph from its features alone, starting from noise: what the content layers of the
//! network keep, and what they let go.
//!
//! `cargo run --release --example reconstruct` writes `out/reconstruct.png`.

mod common;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::{Result, RunArguments, progress};
use style_transfer::{Layer, StyleTransfer};

/// Rebuild a photograph from its features alone, starting from noise.
#[derive(Parser)]
struct Arguments {
    /// The photograph [default: the bundled castle]
    content: Option<PathBuf>,
    /// Where the picture goes
    #[arg(short, long, default_value = "out/reconstruct.png")]
    output: PathBuf,
    /// The layers whose features are kept, such as `relu2_1,relu4_2` [default: the preset's]
    #[arg(long, value_delimiter = ',')]
    layers: Vec<Layer>,
    #[command(flatten)]
    run: RunArguments,
}

fn main() -> ExitCode {
    common::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let inputs = [arguments.content.as_ref()];
    common::check_output(&arguments.output, &inputs)?;
    let mut settings = arguments.run.settings()?;
    if !arguments.layers.is_empty() {
        settings.content_layers.clone_from(&arguments.layers);
    }
    let vgg = arguments.run.vgg()?;
    let content = common::open(arguments.content.as_ref(), "eilean_donan.webp")?;
    let run = StyleTransfer::new(&vgg)
        .settings(settings)
        .content_weight(1.0)
        .on_step(progress())
        .reconstruct(&content);
    let outcome = common::keep_best(run, &arguments.output, &inputs)?;
    outcome.image().save(&arguments.output)?;
    for at in &outcome.metrics().content_distance {
        println!("content distance at {}: {:.4}", at.layer, at.distance);
    }
    println!("{}", arguments.output.display());
    Ok(())
}
