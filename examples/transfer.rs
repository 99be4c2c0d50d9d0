//! Redraws a photograph in the textures of one painting or several.
//!
//! `cargo run --release --example transfer` uses the bundled castle and café terrace and writes
//! `out/transfer.png` and, with everything about the run, `out/transfer.json`. A run that fails on its way leaves its
//! best picture as `out/transfer.best.png`.

mod common;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::snapshots::Snapshots;
use common::{Result, RunArguments, progress, styles};
use style_transfer::{StyleFile, StyleTransfer, write_atomically};

/// Redraw a photograph in the textures of one painting or several.
#[derive(Parser)]
struct Arguments {
    /// The photograph [default: the bundled castle]
    content: Option<PathBuf>,
    /// The paintings, or style files [default: the bundled café terrace]
    styles: Vec<PathBuf>,
    /// Where the picture goes; the report goes beside it as .json
    #[arg(short, long, default_value = "out/transfer.png")]
    output: PathBuf,
    /// How much of the photograph's content is kept
    #[arg(long, allow_negative_numbers = true)]
    content_weight: Option<f32>,
    /// How much smoothness is worth
    #[arg(long, allow_negative_numbers = true)]
    tv_weight: Option<f32>,
    #[command(flatten)]
    styling: styles::Arguments,
    /// Also saves the first style's statistics, to be used in place of its picture
    #[arg(long, value_name = "FILE.style")]
    save_style: Option<PathBuf>,
    /// Also writes the picture now and then, with its seconds in snapshots.json
    #[arg(long, value_name = "FOLDER")]
    snapshots: Option<PathBuf>,
    /// Steps between two snapshots
    #[arg(long, value_name = "STEPS", default_value_t = 10)]
    snapshot_every: usize,
    #[command(flatten)]
    run: RunArguments,
}

fn main() -> ExitCode {
    common::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let report = arguments.output.with_extension("json");
    let mut inputs: Vec<Option<&PathBuf>> = arguments.styles.iter().map(Some).collect();
    inputs.push(arguments.content.as_ref());
    inputs.extend(arguments.styling.inputs());
    common::check_output(&arguments.output, &inputs)?;
    if let Some(path) = &arguments.save_style {
        common::check_style_output(path, &inputs)?;
    }
    common::check_report(&report)?;
    let mut settings = arguments.run.settings()?;
    settings.content_weight = arguments.content_weight.unwrap_or(settings.content_weight);
    settings.tv_weight = arguments.tv_weight.unwrap_or(settings.tv_weight);
    let vgg = arguments.run.vgg()?;
    let content = common::open(arguments.content.as_ref(), "eilean_donan.webp")?;
    let sources = arguments.styling.open(&arguments.styles)?;
    if let Some(path) = &arguments.save_style {
        let style = sources.iter().next().ok_or("there is no style to save")?;
        write_atomically(path, &StyleFile::new(&vgg, &settings, style)?.to_bytes()?)?;
    }
    let mut snapshots = Snapshots::new(arguments.snapshots.as_ref(), arguments.snapshot_every)?;
    let mut show = progress();
    let mut transfer = StyleTransfer::new(&vgg).settings(settings).on_step(|step| {
        snapshots.take(step);
        show(step)
    });
    for style in sources.iter() {
        transfer = transfer.style(style);
    }
    let outcome = common::keep_best(transfer.run(&content), &arguments.output, &inputs)?;

    snapshots.finish(&outcome)?;
    outcome.image().save(&arguments.output)?;
    write_atomically(&report, &serde_json::to_vec_pretty(&outcome.report(&vgg))?)?;
    print_summary(&outcome, &vgg);
    println!("{} and {}", arguments.output.display(), report.display());
    Ok(())
}

fn print_summary(outcome: &style_transfer::Outcome, vgg: &style_transfer::Vgg) {
    let (report, times, metrics) = (outcome.report(vgg), outcome.times(), outcome.metrics());
    let (steps, scales) = (outcome.steps(), outcome.scales().len());
    println!("loss {:.4} -> {:.4} at the last of {scales} scales", report.loss[0], report.loss[1]);
    println!("{steps} steps in {:.1} s, {:.1} s with all", times.steps, times.total());
    for at in &metrics.style_distance {
        let region = at.region.map_or(String::new(), |region| format!(" of region {region}"));
        println!("style distance at {}{region}: {:.4}", at.layer, at.distance);
    }
    for at in &metrics.content_distance {
        println!("content distance at {}: {:.4}", at.layer, at.distance);
    }
    if let Some(mean) = metrics.mean_style_distance() {
        println!("style distance, mean: {mean:.4}");
    }
    if let Some(ssim) = metrics.ssim {
        println!("structural similarity with the content: {ssim:.3}");
    }
}
