//! What a checkpoint says of the run that it belongs to: enough to begin it again from nothing but that file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use style_transfer::{Checkpoint, Error};

use crate::arguments::RunArguments;
use crate::failure::{Exit, Failure, Result};
use crate::outputs::with_ending;
use crate::reading::read_file;
use crate::recipe::Recipe;
use crate::terminal::say;

/// A run and how its result is to be written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // each is an option of the command line
pub(crate) struct Journey {
    pub(crate) recipe: Recipe,
    /// The folder that the recipe's paths count from.
    #[serde(with = "crate::written::path")]
    folder: PathBuf,
    force: bool,
    bits: Option<String>,
    quality: Option<u8>,
    no_recipe: bool,
    report: bool,
    keep_checkpoints: bool,
    checkpoint_every: Option<u64>,
    max_megapixels: Option<u64>,
    max_side: Option<u64>,
    max_file_size: Option<u64>,
    strict: bool,
}

impl Journey {
    /// Of a run that begins here and now.
    pub(crate) fn new(recipe: &Recipe, arguments: &RunArguments) -> Self {
        let RunArguments { output, keeping, limits, .. } = arguments;
        Self {
            recipe: recipe.clone(),
            folder: std::env::current_dir().unwrap_or_default(),
            force: output.force,
            bits: output.bits.clone(),
            quality: output.quality,
            no_recipe: output.no_recipe,
            report: output.report,
            keep_checkpoints: keeping.keep_checkpoints,
            checkpoint_every: keeping.checkpoint_every,
            max_megapixels: limits.max_megapixels,
            max_side: limits.max_side,
            max_file_size: limits.max_file_size,
            strict: limits.strict,
        }
    }

    /// As a checkpoint carries it.
    pub(crate) fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Failure::new(Exit::Internal, error))
    }

    /// The arguments of the run, but for what is said anew.
    pub(crate) fn arguments(&self, anew: RunArguments) -> RunArguments {
        let mut all = anew;
        let (output, keeping, limits) = (&mut all.output, &mut all.keeping, &mut all.limits);
        output.force |= self.force;
        output.bits = output.bits.take().or_else(|| self.bits.clone());
        output.quality = output.quality.or(self.quality);
        output.no_recipe |= self.no_recipe;
        output.report |= self.report;
        keeping.keep_checkpoints |= self.keep_checkpoints;
        keeping.checkpoint_every = keeping.checkpoint_every.or(self.checkpoint_every);
        limits.max_megapixels = limits.max_megapixels.or(self.max_megapixels);
        limits.max_side = limits.max_side.or(self.max_side);
        limits.max_file_size = limits.max_file_size.or(self.max_file_size);
        limits.strict |= self.strict;
        all
    }

    /// Whether the run was begun in the folder that this program is in.
    pub(crate) fn is_here(&self) -> bool {
        std::env::current_dir().is_ok_and(|here| here == self.folder)
    }

    /// Goes to the folder that the run was begun in, where it still is, so that the recipe's paths mean what they
    /// meant and stay in the result as they were.
    pub(crate) fn go_there(&self) {
        if self.folder.is_dir() {
            // Where it cannot be entered, the pictures will not be found, which is told with their names.
            let _ = std::env::set_current_dir(&self.folder);
        }
    }
}

/// A checkpoint that was found, and what it says.
pub(crate) struct Found {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) journey: Journey,
    /// The picture that the run makes.
    pub(crate) picture: PathBuf,
}

/// The checkpoint of a picture, or that file itself; the one before it where the last is unusable.
pub(crate) fn find(named: &Path) -> Result<Found> {
    let (picture, places) = match picture_of(named) {
        Some(picture) => (picture, vec![named.to_owned()]),
        None => (named.to_owned(), places(named).to_vec()),
    };
    let mut refusal = None;
    for place in places.iter().filter(|place| place.exists()) {
        match read(place) {
            Ok((checkpoint, journey)) => {
                if let Some(Failure { message, .. }) = refusal {
                    say(format!("warning: {message}; going on with {}", place.display()));
                }
                return Ok(Found { checkpoint, journey, picture });
            }
            Err(failure) => refusal = refusal.or(Some(failure)),
        }
    }
    let nothing = || {
        Failure::new(Exit::Checkpoint, format!("there is no checkpoint of {}", named.display()))
            .help("name a picture whose run was interrupted, or its .checkpoint")
    };
    Err(refusal.unwrap_or_else(nothing))
}

/// The picture of a file that is named as a checkpoint.
fn picture_of(checkpoint: &Path) -> Option<PathBuf> {
    let last = checkpoint.with_extension("");
    let named = if checkpoint.extension()? == "previous" { last.as_path() } else { checkpoint };
    (named.extension()? == "checkpoint").then(|| named.with_extension(""))
}

/// The last checkpoint of a picture, and the one before it.
pub(crate) fn places(picture: &Path) -> [PathBuf; 2] {
    [with_ending(picture, ".checkpoint"), with_ending(picture, ".checkpoint.previous")]
}

fn read(path: &Path) -> Result<(Checkpoint, Journey)> {
    let unusable = |reason: &dyn std::fmt::Display| {
        Failure::new(Exit::Checkpoint, format!("{}: {reason}", path.display()))
            .help("use the checkpoint before it (.checkpoint.previous), or begin anew with --force")
    };
    let bytes = read_file(path, u64::MAX).map_err(|error| unusable(&format!("cannot be read: {error}")))?;
    let checkpoint = Checkpoint::parse(&bytes).map_err(|error: Error| unusable(&error))?;
    let journey = serde_json::from_str(checkpoint.about())
        .map_err(|_| unusable(&"the checkpoint is unusable: it was not written by this program"))?;
    Ok((checkpoint, journey))
}
