//! What a run tells about itself afterwards: a page that stands by itself, and the same as JSON.

mod curves;
mod document;
mod number;
mod page;
mod sections;

use std::ops::ControlFlow;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use style_transfer::{DeviceInfo, Image, Outcome, Preset, Settings, Step, Vgg};

use crate::arguments::RunArguments;
use crate::claim::Claim;
use crate::failure::{Failure, Result};
use crate::inputs;
use crate::job::Job;
use crate::outputs::{Output, check_place};
use crate::recipe::Recipe;
use crate::terminal::{Event, tell};
use crate::watch::{Begin, End, Watcher, Watchers};
use crate::writing::write_whole;
use crate::{places, shown};

/// Long sides of the pictures on the page, px.
const RESULT: usize = 1200;
const INPUT: usize = 640;
const STAGE: usize = 360;

/// A stage is shown when so much of the work is done: most happens early.
const STAGES: [f64; 6] = [0.0, 0.03, 0.1, 0.25, 0.5, 0.75];

/// Claims the place of the report, which is one for `NAME.png` and `NAME.webp`.
pub(crate) fn claim(arguments: &RunArguments, recipe: &Recipe, output: &Output) -> Result<Option<Claim>> {
    let RunArguments { output: asked, .. } = arguments;
    if !asked.report {
        return Ok(None);
    }
    let Some(picture) = output.path() else {
        return Err(Failure::usage("--report needs a file, and the picture goes to stdout")
            .help("name a file with -o"));
    };
    let ([page, json], inputs) = (places::report(picture), inputs::paths(recipe));
    check_place(&page, asked.force, &inputs)?;
    let claim = Claim::of("-o", &json, asked.force, &inputs)?;
    check_place(&page, asked.force, &inputs)?; // once more, as for the other
    Ok(Some(claim))
}

pub(crate) fn add_to(watchers: &mut Watchers<'_>, job: &mut Job<'_>) {
    let Some((claim, picture)) = job.claims.report.take().zip(job.output.path()) else { return };
    let [page, _] = places::report(picture);
    watchers.add(Report { page, claim, begun: None, taken: 0, stages: Vec::new() });
}

/// Collects what the report needs.
struct Report {
    page: PathBuf,
    /// Of the JSON.
    claim: Claim,
    begun: Option<Begun>,
    /// Stages that were due so far.
    taken: usize,
    stages: Vec<Stage>,
}

/// What was known before the first step.
struct Begun {
    settings: Settings,
    vgg: Vgg,
    device: DeviceInfo,
    /// The name of the preset that the settings began from, and that preset where it was read.
    preset: (String, Option<Preset>),
    recipe: String,
    command: Vec<String>,
    output: String,
    done: usize,
    content: Option<Input>,
    styles: Vec<Input>,
}

/// A picture that was read.
struct Input {
    name: String,
    width: usize,
    height: usize,
    picture: String,
}

impl Input {
    fn new(name: &str, image: &Image) -> Result<Self> {
        let (width, height) = (image.width(), image.height());
        Ok(Self { name: name.to_owned(), width, height, picture: data_uri(image, INPUT)? })
    }
}

/// The picture on its way.
struct Stage {
    step: usize,
    width: usize,
    height: usize,
    loss: f32,
    seconds: f64,
    picture: String,
}

impl Watcher for Report {
    fn begin(&mut self, begin: &Begin<'_>) -> Result<()> {
        let styles = begin.styles.iter().map(|(name, image)| Input::new(name, image));
        self.begun = Some(Begun {
            settings: begin.settings.clone(),
            vgg: begin.vgg.clone(),
            device: begin.device.clone(),
            preset: (begin.preset.0.to_owned(), begin.preset.1.cloned()),
            recipe: begin.recipe.to_owned(),
            command: begin.command.to_vec(),
            output: begin.output.map(|path| path.display().to_string()).unwrap_or_default(),
            done: begin.done,
            content: begin.content.map(|(name, image)| Input::new(name, image)).transpose()?,
            styles: styles.collect::<Result<_>>()?,
        });
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        let due = STAGES.iter().filter(|&&done| step.done >= done).count();
        if due > self.taken && step.index < step.steps {
            // A run that goes on has none of those that were due before.
            self.taken = due;
            let image = step.image()?;
            let stage = Stage {
                step: step.index,
                width: step.size.0,
                height: step.size.1,
                loss: step.losses.total(),
                seconds: step.elapsed.as_secs_f64(),
                picture: data_uri(&image, STAGE)?,
            };
            self.stages.push(stage);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, end: &End<'_>) -> Result<()> {
        let (End::Done(outcome), Some(begun)) = (end, &self.begun) else { return Ok(()) };
        self.write(begun, outcome)
    }
}

impl Report {
    fn write(&self, begun: &Begun, outcome: &Outcome) -> Result<()> {
        let document = document::document(begun, &self.stages, outcome)?;
        let result = data_uri(outcome.image(), RESULT)?;
        let page = page::page(&document, begun, &self.stages, &result)?.into_string();
        // Once more, as hours may have gone by.
        self.claim.check_still_free()?;
        self.claim.check_free(&self.page)?;
        write_whole(self.claim.path(), format!("{document:#}\n").as_bytes())?;
        write_whole(&self.page, page.as_bytes())?;
        let [page, data] = [&*self.page, self.claim.path()].map(|path| path.display().to_string());
        tell(format_args!("report: {page}"), &Event::Report { page: &page, data: &data });
        Ok(())
    }
}

/// The picture inside of an address, with no longer side than this.
fn data_uri(image: &Image, longest: usize) -> Result<String> {
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(shown::jpeg(image, longest)?)))
}
