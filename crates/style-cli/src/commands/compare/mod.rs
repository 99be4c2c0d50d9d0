//! `style compare`: one picture for every value of an option, side by side.

mod candidate;
mod comparison;
mod sheet;
mod text;
mod unused;
mod vary;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use style_transfer::{Image, Plan};

use super::{layers, missing};
use crate::arguments::number::whole;
use crate::arguments::{RunArguments, StyleArguments};
use crate::claim::Claim;
use crate::failure::{Exit, Failure, Result};
use crate::inputs::{Reader, is_stdin, paths, style_recipe};
use crate::job::Job;
use crate::machine::Machine;
use crate::outputs::Output;
use crate::places;
use crate::plan::{Planned, check};
use crate::recipe::{Recipe, Settled, TaskName};
use crate::rescue::Rescue;
use crate::signals;
use crate::terminal::{Event, duration, give_path, tell, tell_programs};
use crate::watch::Claims;
use crate::writing::{Writing, write_whole};

use candidate::{Candidate, LETTERS, Opened};
use comparison::{Comparison, Lines};
use sheet::{Extent, Sheet};
use vary::{Vary, combinations};

/// One picture for every value of an option, or of two, on one sheet.
///
/// `style compare photo.jpg painting.jpg --vary content-weight=0.01,0.03,0.1 -o sheet.png`
#[derive(Debug, Args)]
#[command(override_usage = "style compare [OPTIONS] CONTENT STYLE[=WEIGHT]... --vary NAME=V1,V2,...")]
pub(crate) struct Arguments {
    /// The photograph to redraw
    #[arg(value_name = "CONTENT")]
    content: Option<OsString>,
    /// The paintings whose textures are wanted
    #[arg(value_name = "STYLE[=WEIGHT]")]
    styles: Vec<OsString>,
    /// An option of the look or the optimisation, or a setting of `style presets show`, with its values; a second one makes
    /// a grid. Lists are written with +, as in steps=20+20+40,50
    #[arg(long, value_name = "NAME=V1,V2", required = true)]
    vary: Vec<String>,
    /// Longest side of a picture on the sheet in px; larger ones are shrunk
    #[arg(long, value_name = "PX", default_value_t = 320, value_parser = whole::<u32>(16..=4096), allow_negative_numbers = true)]
    cell: u32,
    #[command(flatten)]
    style: StyleArguments,
    #[command(flatten)]
    run: RunArguments,
}

/// All runs of a sheet, on their way to be checked.
struct Runs<'a> {
    candidates: &'a [Candidate],
    opened: &'a mut Opened,
    machine: &'a Machine,
    output: &'a Output,
    arguments: &'a RunArguments,
}

impl Runs<'_> {
    fn job<'a>(&'a mut self, candidate: &'a Candidate) -> Job<'a> {
        Job {
            settled: &candidate.settled,
            machine: self.machine,
            inputs: self.opened.of(&candidate.settled.recipe),
            arguments: self.arguments,
            output: self.output,
            earlier: None,
            claims: Claims::default(),
        }
    }
}

/// Runs by which the time of all is told, at most.
const TRIED: usize = 12;

