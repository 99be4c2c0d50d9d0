//! What every run takes besides its pictures.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::number::whole;
use super::settings::SettingsArguments;
use super::suggested;

/// Settings, network, limits, output and what is shown on the way.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) settings: SettingsArguments,
    #[command(flatten)]
    pub(crate) sources: SourceArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) keeping: KeepingArguments,
    #[command(flatten)]
    pub(crate) showing: ShowingArguments,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
}

/// Where settings and network come from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings and network")]
pub(crate) struct SourceArguments {
    /// Where the settings begin: a name of `style presets list`, or a TOML file; fast, balanced and fine trade time for
    /// quality [default: balanced]
    #[arg(long, value_name = "NAME|FILE.toml", value_parser = suggested::presets(), hide_possible_values = true)]
    pub(crate) preset: Option<String>,
    /// A file with everything that a run depends on, as `style rerun PICTURE --print` writes it
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) recipe: Option<PathBuf>,
    /// A native weights file, as `style weights import` makes it, or the name of weights that `style weights get` fetched;
    /// another network sees other textures
    /// [default: the bundled VGG-19]
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) weights: Option<PathBuf>,
    /// What computes: auto, cpu, gpu, vulkan:1, cuda, remote:ws://HOST:PORT, where the build has it; `style devices` lists
    /// what there is [default: auto]
    #[arg(long, value_name = "NAME", value_parser = suggested::devices(), hide_possible_values = true)]
    pub(crate) device: Option<String>,
}

/// Where the result goes and how it is written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArguments {
    /// Where the picture goes: .png, .jpg or .webp; - writes a PNG to stdout [default: `CONTENT_in_STYLE.png` in this
    /// folder]
    #[arg(short, long, value_name = "PICTURE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace files that are there, and forget the checkpoint of an earlier run
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Bits of every sample; 16 needs a .png and keeps smooth skies free of bands [default: 8]
    #[arg(long, value_name = "8|16", value_parser = ["8", "16"])]
    pub(crate) bits: Option<String>,
    /// Quality of a JPEG, 1 to 100; smaller files at lower numbers [default: 95]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u8>(1..=100))]
    pub(crate) quality: Option<u8>,
    /// Leave the recipe out of the picture; `style rerun` cannot read it then
    #[arg(long)]
    pub(crate) no_recipe: bool,
    /// Write a report beside the picture: NAME.report.html and NAME.report.json
    #[arg(long)]
    pub(crate) report: bool,
    /// Write an animation of the picture as it forms: .png (APNG) or .gif
    #[arg(long, value_name = "FILE")]
    pub(crate) timelapse: Option<PathBuf>,
    /// Write the picture so far every N steps, as NAME.0100.png for step 100
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u64>(1..=u64::MAX))]
    pub(crate) save_every: Option<u64>,
}

impl OutputArguments {
    /// Bits of every channel of a pixel.
    pub(crate) fn depth(&self) -> u8 {
        if self.bits.as_deref() == Some("16") { 16 } else { 8 }
    }
}

/// What is kept of a run on its way.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Checkpoints")]
pub(crate) struct KeepingArguments {
    /// Seconds between checkpoints, besides one at every scale; 0 for every step [default: 60]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = whole::<u64>(0..=u64::MAX))]
    pub(crate) checkpoint_every: Option<u64>,
    /// Keep the checkpoint when the run is done
    #[arg(long)]
    pub(crate) keep_checkpoints: bool,
    /// Write no checkpoints; an interrupted run cannot be resumed then
    #[arg(long, conflicts_with = "keep_checkpoints")]
    pub(crate) no_checkpoints: bool,
}

/// What is shown on the way.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Progress")]
pub(crate) struct ShowingArguments {
    /// How progress is told on stderr: a bar, a line a second, a JSON object per line for programs, or nothing; auto is
    /// the bar on a terminal, lines elsewhere [default: auto]
    #[arg(long, value_enum, value_name = "KIND", hide_possible_values = true)]
    pub(crate) progress: Option<ProgressKind>,
    /// Show the picture as it forms on a page of this machine, http://127.0.0.1:PORT; without a port a free one is taken
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "0", value_parser = whole::<u16>(0..=65535))]
    pub(crate) view: Option<u16>,
    /// How the picture is drawn in the terminal, above the bar: by the graphics of kitty or iTerm2, in half blocks of text,
    /// or not at all; auto goes by what the terminal says of itself [default: auto]
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) terminal_picture: Option<PictureKind>,
    /// Whether the live page is there after the run; `style serve`.
    #[arg(skip)]
    pub(crate) stays: bool,
    /// Say nothing but errors; the result's path still goes to stdout
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// How progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ProgressKind {
    #[default]
    Auto,
    Bar,
    Plain,
    Json,
    None,
}

/// How the picture is drawn in a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum PictureKind {
    #[default]
    Auto,
    Kitty,
    Iterm,
    Blocks,
    None,
}

/// What is too much.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArguments {
    /// Most memory that the run may take, in MiB; more is refused before it begins [default: what the machine has]
    #[arg(long, value_name = "MIB", allow_negative_numbers = true, value_parser = whole::<u64>(1..=u64::MAX))]
    pub(crate) max_memory: Option<u64>,
    /// Most pixels of an input picture, in millions; guards against files that unpack to more than the memory
    /// [default: 67]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u64>(1..=100_000))]
    pub(crate) max_megapixels: Option<u64>,
    /// Longest side of an input picture in px [default: 16384]
    #[arg(long, value_name = "PX", allow_negative_numbers = true, value_parser = whole::<u64>(1..=1_000_000))]
    pub(crate) max_side: Option<u64>,
    /// Largest input file in MiB [default: 512]
    #[arg(long, value_name = "MIB", allow_negative_numbers = true, value_parser = whole::<u64>(1..=1_000_000))]
    pub(crate) max_file_size: Option<u64>,
    /// Refuse pictures that can only be read with a warning, such as those with a broken colour profile
    #[arg(long)]
    pub(crate) strict: bool,
}
