//! `style save-style PAINTING`

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use style_transfer::StyleFile;

use super::{layers, missing};
use crate::arguments::{RunArguments, SettingsArguments, StyleArguments, suggested};
use crate::failure::{Exit, Failure, Result};
use crate::inputs::{Inputs, Reader, is_stdin, paths};
use crate::machine::Machine;
use crate::outputs::check_place;
use crate::places::with_ending;
use crate::recipe::{Recipe, StyleRecipe};
use crate::terminal::{give_path, say};
use crate::writing::{write_to_free_name, write_whole};
use crate::{rescue, signals};

/// Statistics of a painting in a file.
#[derive(Debug, Args)]
#[command(override_usage = "style save-style [OPTIONS] PAINTING")]
pub(crate) struct Arguments {
    /// The painting whose textures are kept
    #[arg(value_name = "PAINTING", value_hint = ValueHint::FilePath)]
    painting: OsString,
    /// The file to write [default: PAINTING.style, without its own extension, in this folder]
    #[arg(short, long, value_name = "FILE.style")]
    output: Option<PathBuf>,
    /// Replace the file, if it is there
    #[arg(short, long)]
    force: bool,
    /// Words about it that the file carries: what it shows, who made it, under which licence
    #[arg(long, value_name = "WORDS", default_value = "")]
    about: String,
    /// Where the settings begin: their layers, sizes and pooling count here, and a run that uses the file needs the same
    /// [default: balanced]
    #[arg(long, value_name = "NAME|FILE.toml", value_parser = suggested::presets(), hide_possible_values = true)]
    preset: Option<String>,
    /// The weights of the network; the file belongs to them [default: the bundled VGG-19]
    #[arg(long, value_name = "FILE|NAME")]
    weights: Option<PathBuf>,
    /// What computes [default: auto]
    #[arg(long, value_name = "NAME", value_parser = suggested::devices(), hide_possible_values = true)]
    device: Option<String>,
    #[command(flatten)]
    settings: SettingsArguments,
}

/// Writes the file.
///
/// # Errors
///
/// Those of a run with this painting, and exit code 5 for a file that cannot be written.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let Arguments { painting, output, force, about, preset, weights, device, settings } = arguments;
    let painting = PathBuf::from(painting);
    let output = output.unwrap_or_else(|| default_name(&painting));
    if output.extension().is_none_or(|extension| extension != "style") {
        return Err(Failure::usage(format!("{} is no name of a style file", output.display()))
            .help("end it in .style, by which runs tell it from a picture"));
    }
    let mut run = RunArguments { settings, ..RunArguments::default() };
    (run.sources.preset, run.sources.weights, run.sources.device) = (preset, weights, device);
    let styles = vec![StyleRecipe::new(painting)];
    let pictures = Recipe { styles, ..Recipe::default() };
    let settled = layers(Vec::new(), pictures, &StyleArguments::default(), &run)?.settle()?;
    check_place(&output, force, &paths(&settled.recipe))?;
    let opened = Inputs::open_styles(&settled.recipe, &Reader::new(&run))?;
    let style = opened.first().ok_or_else(|| missing("painting", "style save-style painting.jpg"))?;
    try_place(&output)?;
    let machine = Machine::open(&settled.recipe)?;
    let file = StyleFile::new(&machine.vgg, &settled.settings, style.style())?.with_about(about);
    let (bytes, name) = (file.to_bytes()?, output.file_name().unwrap_or_default());
    write_whole(&output, &bytes)
        .map_err(|error| rescue::keep(error.into(), Path::new(name), &bytes, "the style file"))?;
    signals::wrote(&output);
    let sizes: Vec<String> = file.sizes().iter().map(ToString::to_string).collect();
    say(format!(
        "{} layers, for results of {} px; it belongs to {}",
        file.layers().len(),
        sizes.join(", "),
        file.network()
    ));
    give_path(&output)
}

/// Refuses a place where no file can be made: better now than after the work.
fn try_place(path: &Path) -> Result<()> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Output, format!("cannot write {}: {error}", path.display()))
            .help("see that the folder may be written to and the disk has room")
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let tried = write_to_free_name(&with_ending(path, ".tmp"), b"").map_err(failed)?;
    fs::remove_file(tried).map_err(failed)
}

/// `starry.style` of `paintings/starry.jpg`, `stdin.style` of `-`.
fn default_name(painting: &Path) -> PathBuf {
    let painting = if is_stdin(painting) { Path::new("stdin") } else { painting };
    Path::new(painting.file_stem().unwrap_or("painting".as_ref())).with_added_extension("style")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_follows_from_the_painting() {
        assert_eq!(default_name(Path::new("a/starry.night.jpg")), Path::new("starry.night.style"));
        assert_eq!(default_name(Path::new("-")), Path::new("stdin.style"));
    }
}
