//! Redraws a photograph in the textures of a painting.
//!
//! `cargo run --release --example transfer` uses the bundled castle and café terrace and writes
//! `out/transfer.png` and, with everything about the run, `out/transfer.json`.

mod common;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::{Result, RunArguments};
use style_transfer::{Settings, StyleTransfer, write_atomically};

/// Redraw a photograph in the textures of a painting.
#[derive(Parser)]
struct Arguments {
    /// The photograph [default: the bundled castle]
    content: Option<PathBuf>,
    /// The painting [default: the bundled café terrace]
    style: Option<PathBuf>,
    /// Where the picture goes; the report goes beside it as .json
    #[arg(short, long, default_value = "out/transfer.png")]
    output: PathBuf,
    /// How much of the photograph's content is kept
    #[arg(long, default_value_t = Settings::default().content_weight, allow_negative_numbers = true)]
    content_weight: f32,
    /// How much smoothness is worth
    #[arg(long, default_value_t = Settings::default().tv_weight, allow_negative_numbers = true)]
    tv_weight: f32,
    #[command(flatten)]
    run: RunArguments,
}

fn main() -> ExitCode {
    common::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let report = arguments.output.with_extension("json");
    let pictures = [arguments.content.as_ref(), arguments.style.as_ref()];
    common::check_output(&arguments.output, &pictures)?;
    common::check_report(&report)?;
    let vgg = arguments.run.vgg()?;
    let content = common::open(arguments.content.as_ref(), "eilean_donan.webp")?;
    let style = common::open(arguments.style.as_ref(), "van_gogh_cafe_terrace.webp")?;
    let outcome = StyleTransfer::new(&vgg)
        .settings(arguments.run.settings())
        .style(&style)
        .content_weight(arguments.content_weight)
        .tv_weight(arguments.tv_weight)
        .on_step(arguments.run.progress())
        .run(&content)?;

    outcome.image().save(&arguments.output)?;
    write_atomically(&report, &serde_json::to_vec_pretty(&outcome.report(&vgg))?)?;

    let loss = outcome.report(&vgg).loss;
    let times = outcome.times();
    println!("loss {:.4} -> {:.4} in {} steps, {:.1} s", loss[0], loss[1], outcome.steps(), times.steps);
    for at in &outcome.metrics().style_distance {
        println!("style distance at {}: {:.4}", at.layer, at.distance);
    }
    for at in &outcome.metrics().content_distance {
        println!("content distance at {}: {:.4}", at.layer, at.distance);
    }
    println!("{} and {}", arguments.output.display(), report.display());
    Ok(())
}
