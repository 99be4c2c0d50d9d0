//! `style presets`: settings with a name.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::json;
use style_transfer::{Preset, Settings};
use toml::{Table, Value};

use crate::arguments::suggested;
use crate::commands::give_json;
use crate::failure::{Exit, Failure, Result};
use crate::recipe::preset;
use crate::terminal::give;

/// List settings that have a name, or show all that one of them says.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List all presets
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show every setting of a preset; what differs from the default is marked
    Show {
        /// Which preset, or the file of one
        #[arg(value_name = "NAME|FILE.toml", value_parser = suggested::presets(), hide_possible_values = true)]
        name: String,
        /// Print it as a preset file, which --preset takes after you changed it
        #[arg(long)]
        toml: bool,
    },
}

/// Prints presets.
///
/// # Errors
///
/// Exit code 2 for a name that no preset has.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Command::List { json: false } => give(list()?.trim_end()),
        Command::List { json: true } => {
            let presets = presets()?.into_iter().map(|(name, preset)| {
                let mut entry = json!(preset);
                entry["name"] = json!(name);
                entry
            });
            give_json(&presets.collect::<Vec<_>>())
        }
        Command::Show { name, toml: true } => give(toml_of(&preset(name)?)?.trim_end()),
        Command::Show { name, toml: false } => give(show(name, &preset(name)?)?.trim_end()),
    }
}

fn presets() -> Result<Vec<(&'static str, Preset)>> {
    Preset::names().map(|name| Ok((name, Preset::named(name)?))).collect()
}

fn list() -> Result<String> {
    let mut text = format!("{:<20} {:<11} about\n", "name", "weights");
    for (name, preset) in presets()? {
        let _ = writeln!(text, "{name:<20} {:<11} {}", weights(&preset)?, preset.about);
    }
    Ok(text)
}

/// The weights that a preset was tuned on, as its file says it.
fn weights(preset: &Preset) -> Result<String> {
    match Value::try_from(preset.weights).map_err(internal)? {
        Value::String(word) => Ok(word),
        other => Ok(other.to_string()),
    }
}

fn show(name: &str, preset: &Preset) -> Result<String> {
    let mut text =
        format!("{name}: {}\nsource: {}\nweights: {}", preset.about, preset.source, weights(preset)?);
    text += if preset.recalled { "\nrecalled from the paper, not read from a program\n\n" } else { "\n\n" };
    let (own, default) = (lines(&preset.settings)?, lines(&Settings::default())?);
    let width = own.iter().map(|(name, value)| name.len() + value.len() + 3).max().unwrap_or_default();
    for (name, value) in &own {
        let default = default.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let line = format!("{name} = {value}");
        let _ = match default {
            Some(default) if default == value => writeln!(text, "  {line}"),
            Some(default) => writeln!(text, "* {line:width$}  default {default}"),
            None => writeln!(text, "* {line:width$}  the default has none"),
        };
    }
    let missing = default.iter().filter(|(name, _)| own.iter().all(|(known, _)| known != name));
    for (name, value) in missing {
        let line = format!("{name} is not said");
        let _ = writeln!(text, "* {line:width$}  default {value}");
    }
    Ok(text)
}

/// Every setting by its dotted name, as `--set` takes it.
fn lines(settings: &Settings) -> Result<Vec<(String, String)>> {
    let text = toml::to_string(settings).map_err(internal)?;
    // From the text, which has numbers as a person would write them.
    let table: Table = text.parse().map_err(internal)?;
    let mut lines = Vec::new();
    flatten(&table, "", &mut lines);
    Ok(lines)
}

fn flatten(table: &Table, above: &str, lines: &mut Vec<(String, String)>) {
    for (key, value) in table {
        match value {
            Value::Table(below) => flatten(below, &format!("{above}{key}."), lines),
            value => lines.push((format!("{above}{key}"), value.to_string())),
        }
    }
}

fn toml_of(preset: &Preset) -> Result<String> {
    toml::to_string(preset).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Internal, format!("cannot write a preset: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_as_toml_is_the_preset() {
        for (name, preset) in presets().unwrap() {
            assert_eq!(Preset::parse(&toml_of(&preset).unwrap()).unwrap(), preset, "{name}");
        }
    }

    #[test]
    fn what_differs_from_the_default_is_marked_and_nothing_else() {
        let shown = show("balanced", &Preset::named("balanced").unwrap()).unwrap();
        assert!(!shown.lines().any(|line| line.starts_with('*')), "{shown}");
        assert!(shown.contains("\n  content_weight = 0.03\n"), "{shown}");

        let shown = show("fine", &Preset::named("fine").unwrap()).unwrap();
        let marked: Vec<_> = shown.lines().filter(|line| line.starts_with('*')).collect();
        assert_eq!(marked.len(), 4, "{shown}"); // size, steps, pooling and its gain
        assert!(marked.iter().any(|line| line.contains("size = 512") && line.ends_with("default 320")));

        let shown = show("crowsonkb-w2", &Preset::named("crowsonkb-w2").unwrap()).unwrap();
        assert!(shown.contains("* optimizer.history is not said"), "{shown}");
        assert!(shown.contains("the default has none"), "{shown}");
    }

    #[test]
    fn the_list_names_every_preset() {
        let list = list().unwrap();
        assert!(Preset::names().all(|name| list.contains(name)), "{list}");
    }
}
