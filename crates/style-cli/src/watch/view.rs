//! A run as the live page shows it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::{Value, json};
use style_transfer::{Image, Outcome, PictureFormat, Step};

use super::background::Background;
use super::pace::Pace;
use super::{Begin, End, Watcher, Watchers};
use crate::failure::Result;
use crate::job::Job;
use crate::places;
use crate::shown;
use crate::signals;
use crate::terminal::{Event, say, tell};
use crate::view::{Encoded, Point, Shared, View};
use crate::writing::{Kept, write_whole};

/// A page gets a newer picture at most so often.
const BETWEEN_PICTURES: Duration = Duration::from_millis(500);

/// How often a page that stays looks for the signal that ends it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Long side of the picture on the page, and of the inputs, px.
const SHOWN: usize = 1024;
const THUMBNAIL: usize = 320;

/// Says where the page is, where one was asked for.
pub(super) fn add_to(watchers: &mut Watchers<'_>, job: &mut Job<'_>) {
    let Some(view) = job.claims.view.take() else { return };
    let url = view.url();
    tell(format_args!("live page: {url}"), &Event::Page { url: &url });
    watchers.add(LiveView::new(view, job.arguments.showing.stays, job.writing().kept()));
}

/// Tells the live page of a run, and the run what the page wants.
struct LiveView {
    view: View,
    shared: Arc<Shared>,
    /// Whether the page is there after the end, until a signal comes.
    stays: bool,
    background: Background,
    pace: Pace,
    /// The result, beside which pictures go that the page saves.
    picture: PathBuf,
    /// How they are written.
    writing: Arc<Kept>,
    step: usize,
}

impl LiveView {
    fn new(view: View, stays: bool, writing: Kept) -> Self {
        Self {
            shared: view.shared(),
            view,
            stays,
            background: Background::new(),
            pace: Pace::new(BETWEEN_PICTURES),
            picture: PathBuf::new(),
            writing: Arc::new(writing),
            step: 0,
        }
    }

    /// Fetches the picture, and has it encoded and written elsewhere.
    fn look(&mut self, step: &Step<'_>, shows: bool, saves: bool) -> Result<()> {
        let began = Instant::now();
        let image = step.image()?;
        self.pace.looked(began, Instant::now());
        let (shared, writing) = (Arc::clone(&self.shared), Arc::clone(&self.writing));
        let (step, path) = (step.index, places::save(&self.picture, step.index));
        self.background.run(move || {
            if saves {
                let writing = writing.writing().stopped_after(step);
                let bytes = writing.encode(&image, PictureFormat::Png);
                shared.note(match bytes.and_then(|bytes| Ok(write_whole(&path, &bytes)?)) {
                    Ok(()) => format!("saved {}", path.display()),
                    Err(failure) => failure.message,
                });
            }
            if let Some(bytes) = shows.then(|| jpeg(&image, SHOWN)).flatten() {
                shared.picture(Encoded { bytes, step });
            }
        });
        Ok(())
    }
}

impl Watcher for LiveView {
    fn begin(&mut self, begin: &Begin<'_>) -> Result<()> {
        begin.output.unwrap_or(Path::new("picture.png")).clone_into(&mut self.picture);
        let content = begin.content.into_iter();
        let inputs = content.chain(begin.styles.iter().map(|(name, image)| (name.as_str(), *image)));
        let thumbnails = inputs.map(|(_, image)| jpeg(image, THUMBNAIL).unwrap_or_default()).collect();
        self.shared.begin(plan(begin), thumbnails);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        self.step = step.index;
        let point = Point { step: step.index, scale: step.scale, losses: step.losses.0.clone() };
        let terms = || step.terms.iter().map(ToString::to_string).collect();
        self.shared.step(terms, point, news(step));
        let saves = self.shared.takes_save();
        // Nobody looks: nothing is fetched, and nothing encoded.
        let shows = self.shared.is_watched() && self.background.is_idle() && self.pace.is_due(Instant::now());
        if shows || saves {
            self.look(step, shows, saves)?;
        }
        Ok(if self.shared.wants_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn end(&mut self, end: &End<'_>) -> Result<()> {
        // An older picture must not come after the last.
        self.background.finish();
        match end {
            End::Done(outcome) => {
                let step = self.step;
                let picture = jpeg(outcome.image(), SHOWN).map(|bytes| Encoded { bytes, step });
                self.shared.end(result(outcome), picture);
            }
            End::Failed(failure) => self.shared.end(json!({ "failure": failure.to_string() }), None),
        }
        Ok(())
    }

    fn stay(&mut self) {
        if self.stays && signals::came().is_none() {
            say(format_args!("the page stays at {} until Ctrl-C", self.view.url()));
            while signals::came().is_none() {
                std::thread::sleep(BETWEEN_LOOKS);
            }
        }
    }
}

fn plan(begin: &Begin<'_>) -> Value {
    let output = begin.output.and_then(Path::file_name).map(|name| name.to_string_lossy());
    json!({
        "output": output.as_deref().unwrap_or("the standard output"),
        "preset": begin.preset.0,
        "device": begin.device.to_string(),
        "width": begin.plan.width,
        "height": begin.plan.height,
        "steps": begin.plan.steps(),
        "done": begin.done,
        "scales": begin.plan.scales,
        "content": begin.content.map(|(name, _)| name),
        "styles": begin.styles.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    })
}

fn news(step: &Step<'_>) -> Value {
    json!({
        "step": step.index,
        "steps": step.steps,
        "scale": step.scale,
        "scales": step.scales,
        "width": step.size.0,
        "height": step.size.1,
        "done": step.done,
        "elapsed": step.elapsed.as_secs_f64(),
        "remaining": step.remaining().as_secs_f64(),
        "loss": step.losses.total(),
    })
}

fn result(outcome: &Outcome) -> Value {
    json!({
        "stopped": outcome.stopped(),
        "steps": outcome.steps(),
        "width": outcome.image().width(),
        "height": outcome.image().height(),
        "seconds": outcome.times().total(),
        "peak_memory": outcome.peak_memory(),
        "metrics": outcome.metrics(),
    })
}

/// The picture as a file; `None` where memory is short.
fn jpeg(image: &Image, longest: usize) -> Option<Bytes> {
    shown::jpeg(image, longest).ok().map(Bytes::from)
}
