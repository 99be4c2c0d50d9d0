//! The pictures of a run on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::RunArguments;
use super::number::side;

/// A transfer, or many.
#[derive(Debug, Args)]
pub(crate) struct TransferArguments {
    /// The photograph to redraw; - reads it from stdin. With --with all pictures here are photographs
    #[arg(value_name = "CONTENT", value_hint = ValueHint::FilePath)]
    pub(crate) content: Option<OsString>,
    /// The paintings whose textures are wanted, or style files (.style); the weight says how much each counts when there
    /// are several [default: 1]
    #[arg(value_name = "STYLE[=WEIGHT]", value_hint = ValueHint::FilePath)]
    pub(crate) styles: Vec<OsString>,
    /// Redraw every picture on the command line in this painting; again for a blend. -o names a folder then, and what is
    /// finished there is left alone
    #[arg(long, value_name = "STYLE[=WEIGHT]", help_heading = "Many pictures")]
    pub(crate) with: Vec<PathBuf>,
    /// Do only every N-th of the pictures, so that several machines share them: 1/3, 2/3 and 3/3
    #[arg(long, value_name = "K/N", requires = "with", help_heading = "Many pictures")]
    pub(crate) shard: Option<String>,
    #[command(flatten)]
    pub(crate) style: StyleArguments,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

/// What is said of the paintings, in their order.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Styles")]
pub(crate) struct StyleArguments {
    /// Size of the brush, one number or one for each style: the painting's long side over that of the result; larger
    /// gives larger strokes [default: 1]
    #[arg(long, value_name = "FACTOR", value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) style_scale: Vec<f32>,
    /// One mask for each style: a picture that is white where in the result the style counts; none for everywhere
    #[arg(long, value_name = "PICTURE", value_delimiter = ',')]
    pub(crate) mask: Vec<PathBuf>,
}

/// The picture of a reconstruction.
#[derive(Debug, Args)]
pub(crate) struct ContentArguments {
    /// The photograph to rebuild; - reads it from stdin
    #[arg(value_name = "CONTENT", value_hint = ValueHint::FilePath)]
    pub(crate) content: Option<OsString>,
}

/// The size of a texture.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TextureSize {
    /// Width of the texture in px [default: --size]
    #[arg(long, value_name = "PX", value_parser = side, allow_negative_numbers = true)]
    pub(crate) width: Option<usize>,
    /// Height of the texture in px [default: --size]
    #[arg(long, value_name = "PX", value_parser = side, allow_negative_numbers = true)]
    pub(crate) height: Option<usize>,
}
