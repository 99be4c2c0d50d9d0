//! Many photographs in one style: network and style are looked at once, what is finished is left alone, and a picture
//! that fails does not stop the others.

mod finished;
mod pictures;
mod shard;
mod tally;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use style_transfer::StyleFile;

use crate::arguments::{RunArguments, TransferArguments};
use crate::commands::layers;
use crate::failure::{Exit, Failure, Kind, Result};
use crate::inputs::{Inputs, OpenStyle, Reader, digest_of, style_recipe};
use crate::job::Job;
use crate::journey::{Earlier, Found};
use crate::machine::Machine;
use crate::outputs::Output;
use crate::plan::Planned;
use crate::recipe::{Recipe, Settled, TaskName};
use crate::shell::quoted_path;
use crate::terminal::{Event, Which, duration, say, tell, tell_programs};
use crate::watch::Claims;
use crate::{inputs, journey, places, plan, signals};

use finished::There;
use pictures::Picture;
use shard::Shard;
use tally::{Tally, about};

/// The pictures of this process, and how they are made.
struct Batch {
    /// Without a content.
    settled: Settled,
    pictures: Vec<Picture>,
    arguments: RunArguments,
}

/// Redraws every picture of the arguments.
///
/// # Errors
///
/// Before the work: exit code 2 for names that collide or options that do not go together, 5 for a result that was made
/// otherwise. After it: that of the first picture that failed.
pub(crate) fn run(arguments: TransferArguments) -> Result<Exit> {
    // A page belongs to one run: its token and its pictures would be another's at the next.
    if arguments.run.showing.view.is_some() {
        return Err(Failure::usage("the live page shows one picture, and --with makes many")
            .help("leave out --view, or make one picture by `style serve CONTENT STYLE`"));
    }
    Batch::of(arguments)?.run()
}

impl Batch {
    fn of(arguments: TransferArguments) -> Result<Self> {
        let TransferArguments { content, styles, with, shard, style, run } = arguments;
        let contents: Vec<OsString> = content.into_iter().chain(styles).collect();
        let shard = shard.as_deref().map_or(Ok(Shard::WHOLE), str::parse)?;
        let folder = folder(&run)?;
        let all = pictures::pictures(&contents, &folder)?;
        let of_all = all.len();
        let pictures = shard.share(all);
        if pictures.is_empty() && of_all > 0 {
            say(format!("this share has none of the {of_all} pictures: there are more shares than pictures"));
        }
        let styles = with.iter().map(|style| style_recipe(style.as_os_str())).collect::<Result<_>>()?;
        let recipe = Recipe { styles, ..Recipe::default() };
        let mut settled = layers(Vec::new(), recipe, &style, &run)?.settle()?;
        if settled.recipe.task != Some(TaskName::Transfer) {
            return Err(Failure::usage(
                "the recipe is none of a transfer, and --with names a style for photographs",
            )
            .help("leave --recipe or --with out"));
        }
        (settled.recipe.content, settled.recipe.content_sha256) = (None, None);
        sign(&mut settled.recipe);
        if contents.is_empty() {
            return Err(Failure::usage("--with names a style, and there is no photograph")
                .help("such as `style photos/*.jpg --with painting.jpg -o out`"));
        }
        Ok(Self { settled, pictures, arguments: run })
    }

    /// The whole recipe of one picture.
    fn settled(&self, picture: &Picture) -> Settled {
        let mut settled = self.settled.clone();
        settled.recipe.content = Some(picture.content.clone());
        settled
    }

