//! `style weights import`: a foreign file becomes the native one.

use std::path::{Path, PathBuf};

use clap::Args;
use style_transfer::import::{Checkpoint, OpenOptions, WriteOptions};
use style_transfer::{Encoding, Layer, PixelTransform};

use super::refused;
use crate::failure::Result;
use crate::outputs::check_place;
use crate::scraps::Scrap;
use crate::signals;
use crate::terminal::{give_path, say};

/// Convert weights (PyTorch, ONNX, safetensors) into the native file.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The weights: a PyTorch state dict, an ONNX model, or a safetensors file
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Replace the file, if it is there
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    form: Form,
}

/// What the native file shall be like.
#[derive(Debug, Clone, Args)]
pub(crate) struct Form {
    /// How the weights are stored: f32, f16, bf16 or codebook (one byte a weight)
    #[arg(long, default_value = "f32", value_parser = encoding)]
    encoding: Encoding,
    /// The last layer to keep, such as `relu5_1`; what lies behind it is left out
    #[arg(long, value_name = "LAYER")]
    cut: Option<Layer>,
    /// The pixels that the weights were trained on: caffe (BGR, 0 to 255) or torch (RGB, 0 to 1) [default: found out]
    #[arg(long = "input", id = "pixels", value_name = "PIXELS", value_parser = pixels)]
    pixels: Option<PixelTransform>,
    /// Where the weights come from, in words
    #[arg(long, value_name = "WORDS")]
    source: Option<String>,
    /// Licence of the weights, in words
    #[arg(long, value_name = "WORDS")]
    licence: Option<String>,
    /// Write no model card beside the weights
    #[arg(long)]
    no_card: bool,
    #[command(flatten)]
    trust: Trust,
}

/// What a foreign file may do.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Trust {
    /// Let an ONNX model keep its values in other files of its folder
    #[arg(long)]
    external_data: bool,
}

impl Trust {
    pub(super) fn open(self, path: &Path) -> Result<Checkpoint> {
        OpenOptions::new().external_data(self.external_data).open(path).map_err(refused)
    }
}

pub(super) fn encoding(text: &str) -> std::result::Result<Encoding, &'static str> {
    Encoding::from_name(text).ok_or("use f32, f16, bf16 or codebook")
}

pub(super) fn pixels(text: &str) -> std::result::Result<PixelTransform, &'static str> {
    match text {
        "caffe" => Ok(PixelTransform::CaffeBgr255),
        "torch" => Ok(PixelTransform::TorchRgb01),
        name => PixelTransform::from_name(name).ok_or("use caffe or torch"),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let (output, force) = (&arguments.output, arguments.force);
    check_place(output, force, &[&arguments.input])?;
    if !arguments.form.no_card {
        for card in style_transfer::import::ModelCard::places(output) {
            check_place(&card, force, &[&arguments.input])?;
        }
    }
    arguments.form.convert(&arguments.input, &arguments.output)
}

impl Form {
    /// Converts, tells on stderr what that gave, and prints the path.
    pub(super) fn convert(&self, input: &Path, output: &Path) -> Result<()> {
        let checkpoint = self.trust.open(input)?;
        let _scraps = Scrap::unfinished(output.with_extension("")); // of the card, too
        let card = checkpoint.write(output, &self.options()).map_err(refused)?;
        signals::wrote(output);
        say(&card);
        if !self.no_card {
            let [markdown, json] = card.save_beside(output).map_err(refused)?;
            say(format!("card       {} and {}", markdown.display(), json.display()));
        }
        give_path(output)
    }

    pub(super) fn options(&self) -> WriteOptions {
        WriteOptions {
            encoding: self.encoding,
            cut: self.cut,
            input: self.pixels,
            source: self.source.clone(),
            licence: self.licence.clone(),
        }
    }
}
