//! What a run tells while it goes on, and who listens: one kind of event for the bar, the lines, the page, the
//! animation and the checkpoints.

mod background;
mod checkpoints;
mod claims;
mod json;
mod pace;
mod progress;
mod snapshots;
mod terminal_picture;
mod timelapse;
mod view;

pub(crate) use claims::Claims;

use std::ops::ControlFlow;
use std::path::Path;

use style_transfer::{DeviceInfo, Image, Outcome, Plan, Preset, Settings, Step, Vgg};

use crate::failure::{Failure, Result};
use crate::job::Job;
use crate::report;
use crate::signals;

/// What is known before the first step.
pub(crate) struct Begin<'a> {
    pub(crate) settings: &'a Settings,
    /// The preset that the settings began from, and its name.
    pub(crate) preset: (&'a str, Option<&'a Preset>),
    /// The recipe that goes into the picture, JSON.
    pub(crate) recipe: &'a str,
    /// The command line as it was typed, the program's name first.
    pub(crate) command: &'a [String],
    /// The network as it was loaded.
    pub(crate) vgg: &'a Vgg,
    pub(crate) device: &'a DeviceInfo,
    pub(crate) plan: &'a Plan,
    /// The content with the name that the user gave.
    pub(crate) content: Option<(&'a str, &'a Image)>,
    /// Pictures of the styles with the names that the user gave.
    pub(crate) styles: &'a [(String, &'a Image)],
    /// Where the result will stand; `None` for stdout.
    pub(crate) output: Option<&'a Path>,
    /// How many of the plan's steps an earlier part of the run has done.
    pub(crate) done: usize,
}

/// How a run ended.
pub(crate) enum End<'a> {
    /// The picture was saved.
    Done(&'a Outcome),
    /// It failed, or was ended from outside.
    Failed(&'a Failure),
}

/// Somebody who listens to a run.
pub(crate) trait Watcher {
    /// Before the first step.
    fn begin(&mut self, _: &Begin<'_>) -> Result<()> {
        Ok(())
    }

    /// After every step; `Break` ends the run with the picture so far.
    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>>;

    /// After [`step`](Self::step), when the run ends there because of a signal.
    fn interrupted(&mut self, _: &Step<'_>) -> Result<()> {
        Ok(())
    }

    /// After the last one.
    fn end(&mut self, _: &End<'_>) -> Result<()> {
        Ok(())
    }

    /// When everything about a run that was done has been said; may take as long as somebody wants to look.
    fn stay(&mut self) {}
}

/// Everybody whom the arguments of a job ask for.
pub(crate) fn of<'a>(job: &mut Job<'a>) -> Result<Watchers<'a>> {
    let mut watchers = Watchers::default();
    progress::add_to(&mut watchers, &job.arguments.showing);
    snapshots::add_to(&mut watchers, job);
    checkpoints::add_to(&mut watchers, job)?;
    timelapse::add_to(&mut watchers, job);
    report::add_to(&mut watchers, job);
    view::add_to(&mut watchers, job);
    Ok(watchers)
}

/// All who listen to a run.
#[derive(Default)]
pub(crate) struct Watchers<'a> {
    all: Vec<Box<dyn Watcher + 'a>>,
    failed: Option<Failure>,
}

impl<'a> Watchers<'a> {
    pub(crate) fn add(&mut self, watcher: impl Watcher + 'a) {
        self.all.push(Box::new(watcher));
    }

    pub(crate) fn begin(&mut self, begin: &Begin<'_>) -> Result<()> {
        self.all.iter_mut().try_for_each(|watcher| watcher.begin(begin))
    }

    /// Tells everybody, also after one of them failed or wants the end: that one ends the run.
    pub(crate) fn step(&mut self, step: &Step<'_>) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        for watcher in &mut self.all {
            match watcher.step(step) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => flow = ControlFlow::Break(()),
                Err(failure) => {
                    self.failed.get_or_insert(failure);
                    flow = ControlFlow::Break(());
                }
            }
        }
        if signals::came().is_some() {
            for watcher in &mut self.all {
                if let Err(failure) = watcher.interrupted(step) {
                    self.failed.get_or_insert(failure);
                }
            }
            flow = ControlFlow::Break(());
        }
        flow
    }

    /// Why a listener ended the run, where one failed.
    pub(crate) fn failure(&mut self) -> Option<Failure> {
        self.failed.take()
    }

    /// Lets those stay who have something to show.
    pub(crate) fn stay(&mut self) {
        self.all.iter_mut().for_each(|watcher| watcher.stay());
    }

    /// Tells everybody; the first failure of any of them.
    pub(crate) fn end(&mut self, end: &End<'_>) -> Result<()> {
        for watcher in &mut self.all {
            if let Err(failure) = watcher.end(end) {
                self.failed.get_or_insert(failure);
            }
        }
        self.failed.take().map_or(Ok(()), Err)
    }
}