/// Makes the sheet. A run that fails leaves its place empty, and the others go on.
///
/// # Errors
///
/// Before the work: what any of the runs would be refused for, or a sheet that is too large. After it: that of the first
/// run that failed; 130 or 143 after a signal, with what was made until then on the sheet.
pub(crate) fn run(mut arguments: Arguments) -> Result<Exit> {
    unused::refuse(&arguments.run)?;
    let path = arguments.run.output.output.take().unwrap_or_else(|| "sheet.png".into());
    let varies = arguments.varies()?;
    let candidates = arguments.candidates(&varies)?;
    let Some(first) = candidates.first() else { return Ok(Exit::Done) };
    let inputs: Vec<&Path> =
        candidates.iter().flat_map(|candidate| paths(&candidate.settled.recipe)).collect();
    let output = Output::claim_path(path, arguments.run.output.force, &inputs)?;
    output.check_format(&arguments.run)?;
    let report = arguments.report(&output);
    let _claim = report
        .as_deref()
        .map(|report| Claim::of("-o", report, arguments.run.output.force, &inputs))
        .transpose()?;
    let mut opened = Opened::new(&candidates, &Reader::new(&arguments.run))?;
    let machine = Machine::open(&first.settled.recipe)?;
    let mut runs = Runs {
        candidates: &candidates,
        opened: &mut opened,
        machine: &machine,
        output: &output,
        arguments: &arguments.run,
    };
    let (plans, sheet) = arguments.plan(&varies, &mut runs)?;
    arguments.tell(&mut runs, &plans);
    let (cell, lines) = (arguments.cell as usize, Lines::of(&arguments.run.showing));
    let mut comparison = Comparison { candidates, plans, opened, machine, sheet, cell, lines };

    signals::work();
    let results = comparison.run();
    if results.iter().flatten().all(std::result::Result::is_err) {
        return comparison.end(results, None);
    }
    arguments.save(&comparison.sheet.draw(&comparison.cells(&results))?, &output)?;
    if let Some(path) = output.path() {
        give_path(path)?;
    }
    if let Some(report) = &report {
        write_whole(report, &comparison.report(&results)?).map_err(|error| {
            let failure = Failure::from(error);
            let message = format!("{}; the sheet {} is whole", failure.message, output.name());
            Failure { message, ..failure }
        })?;
    }
    tell_sheet(output.path(), report.as_deref());
    comparison.end(results, output.path())
}

fn tell_sheet(picture: Option<&Path>, data: Option<&Path>) {
    let name = |path: &Path| path.display().to_string();
    let (picture, data) = (picture.map(name), data.map(name));
    tell_programs(&Event::Sheet { picture: picture.as_deref(), data: data.as_deref() });
}

impl Arguments {
    fn varies(&self) -> Result<Vec<Vary>> {
        if self.vary.len() > 2 {
            return Err(Failure::usage(format!("--vary is given {} times", self.vary.len()))
                .help("a sheet has rows and columns: vary one option or two"));
        }
        let varies: Vec<Vary> = self.vary.iter().map(|text| text.parse()).collect::<Result<_>>()?;
        match &varies[..] {
            [rows, columns] if rows.name == columns.name => {
                Err(Failure::usage(format!("--vary names {} twice", rows.name))
                    .help(format!("give all its values at once: --vary {}=A,B,C", rows.name)))
            }
            _ => Ok(varies),
        }
    }

    /// Every run of the sheet, settled.
    fn candidates(&self, varies: &[Vary]) -> Result<Vec<Candidate>> {
        combinations(varies)
            .into_iter()
            .map(|values| {
                let settled = self.settled(varies, &values)?;
                let labels = varies.iter().zip(&values).map(|(vary, value)| vary.label(value)).collect();
                Ok(Candidate { labels, settled })
            })
            .collect()
    }

    fn settled(&self, varies: &[Vary], values: &[&str]) -> Result<Settled> {
        let styles = self.styles.iter().map(|style| style_recipe(style)).collect::<Result<_>>()?;
        let pictures =
            Recipe { content: self.content.clone().map(PathBuf::from), styles, ..Recipe::default() };
        let mut layers = layers(Vec::new(), pictures, &self.style, &self.run)?;
        for (vary, value) in varies.iter().zip(values) {
            vary.apply(value, &mut layers)?;
        }
        let settled = layers.settle()?;
        let recipe = &settled.recipe;
        let example = "style compare photo.jpg painting.jpg --vary content-weight=0.01,0.03,0.1";
        if recipe.task != Some(TaskName::Transfer) {
            return Err(Failure::usage("the recipe is none of a transfer").help("leave --recipe out"));
        }
        if recipe.content.is_none() {
            return Err(missing("photograph", example));
        }
        if recipe.styles.is_empty() {
            return Err(missing("painting", example));
        }
        if paths(recipe).into_iter().any(is_stdin) {
            return Err(Failure::usage("stdin can be read once only, and there are several runs")
                .help("save the picture in a file"));
        }
        Ok(settled)
    }

