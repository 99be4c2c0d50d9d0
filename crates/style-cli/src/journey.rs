//! What a checkpoint says of the run that it belongs to: enough to begin it again from nothing but that file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use style_transfer::{Checkpoint, Error};

use crate::arguments::RunArguments;
use crate::failure::{Exit, Failure, Result};
use crate::places;
use crate::reading::read_file;
use crate::recipe::Recipe;
use crate::shell::quoted_path;
use crate::terminal::warn;

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
    #[serde(with = "crate::written::optional_path")]
    timelapse: Option<PathBuf>,
    save_every: Option<u64>,
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
            // A checkpoint knows the pixels of its pictures, which is more than their files.
            recipe: recipe.clone().unsigned(),
            folder: std::env::current_dir().unwrap_or_default(),
            force: output.force,
            bits: output.bits.clone(),
            quality: output.quality,
            no_recipe: output.no_recipe,
            report: output.report,
            keep_checkpoints: keeping.keep_checkpoints,
            checkpoint_every: keeping.checkpoint_every,
            timelapse: output.timelapse.clone(),
            save_every: output.save_every,
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

    /// Where the run's animation goes, counted from its folder.
    pub(crate) fn timelapse(&self) -> Option<&Path> {
        self.timelapse.as_deref()
    }

    /// The arguments of the run, but for what is said anew and for the animation, which cannot be gone on with.
    pub(crate) fn arguments(&self, anew: RunArguments) -> RunArguments {
        let mut all = anew;
        let (output, keeping, limits) = (&mut all.output, &mut all.keeping, &mut all.limits);
        // What the first command said may go is nothing that is named only now.
        output.force |= self.force && output.output.is_none() && output.timelapse.is_none();
        output.bits = output.bits.take().or_else(|| self.bits.clone());
        output.quality = output.quality.or(self.quality);
        output.no_recipe |= self.no_recipe;
        output.report |= self.report;
        output.save_every = output.save_every.or(self.save_every);
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

/// The part of a run that is done.
pub(crate) struct Earlier {
    pub(crate) checkpoint: Checkpoint,
    /// The file that it was read from.
    pub(crate) place: PathBuf,
}

impl Earlier {
    /// Number of the last step that was done.
    pub(crate) const fn step(&self) -> usize {
        self.checkpoint.step()
    }
}

/// A checkpoint that was found, and what it says.
pub(crate) struct Found {
    pub(crate) earlier: Earlier,
    pub(crate) journey: Journey,
    /// The picture that the run makes.
    pub(crate) picture: PathBuf,
}

/// The checkpoint of a picture, or that file itself; the one before it where the last is unusable.
pub(crate) fn find(named: &Path) -> Result<Found> {
    let (picture, places) = candidates(named);
    let mut refusals: Vec<String> = Vec::new();
    for place in places.iter().filter(|place| place.exists()) {
        match read(place) {
            Ok((checkpoint, journey)) => {
                if let Some(refusal) = refusals.first() {
                    warn(format_args!("{refusal}; going on with {}", place.display()));
                }
                // The folder may be another one when it is asked for.
                let place = std::path::absolute(place).unwrap_or_else(|_| place.clone());
                return Ok(Found { earlier: Earlier { checkpoint, place }, journey, picture });
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() {
        let message = format!("there is no checkpoint of {}", named.display());
        return Err(Failure::new(Exit::Checkpoint, message)
            .help("name a picture whose run was interrupted, or its .checkpoint"));
    }
    let other =
        places::checkpoints(&picture).into_iter().find(|place| !places.contains(place) && place.exists());
    let failure = Failure::new(Exit::Checkpoint, refusals.join("; "));
    Err(match other {
        Some(other) => failure.help(format!("try the other one: style resume {}", quoted_path(&other))),
        None => failure.help("restore the file, or begin the run anew with --force"),
    })
}

/// The picture that is meant, and where its checkpoints may be.
fn candidates(named: &Path) -> (PathBuf, Vec<PathBuf>) {
    let ends = |path: &Path, extension: &str| path.extension().is_some_and(|found| found == extension);
    let last = if ends(named, "previous") { named.with_extension("") } else { named.to_owned() };
    if ends(&last, "checkpoint") {
        return (last.with_extension(""), vec![named.to_owned()]);
    }
    let of = |picture: PathBuf| {
        let places = places::checkpoints(&picture).to_vec();
        (picture, places)
    };
    let begun = |picture: &PathBuf| places::checkpoints(picture).iter().any(|place| place.exists());
    match pictures_beside(named).into_iter().find(begun) {
        Some(picture) if !begun(&named.to_owned()) => of(picture),
        _ => of(named.to_owned()),
    }
}

/// The pictures that `NAME.partial.png`, `NAME.best.png` or `NAME.step-12.png` may stand beside.
fn pictures_beside(named: &Path) -> Vec<PathBuf> {
    places::picture_beside(named).into_iter().chain(places::pictures_of_save(named)).collect()
}

/// The reason why it cannot be used, with its name, where that is so.
fn read(path: &Path) -> std::result::Result<(Checkpoint, Journey), String> {
    let unusable = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
    let bytes = read_file(path, u64::MAX).map_err(|error| unusable(&format!("cannot be read: {error}")))?;
    let checkpoint = Checkpoint::parse(&bytes).map_err(|error: Error| unusable(&error))?;
    let journey = serde_json::from_str(checkpoint.about()).map_err(|error| {
        unusable(&format!(
            "the checkpoint is unusable: it was not written by this version of the program: {error}"
        ))
    })?;
    Ok((checkpoint, journey))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_by_its_picture_its_checkpoints_and_what_stands_beside() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.v2.png.checkpoint.previous", "b.jpeg.checkpoint"] {
            std::fs::write(at(name), b"").unwrap();
        }
        let picture = |name: &str| candidates(&at(name)).0;
        for name in ["a.v2.png", "a.v2.partial.png", "a.v2.best.png", "a.v2.png.checkpoint"] {
            assert_eq!(picture(name), at("a.v2.png"), "{name}");
        }
        assert_eq!(candidates(&at("a.v2.png")).1, places::checkpoints(&at("a.v2.png")));
        let previous = at("a.v2.png.checkpoint.previous");
        assert_eq!(candidates(&previous), (at("a.v2.png"), vec![previous.clone()]));
        assert_eq!(picture("b.partial.jpeg"), at("b.jpeg"));
        assert_eq!(picture("b.step-12.png"), at("b.jpeg"), "saved on the page");
        assert_eq!(picture("c.partial.png"), at("c.partial.png"), "nobody's");
    }
}
