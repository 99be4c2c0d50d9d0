//! Makes a texture from a painting alone, starting from noise: the strokes and colours without the
//! composition.
//!
//! `cargo run --release --example texture` writes `out/texture.png`.

mod common;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::{Result, RunArguments, progress};
use style_transfer::StyleTransfer;

/// Make a square texture from a painting alone, starting from noise.
#[derive(Parser)]
struct Arguments {
    /// The painting [default: the bundled café terrace]
    style: Option<PathBuf>,
    /// Where the picture goes
    #[arg(short, long, default_value = "out/texture.png")]
    output: PathBuf,
    #[command(flatten)]
    run: RunArguments,
}

fn main() -> ExitCode {
    common::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let inputs = [arguments.style.as_ref()];
    common::check_output(&arguments.output, &inputs)?;
    let settings = arguments.run.settings()?;
    let vgg = arguments.run.vgg()?;
    let style = common::open(arguments.style.as_ref(), "van_gogh_cafe_terrace.webp")?;
    let run = StyleTransfer::new(&vgg)
        .settings(settings.clone())
        .style(&style)
        .on_step(progress())
        .texture(settings.size, settings.size);
    let outcome = common::keep_best(run, &arguments.output, &inputs)?;
    outcome.image().save(&arguments.output)?;
    for at in &outcome.metrics().style_distance {
        println!("style distance at {}: {:.4}", at.layer, at.distance);
    }
    println!("{}", arguments.output.display());
    Ok(())
}
