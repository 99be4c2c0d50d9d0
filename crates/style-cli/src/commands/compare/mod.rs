//! `style compare`: one picture for every value of an option, side by side.

mod sheet;
mod text;
mod vary;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};
use style_transfer::{CancelToken, Error, Image, Outcome, StyleTransfer, write_atomically};

use super::{layers, missing};
use crate::arguments::{RunArguments, StyleArguments};
use crate::failure::{Exit, Failure, Result};
use crate::inputs::{Inputs, Reader, is_stdin, paths, style_recipe};
use crate::job::{Job, Machine};
use crate::outputs::{Output, with_ending};
use crate::plan::Planned;
use crate::recipe::{MADE_BY, Recipe, Settled, TaskName};
use crate::signals;
use crate::terminal::{duration, give, say};
use crate::writing::Writing;

use sheet::Cell;
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
    #[arg(long, value_name = "PX", default_value_t = 320, value_parser = clap::value_parser!(u32).range(16..=4096))]
    cell: u32,
    #[command(flatten)]
    style: StyleArguments,
    #[command(flatten)]
    run: RunArguments,
}

/// One picture of the sheet, before it is made.
struct Candidate {
    /// A line for each option that varies.
    labels: Vec<String>,
    settled: Settled,
    inputs: Inputs,
}

/// One picture of the sheet.
struct Made {
    picture: Image,
    /// What was measured; none of a run that diverged.
    outcome: Option<Outcome>,
    seconds: f64,
}

/// Makes the sheet.
///
/// # Errors
///
/// Before the work: what any of the runs would be refused for. Exit code 130 or 143 after a signal, and no sheet then.
pub(crate) fn run(mut arguments: Arguments) -> Result<Exit> {
    let token = signals::listen()?;
    let path = arguments.run.output.output.take().unwrap_or_else(|| "sheet.png".into());
    let varies = arguments.varies()?;
    let candidates = arguments.candidates(&varies)?;
    let Some(first) = candidates.first() else { return Ok(Exit::Done) };
    let recipe = &first.settled.recipe;
    let output = Output::claim_path(path, arguments.run.output.force, &paths(recipe))?;
    let report = arguments.report(&output)?;
    let machine = Machine::open(recipe)?;
    arguments.plan(&candidates, &machine, &output, &token)?;
    signals::work();
    let mut made = Vec::new();
    for (number, candidate) in candidates.iter().enumerate() {
        signals::check()?;
        let result = candidate.make(&machine, &token)?;
        if let Some(exit) = signals::came() {
            let message = format!(
                "ended by a signal after {number} of {} pictures; no sheet was written",
                candidates.len()
            );
            return Err(Failure::new(exit, message));
        }
        arguments.say(format!("{} of {}: {}", number + 1, candidates.len(), candidate.told(&result)));
        made.push(result);
    }
    if let Some(report) = report {
        let entries: Vec<_> =
            candidates.iter().zip(&made).map(|(candidate, made)| candidate.entry(made)).collect();
        let bytes = serde_json::to_vec_pretty(&json!({
            "made_by": MADE_BY,
            "device": machine.open.info,
            "pictures": entries,
        }));
        write_atomically(&report, &bytes.map_err(|error| Failure::new(Exit::Internal, error))?)?;
    }
    let sheet = arguments.sheet(&varies, &candidates, made)?;
    output.save(&sheet, &Writing { bits: 8, ..Writing::default() })?;
    give(output.name())?;
    Ok(Exit::Done)
}

impl Arguments {
    fn varies(&self) -> Result<Vec<Vary>> {
        if self.vary.len() > 2 {
            return Err(Failure::usage(format!("--vary is given {} times", self.vary.len()))
                .help("a sheet has rows and columns: vary one option or two"));
        }
        self.vary.iter().map(|text| text.parse()).collect()
    }

