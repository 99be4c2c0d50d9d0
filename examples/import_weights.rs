//! Converts a PyTorch checkpoint of VGG-16 or VGG-19 into the native weights file.
//!
//! ```text
//! cargo run --release --example import_weights -- vgg19.pth -o vgg19.safetensors --encoding f16 --cut relu5_1
//! cargo run --release --example import_weights -- vgg19.pth --inspect
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use style_format::{Encoding, Layer, PixelTransform};
use style_import::{Checkpoint, ImportError, WriteOptions};

/// Converts a PyTorch checkpoint of VGG-16 or VGG-19 into the native weights file.
#[derive(Parser)]
struct Arguments {
    /// The checkpoint: a state dict as `torch.save` writes it
    input: PathBuf,
    /// The file to write
    #[arg(short, long, required_unless_present = "inspect")]
    output: Option<PathBuf>,
    /// How the weights are stored: f32, f16, bf16 or codebook
    #[arg(long, default_value = "f32", value_parser = encoding)]
    encoding: Encoding,
    /// The last layer to keep, for example `relu5_1`
    #[arg(long)]
    cut: Option<Layer>,
    /// The pixels that the weights were trained on: caffe-bgr-255 or torch-rgb-01
    #[arg(long = "input", id = "pixels", value_name = "PIXELS", value_parser = pixels)]
    pixels: Option<PixelTransform>,
    /// Where the weights come from, in words
    #[arg(long)]
    source: Option<String>,
    /// Licence of the weights, in words
    #[arg(long)]
    licence: Option<String>,
    /// Only show what the checkpoint holds
    #[arg(long, conflicts_with = "output")]
    inspect: bool,
}

fn encoding(text: &str) -> Result<Encoding, &'static str> {
    let all = [Encoding::F32, Encoding::F16, Encoding::Bf16, Encoding::Codebook];
    all.into_iter().find(|encoding| encoding.name() == text).ok_or("use f32, f16, bf16 or codebook")
}

fn pixels(text: &str) -> Result<PixelTransform, &'static str> {
    PixelTransform::from_name(text).ok_or("use caffe-bgr-255 or torch-rgb-01")
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\nhelp: {}", error.help());
            ExitCode::from(if matches!(error, ImportError::Output { .. }) { 5 } else { 4 })
        }
    }
}

fn run(arguments: Arguments) -> Result<(), ImportError> {
    let checkpoint = style_import::open(&arguments.input)?;
    show(&checkpoint);
    let Some(output) = arguments.output else { return Ok(()) };
    let options = WriteOptions {
        encoding: arguments.encoding,
        cut: arguments.cut,
        input: arguments.pixels,
        source: arguments.source,
        licence: arguments.licence,
    };
    println!("\n{}", checkpoint.write(output, &options)?);
    Ok(())
}

fn show(checkpoint: &Checkpoint) {
    println!("{} with the key names of {}\n", checkpoint.architecture(), checkpoint.family());
    println!("{:<8}  {:<22} {:<18} {:<6} {:>9}", "layer", "key", "shape", "type", "values");
    for layer in checkpoint.layers() {
        let convolution = layer.convolution;
        let shape = format!("{:?}", convolution.weight_shape());
        let values = convolution.parameters();
        println!("{:<8}  {:<22} {shape:<18} {:<6} {values:>9}", convolution.name(), layer.key, layer.dtype);
    }
}
