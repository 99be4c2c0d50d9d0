//! Shows what a weights file holds, and what its network answers to a picture.
//!
//! `cargo run --release --example features` describes the bundled VGG-19.

mod common;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::{DeviceArguments, Result};
use style_transfer::{Layer, image_to_tensor};

/// Describe a weights file and the features of a picture.
#[derive(Parser)]
struct Arguments {
    /// A native weights file [default: the bundled VGG-19]
    weights: Option<PathBuf>,
    /// The picture whose features are measured [default: the bundled castle]
    #[arg(long)]
    picture: Option<PathBuf>,
    /// Long side of the picture, px
    #[arg(long, default_value_t = 256)]
    size: usize,
    #[command(flatten)]
    device: DeviceArguments,
}

fn main() -> ExitCode {
    common::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let mut out = io::stdout().lock();
    let device = arguments.device.open()?.device;
    let vgg = common::load(arguments.weights.as_deref(), &device)?;
    writeln!(out, "{}", vgg.describe())?;

    let picture = common::open(arguments.picture.as_ref(), "eilean_donan.webp")?;
    let picture = picture.resized_to_long_side(arguments.size)?;
    let layers: Vec<Layer> =
        Layer::ALL.iter().copied().filter(|&layer| layer.is_relu() && vgg.contains(layer)).collect();
    let features = vgg.features(image_to_tensor(&picture, &device), &layers)?;
    writeln!(out, "features of a picture of {} x {} px:", picture.width(), picture.height())?;
    writeln!(out, "{:<9} {:<20} {:>10} {:>12}", "layer", "shape", "mean", "zero (%)")?;
    for (layer, map) in layers.iter().zip(features) {
        let shape = format!("{:?}", map.dims());
        let mean: f32 = map.clone().mean().try_into_scalar()?;
        let zero: f32 = map.lower_equal_scalar(0.0).float().mean().try_into_scalar()?;
        writeln!(out, "{layer:<9} {shape:<20} {mean:>10.2} {:>12.1}", 100.0 * zero)?;
    }
    Ok(())
}