    /// Every run of the sheet, settled and opened.
    fn candidates(&self, varies: &[Vary]) -> Result<Vec<Candidate>> {
        let reader = Reader::new(&self.run);
        combinations(varies)
            .into_iter()
            .map(|values| {
                let settled = self.settled(varies, &values)?;
                let inputs = Inputs::open(&settled.recipe, &reader)?;
                let labels = varies.iter().zip(&values).map(|(vary, value)| vary.label(value)).collect();
                Ok(Candidate { labels, settled, inputs })
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
    fn report(&self, output: &Output) -> Result<Option<PathBuf>> {
        let Some(path) = output.path().filter(|_| self.run.output.report) else { return Ok(None) };
        let report = with_ending(&path.with_extension(""), ".report.json");
        crate::outputs::check_place(&report, self.run.output.force, &[])?;
        Ok(Some(report))
    }

    fn say(&self, line: impl std::fmt::Display) {
        if !self.run.showing.quiet {
            say(line);
        }
    }

    /// Checks every run before the first begins, and tells how long all will take.
    fn plan(
        &self,
        candidates: &[Candidate],
        machine: &Machine,
        output: &Output,
        token: &CancelToken,
    ) -> Result<()> {
        let mut seconds = Some(0.0);
        for candidate in candidates {
            signals::check()?;
            let job = Job {
                settled: &candidate.settled,
                machine,
                inputs: &candidate.inputs,
                arguments: &self.run,
                output,
                token: token.clone(),
                earlier: None,
            };
            let planned = Planned::of(&job).map_err(|failure| Failure {
                message: format!("{}: {}", candidate.labels.join(", "), failure.message),
                ..failure
            })?;
            seconds = seconds.zip(planned.seconds).map(|(all, one)| all + one);
        }
        let time = seconds.map_or("time unknown before the first steps".to_owned(), |all| {
            format!("about {} in all", duration(all))
        });
        self.say(format!("{} pictures on {}: {time}", candidates.len(), machine.name()));
        Ok(())
    }

    fn sheet(&self, varies: &[Vary], candidates: &[Candidate], made: Vec<Made>) -> Result<Image> {
        let cells = candidates.iter().zip(made).map(|(candidate, made)| {
            let mut lines = candidate.labels.clone();
            lines.push(made.measured());
            let long = made.picture.width().max(made.picture.height());
            let cell = self.cell as usize;
            let picture = if long > cell { made.picture.resized_to_long_side(cell)? } else { made.picture };
            Ok(Cell { picture, lines })
        });
        let cells = cells.collect::<Result<Vec<_>>>()?;
        let columns = match varies {
            [only] => only.values.len().min(4),
            _ => varies.first().map_or(1, |first| first.values.len()),
        };
        let title = candidates.first().map_or_else(String::new, |first| title(&first.settled.recipe));
        Ok(sheet::sheet(&title, columns, &cells)?)
    }
}

/// `photo.jpg in painting.jpg, preset fast`
fn title(recipe: &Recipe) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let content = recipe.content.as_ref().map(name).unwrap_or_default();
    let styles: Vec<_> = recipe.styles.iter().map(|style| name(&style.path)).collect();
    format!("{content} in {}", styles.join(", "))
}

impl Candidate {
    fn make(&self, machine: &Machine, token: &CancelToken) -> Result<Made> {
        let began = Instant::now();
        let transfer = StyleTransfer::new(&machine.vgg).settings(self.settled.settings.clone());
        let transfer = self.inputs.furnish(transfer).cancel_with(token);
        let Some(content) = &self.inputs.content else {
            return Err(missing("photograph", "style compare --help"));
        };
        let (picture, outcome) = match transfer.run(content) {
            Ok(outcome) => (outcome.image().clone(), Some(outcome)),
            Err(error) => (best_of(error)?, None),
        };
        Ok(Made { picture, outcome, seconds: began.elapsed().as_secs_f64() })
    }

    fn told(&self, made: &Made) -> String {
        format!("{}: {}, {}", self.labels.join(", "), made.measured(), duration(made.seconds))
    }

    /// Its entry in the report.
    fn entry(&self, made: &Made) -> Value {
        let outcome = made.outcome.as_ref();
        json!({
            "labels": self.labels,
            "recipe": self.settled.recipe,
            "width": made.picture.width(),
            "height": made.picture.height(),
            "seconds": made.seconds,
            "diverged": outcome.is_none(),
            "loss": outcome.and_then(|outcome| outcome.history().last()).map(style_transfer::Losses::total),
            "terms": outcome.map(Outcome::terms),
            "losses": outcome.and_then(|outcome| outcome.history().last()),
            "metrics": outcome.map(Outcome::metrics),
        })
    }
}

/// The best picture of a run that diverged: a rate that is too high is a result of the comparison, and no reason to lose
/// the others.
fn best_of(error: Error) -> Result<Image> {
    match error {
        Error::Diverged { best: Some(best), .. } => Ok(*best),
        other => Err(other.into()),
    }
}

impl Made {
    /// `style 0.012, content 0.34, ssim 0.61`
    fn measured(&self) -> String {
        let Some(outcome) = &self.outcome else { return "diverged; the best picture".to_owned() };
        let metrics = outcome.metrics();
        let parts = [
            ("style", metrics.mean_style_distance()),
            ("content", metrics.mean_content_distance()),
            ("ssim", metrics.ssim),
        ];
        let parts = parts.iter().filter_map(|(name, value)| Some(format!("{name} {:.3}", (*value)?)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_diverged_has_its_best_picture_on_the_sheet() {
        let best = Image::new(1, 1, vec![0.5; 3]).unwrap();
        let diverged = |best| Error::Diverged { step: 3, loss: f32::NAN, best };
        assert_eq!(best_of(diverged(Some(Box::new(best.clone())))).unwrap(), best);
        assert_eq!(best_of(diverged(None)).unwrap_err().exit, Exit::Diverged);
        let made = Made { picture: best, outcome: None, seconds: 1.0 };
        assert_eq!(made.measured(), "diverged; the best picture");
    }
}