    fn run(&self) -> Result<Exit> {
        if self.pictures.is_empty() {
            return Ok(Exit::Done);
        }
        let waiting = self.waiting()?;
        let all = self.pictures.len();
        let mut tally = Tally { all, finished_before: all - waiting.len(), ..Tally::default() };
        if waiting.is_empty() {
            say(tally.lines());
            return Ok(Exit::Done);
        }
        let mut inputs = Inputs::open(&self.settled.recipe, &Reader::new(&self.arguments))?;
        let machine = Machine::open(&self.settled.recipe)?;
        let mut told = false;
        for (index, picture) in waiting.iter().enumerate() {
            if signals::came().is_some() {
                break;
            }
            signals::rest(tally.rest());
            let mut turn = Turn { number: index + 1, of: waiting.len(), is_first: !told, is_said: false };
            match self.one(picture, &mut inputs, &machine, &mut turn) {
                Ok(Made::Here) => {
                    told = true;
                    tally.made += 1;
                }
                Ok(Made::Before) => tally.finished_before += 1,
                Ok(Made::Elsewhere) => tally.elsewhere += 1,
                Err(failure) if signals::came().is_some() => {
                    tally.interrupted(&picture.content, &failure);
                    break;
                }
                Err(failure) => {
                    let content = &picture.content.display().to_string();
                    if !turn.is_said {
                        tell_programs(&turn.event(content)); // people find its number in the next line
                    }
                    tell(
                        format_args!("{turn}: {}", about(&picture.content, &failure.message)),
                        &Event::Failed { which: Which::Content(content), why: (&failure).into() },
                    );
                    let over = failure.exit == Exit::Device; // and would be for every other picture
                    tally.failed(&picture.content, failure);
                    if over {
                        break;
                    }
                }
            }
        }
        say(tally.lines());
        tally.end(signals::came())
    }

    /// Where an earlier run of this picture has come to.
    fn earlier(&self, picture: &Picture, recipe: &Recipe) -> Result<Option<Earlier>> {
        let there = places::checkpoints(&picture.output).iter().any(|place| place.exists());
        if !there || self.arguments.output.force {
            return Ok(None);
        }
        let Found { earlier, journey, .. } = journey::find(&picture.output)?;
        match finished::difference_of(&journey.recipe, recipe)? {
            None => Ok(Some(earlier)),
            Some(difference) => {
                let message = format!(
                    "cannot write {}: a run with another recipe was interrupted there: {difference}",
                    picture.output.display()
                );
                Err(Failure::new(Exit::Output, message).help(format!(
                    "`style resume {}` goes on with it; --force forgets it and begins anew",
                    quoted_path(&picture.output)
                )))
            }
        }
    }

    /// The pictures that are not there yet. A result that was made otherwise is refused before any work.
    fn waiting(&self) -> Result<Vec<Picture>> {
        let mut waiting = Vec::new();
        for picture in &self.pictures {
            if self.is_waiting(picture)? {
                waiting.push(picture.clone());
            }
        }
        Ok(waiting)
    }

    fn is_waiting(&self, picture: &Picture) -> Result<bool> {
        match finished::look(&picture.output, &self.settled(picture).recipe)? {
            There::Nothing => Ok(true),
            There::Finished => Ok(false),
            There::Other(_) if self.arguments.output.force => Ok(true),
            There::Other(what) => {
                let message =
                    format!("cannot write {}: it is there already, and {what}", picture.output.display());
                Err(Failure::new(Exit::Output, message)
                    .help("name another folder with -o, or make it anew with --force"))
            }
        }
    }

    /// Computes what every run needs of the styles, where that does not depend on the photograph.
    fn look_at_styles(&self, inputs: &mut Inputs, machine: &Machine) {
        for style in inputs.styles.iter_mut().filter(|style| style.known.is_none()) {
            // A run that finds no statistics looks at the picture; it also says what is wrong with it.
            style.known = statistics(style, &self.settled, machine);
        }
    }