    /// Where the report goes, if it is wanted.
    fn report(&self, output: &Output) -> Option<PathBuf> {
        let [_, report] = places::report(output.path().filter(|_| self.run.output.report)?);
        Some(report)
    }

    /// Writes the sheet, or keeps it elsewhere: hours of work may be on it.
    fn save(&self, sheet: &Image, output: &Output) -> Result<()> {
        let writing =
            Writing { bits: self.run.output.depth(), quality: self.run.output.quality, ..Writing::default() };
        output
            .save(sheet, &writing)
            .map_err(|failure| Rescue { output, writing }.elsewhere(failure, sheet, "the sheet"))
    }

    /// Checks every run, and lays out the sheet.
    fn plan(&self, varies: &[Vary], runs: &mut Runs<'_>) -> Result<(Vec<Plan>, Sheet)> {
        let mut plans = Vec::new();
        let mut largest = (0, 0);
        for candidate in runs.candidates {
            let plan = check(&runs.job(candidate)).map_err(|failure| Failure {
                message: format!("{}: {}", candidate.labels.join(", "), failure.message),
                ..failure
            })?;
            let shrink = (f64::from(self.cell) / plan.width.max(plan.height) as f64).min(1.0);
            let side = |px: usize| (px as f64 * shrink).ceil() as usize;
            largest = (largest.0.max(side(plan.width)), largest.1.max(side(plan.height)));
            plans.push(plan);
        }
        Ok((plans, laid_out(varies, runs.candidates, largest)?))
    }

    /// Tells how long all will take, going by some of them, spread evenly.
    fn tell(&self, runs: &mut Runs<'_>, plans: &[Plan]) {
        if self.run.showing.quiet {
            return; // nobody would hear what the trials give
        }
        let stride = plans.len().div_ceil(TRIED).max(1);
        let mut seconds = Some(0.0);
        for (candidate, plan) in runs.candidates.iter().zip(plans).step_by(stride) {
            let one = Planned::timed(&runs.job(candidate), plan.clone()).seconds;
            seconds = seconds.zip(one).map(|(all, one)| all + one);
        }
        let tried = plans.len().div_ceil(stride);
        let seconds = seconds.map(|some| some * plans.len() as f64 / tried as f64);
        let time = seconds.map_or("time unknown before the first steps".to_owned(), |seconds| {
            format!("about {} in all", duration(seconds))
        });
        let pictures = match plans.len() {
            1 => "1 picture".to_owned(),
            several => format!("{several} pictures"),
        };
        let text = &format!("{pictures} on {}: {time}", runs.machine.name());
        tell(text, &Event::Plan { text, seconds });
    }
}

/// The sheet, without its pictures.
fn laid_out(varies: &[Vary], candidates: &[Candidate], picture: (usize, usize)) -> Result<Sheet> {
    let columns = match varies {
        [only] => only.values.len().min(4),
        _ => varies.first().map_or(1, |first| first.values.len()),
    };
    let labels = candidates.iter().flat_map(|candidate| &candidate.labels);
    let letters = labels.map(|label| label.chars().count()).max().unwrap_or(0).max(LETTERS);
    let extent = Extent { columns, cells: candidates.len(), picture, lines: varies.len() + 1, letters };
    let title = candidates.first().map_or_else(String::new, |first| title(&first.settled.recipe));
    Sheet::new(&title, &extent)
}

/// `photo.jpg in painting.jpg`
fn title(recipe: &Recipe) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let content = recipe.content.as_ref().map(name).unwrap_or_default();
    let styles: Vec<_> = recipe.styles.iter().map(|style| name(&style.path)).collect();
    format!("{content} in {}", styles.join(", "))
}
