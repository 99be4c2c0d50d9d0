//! The commands, a file each.

pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod devices;
pub(crate) mod doctor;
pub(crate) mod man;
pub(crate) mod presets;
pub(crate) mod reconstruct;
pub(crate) mod rerun;
pub(crate) mod resume;
pub(crate) mod save_style;
pub(crate) mod serve;
pub(crate) mod texture;
pub(crate) mod transfer;
pub(crate) mod weights;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use crate::arguments::{Arguments, BRIEF, Command, RunArguments, StyleArguments, Typed, refusal};
use crate::failure::{Exit, Failure, Result};
use crate::inputs::{Inputs, Reader};
use crate::job::Job;
use crate::journey::Earlier;
use crate::machine::Machine;
use crate::outputs::Output;
use crate::recipe::{Layers, Recipe, Settled};
use crate::watch::Claims;
use crate::{signals, terminal};

/// Does what the arguments ask for.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<Exit> {
    if arguments.len() <= 1 {
        terminal::say(BRIEF);
        return Ok(Exit::Usage);
    }
    let matches = match Arguments::command().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => return answer(&error, &arguments),
    };
    if asks_for_quiet(&matches) {
        terminal::quiet();
    }
    let arguments =
        Arguments::from_arg_matches(&matches).map_err(|error| Failure::new(Exit::Internal, error))?;
    signals::nothing(interrupted(arguments.command.as_ref()));
    match arguments.command {
        None => transfer::run(arguments.transfer),
        Some(Command::Texture(arguments)) => texture::run(*arguments),
        Some(Command::Reconstruct(arguments)) => reconstruct::run(*arguments),
        Some(Command::Demo(arguments)) => demo::run(*arguments),
        Some(Command::Resume(arguments)) => resume::run(*arguments),
        Some(Command::Rerun(arguments)) => rerun::run(*arguments),
        Some(Command::Serve(arguments)) => serve::run(*arguments),
        Some(Command::Compare(arguments)) => compare::run(*arguments),
        Some(Command::SaveStyle(arguments)) => save_style::run(*arguments).map(|()| Exit::Done),
        Some(Command::Weights(arguments)) => weights::run(&arguments).map(|()| Exit::Done),
        Some(Command::Devices(arguments)) => devices::run(&arguments).map(|()| Exit::Done),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments).map(|()| Exit::Done),
        Some(Command::Presets(arguments)) => presets::run(&arguments).map(|()| Exit::Done),
        Some(Command::Completions(arguments)) => {
            completions::run(&arguments, Arguments::command()).map(|()| Exit::Done)
        }
        Some(Command::Man(arguments)) => man::run(&arguments, Arguments::command()).map(|()| Exit::Done),
    }
}

/// What a signal is answered with as long as a command has nothing to save.
const fn interrupted(command: Option<&Command>) -> &'static str {
    match command {
        Some(Command::Compare(_)) => "interrupted before the first picture; nothing was written",
        Some(Command::Doctor(_)) => "interrupted before the end of the examination; nothing was written",
        None
        | Some(
            Command::Texture(_)
            | Command::Reconstruct(_)
            | Command::Demo(_)
            | Command::Resume(_)
            | Command::Rerun(_)
            | Command::Serve(_),
        ) => "interrupted before the first step; nothing was written",
        Some(_) => "interrupted; nothing was written",
    }
}

/// Whether the command that was typed has `--quiet`, and it was said.
fn asks_for_quiet(matches: &ArgMatches) -> bool {
    match matches.subcommand() {
        Some((_, matches)) => asks_for_quiet(matches),
        None => matches.try_get_one::<bool>("quiet").ok().flatten().is_some_and(|quiet| *quiet),
    }
}

/// What clap answers by itself: help and version to stdout, what is wrong to stderr.
fn answer(error: &clap::Error, arguments: &[OsString]) -> Result<Exit> {
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        terminal::give(text.trim_end())?;
        return Ok(Exit::Done);
    }
    let typed = Typed::of(arguments);
    if let Some(failure) = refusal(error, &typed) {
        return Err(failure);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        terminal::say(text.trim_end());
        return Ok(Exit::Usage);
    }
    let why = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    Err(Failure::usage(why).help(format!("`{} --help` lists all options", typed.name)))
}

/// A picture whose name is a port, behind `--view`, which takes one with `=` only.
fn port_apart(pictures: &Recipe, run: &RunArguments) -> Result<()> {
    let is_port = |path: &&PathBuf| path.to_str().is_some_and(|text| text.parse::<u16>().is_ok());
    let named = pictures.content.iter().chain(pictures.styles.iter().map(|style| &style.path));
    match named.filter(is_port).find(|path| !path.exists()) {
        Some(port) if run.showing.view == Some(0) => {
            let port = port.display();
            Err(Failure::usage(format!("there is no picture {port:?}", port = port.to_string()))
                .help(format!("a port is written behind an equals sign: --view={port}")))
        }
        _ => Ok(()),
    }
}

/// The recipes of the arguments that every run takes: the file's, then `--set`, then the named options.
pub(crate) fn layers(
    below: Vec<Recipe>,
    pictures: Recipe,
    style: &StyleArguments,
    run: &RunArguments,
) -> Result<Layers> {
    port_apart(&pictures, run)?;
    let mut recipes = below;
    if let Some(path) = &run.sources.recipe {
        recipes.push(Recipe::open(path)?);
    }
    recipes.push(Recipe {
        init: run.settings.init_picture().cloned(),
        preset: run.sources.preset.clone(),
        weights: run.sources.weights.clone(),
        device: run.sources.device.clone(),
        settings: run.settings.table()?,
        ..pictures
    });
    Ok(Layers { recipes, scales: style.style_scale.clone(), masks: style.mask.clone(), ..Layers::default() })
}

/// One run from its recipe on.
pub(crate) fn run_recipe(settled: &Settled, arguments: &RunArguments) -> Result<Exit> {
    let output = Output::claim(arguments, &settled.recipe)?;
    run_to(settled, arguments, &output, None)
}

/// The same where the output is claimed already, and perhaps a part of the run done.
pub(crate) fn run_to(
    settled: &Settled,
    arguments: &RunArguments,
    output: &Output,
    earlier: Option<Earlier>,
) -> Result<Exit> {
    let claims = Claims::of(arguments, &settled.recipe, output)?;
    let inputs = Inputs::open(&settled.recipe, &Reader::new(arguments))?;
    let machine = Machine::open(&settled.recipe)?;
    let mut settled = settled.clone();
    inputs.sign(&mut settled.recipe);
    Job { settled: &settled, machine: &machine, inputs: &inputs, arguments, output, earlier, claims }.run()
}

/// A recipe that lacks what its task needs.
pub(crate) fn missing(what: &str, example: &str) -> Failure {
    Failure::usage(format!("there is no {what}"))
        .help(format!("such as `{example}`; `style --help` tells more"))
}

/// Gives out a value as JSON.
pub(crate) fn give_json(value: &impl serde::Serialize) -> Result<()> {
    terminal::give(serde_json::to_string_pretty(value).map_err(|error| Failure::new(Exit::Internal, error))?)
}
