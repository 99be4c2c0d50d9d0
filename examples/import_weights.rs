//! Converts the weights of a VGG network (PyTorch, ONNX, safetensors) into the native weights file.
//!
//! ```text
//! cargo run --release --example import_weights -- vgg19-dcbb9e9d.pth -o vgg19.safetensors --encoding f16 --cut relu5_1
//! cargo run --release --example transfer -- --weights vgg19.safetensors
//! ```
//!
//! `style weights inspect` shows what such a file holds.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use style_format::{Encoding, Layer, PixelTransform};
use style_import::{ImportError, OpenOptions, WriteOptions};

/// Converts the weights of a VGG network (PyTorch, ONNX, safetensors) into the native weights file.
#[derive(Parser)]
struct Arguments {
    /// The weights: a PyTorch state dict, an ONNX model, or a safetensors file
    input: PathBuf,
    /// The file to write
    #[arg(short, long)]
    output: PathBuf,
    /// How the weights are stored: f32, f16, bf16 or codebook (one byte a weight)
    #[arg(long, default_value = "f32", value_parser = encoding)]
    encoding: Encoding,
    /// The last layer to keep, for example `relu5_1`
    #[arg(long)]
    cut: Option<Layer>,
    /// The pixels that the weights were trained on: caffe (BGR, 0 to 255) or torch (RGB, 0 to 1)
    #[arg(long = "input", id = "pixels", value_name = "PIXELS", value_parser = pixels)]
    pixels: Option<PixelTransform>,
    /// Where the weights come from, in words
    #[arg(long)]
    source: Option<String>,
    /// Licence of the weights, in words
    #[arg(long)]
    licence: Option<String>,
    /// Write no model card beside the weights
    #[arg(long)]
    no_card: bool,
    /// Let an ONNX model keep its values in other files of its folder
    #[arg(long)]
    external_data: bool,
}

fn encoding(text: &str) -> Result<Encoding, &'static str> {
    Encoding::from_name(text).ok_or("use f32, f16, bf16 or codebook")
}

fn pixels(text: &str) -> Result<PixelTransform, &'static str> {
    match text {
        "caffe" => Ok(PixelTransform::CaffeBgr255),
        "torch" => Ok(PixelTransform::TorchRgb01),
        name => PixelTransform::from_name(name).ok_or("use caffe or torch"),
    }
}

fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse()) else { return ExitCode::SUCCESS };
    let Some(refusal) = error.downcast_ref::<ImportError>() else {
        // Standard output: whoever reads it may have read enough, as `head` does.
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {refusal}\nhelp: {}", refusal.help());
    ExitCode::from(if matches!(refusal, ImportError::Output { .. }) { 5 } else { 4 })
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let checkpoint = OpenOptions::new().external_data(arguments.external_data).open(&arguments.input)?;
    let options = WriteOptions {
        encoding: arguments.encoding,
        cut: arguments.cut,
        input: arguments.pixels,
        source: arguments.source,
        licence: arguments.licence,
    };
    let card = checkpoint.write(&arguments.output, &options)?;
    let saved = if arguments.no_card { None } else { Some(card.save_beside(&arguments.output)?) };
    let mut out = io::stdout().lock();
    writeln!(out, "{card}")?;
    if let Some([markdown, json]) = saved {
        writeln!(out, "card       {} and {}", markdown.display(), json.display())?;
    }
    Ok(())
}
