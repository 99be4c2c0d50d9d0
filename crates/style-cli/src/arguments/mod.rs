//! What can be written on the command line.

pub(crate) mod number;
mod pictures;
mod refusal;
mod run;
mod settings;
pub(crate) mod suggested;
mod typed;

pub(crate) use pictures::{ContentArguments, StyleArguments, TextureSize, TransferArguments};
pub(crate) use refusal::refusal;
pub(crate) use run::{PictureKind, ProgressKind, RunArguments, ShowingArguments};
pub(crate) use settings::SettingsArguments;
pub(crate) use typed::Typed;

use clap::builder::Styles;
use clap::{Parser, Subcommand};

use crate::commands;

/// Redraw a photograph in the textures of one painting or several.
#[derive(Debug, Parser)]
#[command(
    name = "style",
    version,
    styles = Styles::plain(),
    max_term_width = 110,
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    override_usage = "style [OPTIONS] CONTENT STYLE[=WEIGHT]...\n       style [OPTIONS] CONTENT... --with STYLE[=WEIGHT] -o FOLDER\n       style COMMAND ...",
    after_help = AFTER,
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) transfer: TransferArguments,
}

/// What the program does besides style transfer.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a texture from paintings alone, without a photograph
    Texture(Box<commands::texture::Arguments>),
    /// Rebuild a photograph from what the network sees in it, without a painting
    Reconstruct(Box<commands::reconstruct::Arguments>),
    /// Show what the program does, with pictures that come with it; writes demo.png
    Demo(Box<commands::demo::Arguments>),
    /// Go on with a run that was interrupted, to the same picture as if it had not been
    Resume(Box<commands::resume::Arguments>),
    /// Run again what made a picture, going by the recipe inside of it; options change what they name
    Rerun(Box<commands::rerun::Arguments>),
    /// Do a run with the live page, which stays after the end, so that the result can be looked at
    Serve(Box<commands::serve::Arguments>),
    /// Make one picture for every value of an option, side by side on a sheet
    Compare(Box<commands::compare::Arguments>),
    /// Keep what runs need of a painting in a small file, which stands for the painting
    SaveStyle(Box<commands::save_style::Arguments>),
    /// Convert, inspect and fetch the weights of VGG networks
    Weights(Box<commands::weights::Arguments>),
    /// List what can compute here
    Devices(commands::devices::Arguments),
    /// Compare devices with the CPU, layer by layer
    Doctor(Box<commands::doctor::Arguments>),
    /// List settings that have a name, or show what one of them says
    Presets(commands::presets::Arguments),
    /// Print completions for a shell
    Completions(commands::completions::Arguments),
    /// Print the manual, or write a page for every command
    Man(commands::man::Arguments),
}

/// What is said when nothing was asked.
pub(crate) const BRIEF: &str = "\
usage: style CONTENT STYLE[=WEIGHT]... [-o PICTURE]

  style photo.jpg painting.jpg              redraws the photo in the painting's textures
  style photo.jpg a.jpg=0.7 b.jpg=0.3       blends two paintings
  style demo                                shows it with pictures that come with the program
  style --help                              lists all options and commands";

const AFTER: &str = "\
Settings come from the preset, then from the recipe file, then from the options above; each has the last word over \
those before it. Of an option given twice the last one counts; one that takes a list goes on with what was given before.

Exit codes: 0 done, 1 internal error, 2 wrong usage, 3 input picture unusable, 4 weights unusable, 5 output cannot be \
written, 6 over a limit or not enough memory, 7 device unavailable or lost, 8 diverged (the best picture is saved), \
9 checkpoint unusable or of another run, 130 and 143 ended by SIGINT and by SIGTERM or a closed terminal (from the first step on, picture and checkpoint are saved).";
