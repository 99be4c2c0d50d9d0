//! Converts the weights of a VGG network (PyTorch, ONNX, safetensors) into the native weights file.
//!
//! ```text
//! cargo run --release --example import_weights -- vgg19-dcbb9e9d.pth --inspect
//! cargo run --release --example import_weights -- vgg19-dcbb9e9d.pth -o vgg19.safetensors --encoding f16 --cut relu5_1
//! cargo run --release --example transfer -- --weights vgg19.safetensors
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use style_format::{Encoding, Layer, PixelTransform};
use style_import::{Checkpoint, ImportError, OpenOptions, WriteOptions};

/// Converts the weights of a VGG network (PyTorch, ONNX, safetensors) into the native weights file.
#[derive(Parser)]
struct Arguments {
    /// The weights: a PyTorch state dict, an ONNX model, or a safetensors file
    input: PathBuf,
    /// The file to write
    #[arg(short, long, required_unless_present = "inspect")]
    output: Option<PathBuf>,
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
    /// Only show what the file holds
    #[arg(long, conflicts_with = "output")]
    inspect: bool,
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
    let mut out = io::stdout().lock();
    let checkpoint = OpenOptions::new().external_data(arguments.external_data).open(&arguments.input)?;
    // Nobody may read on; the conversion is done all the same.
    let shown = show(&checkpoint, &mut out);
    let Some(output) = arguments.output else {
        shown?;
        return show_input(&checkpoint, arguments.pixels, &mut out);
    };
    let options = WriteOptions {
        encoding: arguments.encoding,
        cut: arguments.cut,
        input: arguments.pixels,
        source: arguments.source,
        licence: arguments.licence,
    };
    let card = checkpoint.write(&output, &options)?;
    let saved = if arguments.no_card { None } else { Some(card.save_beside(&output)?) };
    writeln!(out, "\n{card}")?;
    if let Some([markdown, json]) = saved {
        writeln!(out, "card       {} and {}", markdown.display(), json.display())?;
    }
    Ok(())
}

fn show(checkpoint: &Checkpoint, out: &mut impl Write) -> io::Result<()> {
    let pooling = checkpoint.pooling().map_or(String::new(), |pooling| format!(", {pooling} pooling"));
    writeln!(out, "{}{pooling}", checkpoint.architecture())?;
    writeln!(out, "container  {}, key names: {}", checkpoint.container(), checkpoint.family())?;
    writeln!(out, "sha256     {}\n", checkpoint.sha256())?;
    writeln!(out, "{:<8}  {:<22} {:<18} {:<6} {:>9}", "layer", "key", "shape", "type", "values")?;
    for layer in checkpoint.layers() {
        let convolution = layer.convolution;
        let shape = format!("{:?}", convolution.weight_shape());
        let key: String = layer.key.escape_debug().take(60).collect();
        let norm = if layer.normalised { "  batch norm, folded" } else { "" };
        writeln!(
            out,
            "{:<8}  {key:<22} {shape:<18} {:<6} {:>9}{norm}",
            convolution.name(),
            layer.dtype,
            convolution.parameters()
        )?;
    }
    Ok(())
}

fn show_input(
    checkpoint: &Checkpoint,
    said: Option<PixelTransform>,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let input = checkpoint.input(said)?;
    writeln!(out, "\npixels     {} ({})", input.transform, input.evidence)?;
    for warning in input.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(())
}
