//! `style weights inspect`: what a weights file holds.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use style_transfer::PixelTransform;
use style_transfer::import::{Checkpoint, WriteOptions};

use super::import::{Trust, pixels};
use super::refused;
use crate::commands::give_json;
use crate::failure::Result;
use crate::terminal::give;
use crate::weights::resolve;

/// Show what a weights file holds, native or foreign; nothing in it is run.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The weights file, or the name of fetched weights
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The pixels that the weights were trained on: caffe or torch [default: found out]
    #[arg(long = "input", id = "pixels", value_name = "PIXELS", value_parser = pixels)]
    pixels: Option<PixelTransform>,
    #[command(flatten)]
    trust: Trust,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let path = resolve(&arguments.input)?;
    let checkpoint = arguments.trust.open(&path)?;
    let options = WriteOptions { input: arguments.pixels, ..WriteOptions::default() };
    let (info, input) = checkpoint.describe(&options).map_err(refused)?;
    if arguments.json {
        let bytes = std::fs::metadata(&path).map(|file| file.len()).ok();
        let warnings: Vec<String> = input.warnings.iter().map(ToString::to_string).collect();
        return give_json(&json!({
            "file": path,
            "bytes": bytes,
            "sha256": checkpoint.sha256(),
            "architecture": info.architecture,
            "container": checkpoint.container(),
            "key_names": checkpoint.family().name(),
            "pooling": info.pooling,
            "pixels": info.input,
            "pixels_evidence": input.evidence,
            "source": info.source,
            "licence": info.licence,
            "layers": layers(&checkpoint),
            "warnings": warnings,
        }));
    }
    let mut text = header(&checkpoint);
    let known =
        |words: &str| if words.is_empty() { "not known".to_owned() } else { words.escape_debug().collect() };
    let _ = writeln!(text, "\npixels     {} ({})", info.input, input.evidence);
    let _ = writeln!(text, "source     {}\nlicence    {}", known(&info.source), known(&info.licence));
    for warning in &input.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    give(text.trim_end())
}

fn layers(checkpoint: &Checkpoint) -> Vec<Value> {
    let layer = |layer: &style_transfer::import::FoundConvolution| {
        json!({
            "name": layer.convolution.name(),
            "key": layer.key,
            "shape": layer.convolution.weight_shape(),
            "dtype": layer.dtype,
            "parameters": layer.convolution.parameters(),
            "batch_norm": layer.normalised,
        })
    };
    checkpoint.layers().iter().map(layer).collect()
}

/// The network and its convolutions, as a table.
fn header(checkpoint: &Checkpoint) -> String {
    let pooling = checkpoint.pooling().map_or(String::new(), |pooling| format!(", {pooling} pooling"));
    let mut text = format!(
        "{}{pooling}\ncontainer  {}, key names: {}\nsha256     {}\n\n{:<8}  {:<22} {:<18} {:<6} {:>9}\n",
        checkpoint.architecture(),
        checkpoint.container(),
        checkpoint.family(),
        checkpoint.sha256(),
        "layer",
        "key",
        "shape",
        "type",
        "values"
    );
    for layer in checkpoint.layers() {
        let shape = format!("{:?}", layer.convolution.weight_shape());
        // A stranger's words: no control character reaches the terminal.
        let key: String = layer.key.escape_debug().take(60).collect();
        let norm = if layer.normalised { "  batch norm, folded on import" } else { "" };
        let _ = writeln!(
            text,
            "{:<8}  {key:<22} {shape:<18} {:<6} {:>9}{norm}",
            layer.convolution.name(),
            layer.dtype,
            layer.convolution.parameters()
        );
    }
    text
}