    /// Makes one picture, unless another process has made it meanwhile, or is making it. At the first of them it is said how long all
    /// will take.
    fn one(
        &self,
        picture: &Picture,
        inputs: &mut Inputs,
        machine: &Machine,
        turn: &mut Turn,
    ) -> Result<Made> {
        if !self.is_waiting(picture)? {
            return Ok(Made::Before);
        }
        let mut settled = self.settled(picture);
        let (path, force) = (picture.output.clone(), self.arguments.output.force);
        let output = match Output::claim_path(path, force, &inputs::paths(&settled.recipe)) {
            Ok(output) => output,
            Err(failure) if failure.kind == Kind::Taken => return Ok(Made::Elsewhere),
            // Finished by somebody else since the look above.
            Err(failure) => return if self.is_waiting(picture)? { Err(failure) } else { Ok(Made::Before) },
        };
        let claims = Claims::of(&self.arguments, &settled.recipe, &output)?;
        inputs.open_content(&picture.content, None, &Reader::new(&self.arguments))?;
        if turn.is_first {
            plan::base(); // before the weights are packed, which the forecast counts
            self.look_at_styles(inputs, machine);
        }
        let earlier = self.earlier(picture, &settled.recipe)?;
        inputs.sign(&mut settled.recipe);
        let arguments = &self.arguments;
        let job = Job { settled: &settled, machine, inputs, arguments, output: &output, earlier, claims };
        let planned = Planned::of(&job)?;
        if turn.is_first && turn.of > 1 {
            say(in_all(turn.of, planned.seconds));
        }
        turn.say(&picture.content);
        job.run_as(&planned)?;
        Ok(Made::Here)
    }
}

/// Writes digests of the files that all pictures share into their recipe: what is there already may be of others.
fn sign(recipe: &mut Recipe) {
    recipe.init_sha256 = recipe.init.as_deref().and_then(digest_of);
    for style in &mut recipe.styles {
        style.sha256 = digest_of(&style.path);
        style.region_sha256 = style.region.as_deref().and_then(digest_of);
    }
}

/// Which of all pictures that are to be made it is.
#[derive(Debug)]
struct Turn {
    /// From 1.
    number: usize,
    of: usize,
    /// Whether none was begun before.
    is_first: bool,
    /// Whether it was told that this is the next.
    is_said: bool,
}

impl Turn {
    /// Says that the picture is the next.
    fn say(&mut self, content: &Path) {
        let content = &content.display().to_string();
        tell(format_args!("{self}: {content}"), &self.event(content));
        self.is_said = true;
    }

    const fn event<'a>(&self, content: &'a str) -> Event<'a> {
        Event::Picture { number: self.number, of: self.of, content }
    }
}

impl std::fmt::Display for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.number, self.of)
    }
}

/// Who made a picture.
enum Made {
    Here,
    Before,
    Elsewhere,
}

/// `8 pictures to make: about 14 s each, 1 min 52 s in all`
fn in_all(count: usize, seconds: Option<f64>) -> String {
    match seconds {
        Some(seconds) => format!(
            "{count} pictures to make: about {} each, {} in all",
            duration(seconds),
            duration(seconds * count as f64)
        ),
        None => format!("{count} pictures to make; the time is unknown before the first steps"),
    }
}

fn statistics(style: &OpenStyle, settled: &Settled, machine: &Machine) -> Option<StyleFile> {
    style.picture()?;
    StyleFile::new(&machine.vgg, &settled.settings, style.style()).ok()
}

/// The folder of the results.
fn folder(run: &RunArguments) -> Result<PathBuf> {
    let refused =
        |why: &str| Failure::usage(why).help("such as `style photos/*.jpg --with painting.jpg -o out`");
    if run.output.timelapse.is_some() {
        return Err(refused("--timelapse names one file, and --with makes many pictures"));
    }
    let folder = run
        .output
        .output
        .clone()
        .ok_or_else(|| refused("--with needs a folder for the pictures: -o FOLDER"))?;
    if folder == Path::new("-") {
        return Err(refused("many pictures cannot go to stdout"));
    }
    if folder.is_file() {
        let message =
            format!("cannot write into {}: it is a file, and --with needs a folder", folder.display());
        return Err(Failure::new(Exit::Output, message).help("name a folder with -o"));
    }
    Ok(folder)
}
