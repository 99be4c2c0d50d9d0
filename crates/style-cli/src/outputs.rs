//! Where a result goes: nothing is replaced unasked, and no two runs write to one place.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use style_transfer::{Image, Mask, PictureFormat, WriteOptions, write_atomically};

use crate::arguments::RunArguments;
use crate::failure::{Exit, Failure, Result};
use crate::inputs;
use crate::journey::places;
use crate::lock::{NotHeld, hold};
use crate::recipe::{Recipe, TaskName};
use crate::terminal;

/// How a picture is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writing {
    /// The recipe as JSON, which goes into the picture.
    pub(crate) recipe: Option<String>,
    pub(crate) bits: u8,
    pub(crate) quality: Option<u8>,
    /// How opaque the content was.
    pub(crate) alpha: Option<Mask>,
}

/// The place of a result, claimed: no other run writes there while this lives.
#[derive(Debug)]
pub(crate) struct Output {
    /// `None` for stdout.
    path: Option<PathBuf>,
    format: PictureFormat,
    lock: Option<(PathBuf, File)>,
}

impl Output {
    /// Claims the place that the arguments name, or the one that follows from the recipe.
    pub(crate) fn claim(arguments: &RunArguments, recipe: &Recipe) -> Result<Self> {
        let path = match &arguments.output.output {
            Some(path) if path.as_os_str() == "-" => {
                return Ok(Self { path: None, format: PictureFormat::Png, lock: None });
            }
            Some(path) if is_folder(path) => path.join(default_name(recipe)),
            Some(path) => path.clone(),
            None => default_name(recipe),
        };
        let output = Self::claim_path(path, arguments.output.force, &inputs::paths(recipe))?;
        output.check_format(arguments)?;
        let left = output.path.as_deref().is_some_and(|path| places(path).iter().any(|place| place.exists()));
        if !arguments.output.force && left {
            let name = output.name();
            return Err(refused(&name, "an interrupted run left a checkpoint there")
                .help(format!("`style resume {name}` goes on with it; --force forgets it and begins anew")));
        }
        for beside in ["partial", "best"].iter().filter_map(|what| output.beside(what)) {
            check_place(&beside, arguments.output.force, &inputs::paths(recipe))?;
        }
        Ok(output)
    }

    /// Refuses what the format has not.
    pub(crate) fn check_format(&self, arguments: &RunArguments) -> Result<()> {
        let name = self.format.name();
        if arguments.output.bits.as_deref() == Some("16") && self.format != PictureFormat::Png {
            return Err(Failure::usage(format!("--bits 16 needs a PNG, and {} is a {name}", self.name()))
                .help("name a file that ends in .png, or leave out --bits"));
        }
        Ok(())
    }

    /// Claims a path for a picture.
    pub(crate) fn claim_path(path: PathBuf, force: bool, inputs: &[&Path]) -> Result<Self> {
        let format = if path.is_dir() { Ok(PictureFormat::Png) } else { PictureFormat::from_path(&path) }?;
        check_place(&path, force, inputs)?;
        let output = Self { lock: Some(lock(&path)?), path: Some(path.clone()), format };
        // Once more, as the run that held the lock may have written it.
        check_place(&path, force, inputs)?;
        Ok(output)
    }

    /// The file; `None` for stdout.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The place in words.
    pub(crate) fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "stdout".to_owned(), |path| path.display().to_string())
    }

    /// A picture beside the result: `NAME.best.png`, `NAME.partial.png`.
    pub(crate) fn beside(&self, what: &str) -> Option<PathBuf> {
        let extension = self.format.extension();
        self.path.as_deref().map(|path| path.with_extension(format!("{what}.{extension}")))
    }

    /// The picture as bytes.
    fn encode(&self, image: &Image, writing: &Writing) -> Result<Vec<u8>> {
        // A JPEG shows what was transparent on white, as the network saw it.
        let alpha = writing.alpha.as_ref().filter(|_| self.format != PictureFormat::Jpeg);
        let alpha = alpha.map(|alpha| alpha.resized(image.width(), image.height())).transpose()?;
        let mut options = WriteOptions::default().bits(writing.bits);
        if let Some(quality) = writing.quality {
            options = options.quality(quality);
        }
        if let Some(alpha) = &alpha {
            options = options.alpha(alpha);
        }
        if let Some(recipe) = &writing.recipe {
            options = options.recipe(recipe);
        }
        Ok(image.encode_with(self.format, &options)?)
    }

    /// Writes the result.
    pub(crate) fn save(&self, image: &Image, writing: &Writing) -> Result<()> {
        let bytes = self.encode(image, writing)?;
        match &self.path {
            Some(path) => Ok(write_atomically(path, &bytes)?),
            None => terminal::give_bytes(&bytes),
        }
    }

    /// Writes a picture beside the result, and says where; nothing for stdout.
    pub(crate) fn save_beside(
        &self,
        what: &str,
        image: &Image,
        writing: &Writing,
    ) -> Result<Option<PathBuf>> {
        let Some(path) = self.beside(what) else { return Ok(None) };
        write_atomically(&path, &self.encode(image, writing)?)?;
        Ok(Some(path))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some((path, file)) = self.lock.take() {
            // Removed while it is held: whoever waits for it sees that it is gone and makes another.
            let _ = fs::remove_file(path);
            drop(file);
        }
    }
}

/// The extension that pictures of a format get.
trait Extension {
    fn extension(self) -> &'static str;
}

impl Extension for PictureFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            _ => "png",
        }
    }
}

/// Whether a path means a folder, there or not.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// `photo_in_starry_and_wave.png`, in the current folder.
fn default_name(recipe: &Recipe) -> PathBuf {
    let stem = |path: &Path| {
        let stem = path.file_stem().map_or_else(|| "picture".into(), |stem| stem.to_string_lossy());
        if stem == "-" { "stdin".to_owned() } else { stem.into_owned() }
    };
    let content = recipe.content.as_deref().map(stem).unwrap_or_default();
    let mut styles: Vec<_> = recipe.styles.iter().take(3).map(|style| stem(&style.path)).collect();
    if recipe.styles.len() > 3 {
        styles.push("more".to_owned());
    }
    let styles = styles.join("_and_");
    let name = match recipe.task.unwrap_or_default() {
        TaskName::Transfer => format!("{content}_in_{styles}"),
        TaskName::Reconstruct => format!("{content}_reconstructed"),
        TaskName::Texture => format!("{styles}_texture"),
    };
    let short: String = name.chars().take(120).collect();
    PathBuf::from(format!("{short}.png"))
}

/// `path` with something behind its whole name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn refused(name: &str, why: &str) -> Failure {
    Failure::new(Exit::Output, format!("cannot write {name}: {why}"))
}

/// Refuses a place where the result could not be written, or would replace something: better now than after the work.
pub(crate) fn check_place(path: &Path, force: bool, inputs: &[&Path]) -> Result<()> {
    let name = path.display().to_string();
    if path.is_dir() {
        return Err(
            refused(&name, "it is a folder").help("name a file inside the folder, such as out/picture.png")
        );
    }
    let real = |path: &Path| path.canonicalize().ok();
    if real(path).is_some_and(|place| inputs.iter().any(|input| real(input).as_ref() == Some(&place))) {
        return Err(refused(&name, "it is an input of this run").help("choose another name with -o"));
    }
    if !force && path.symlink_metadata().is_ok() {
        return Err(refused(&name, "it is there already")
            .help("choose another name with -o, or replace it with --force"));
    }
    Ok(())
}

/// Why a place cannot be claimed that another run holds.
const TAKEN: &str = "another run is writing it";

/// Whether a claim failed because another run holds the place.
pub(crate) fn is_taken(failure: &Failure) -> bool {
    failure.exit == Exit::Output && failure.message.ends_with(TAKEN)
}

/// Holds `PATH.lock` while the run lasts.
fn lock(path: &Path) -> Result<(PathBuf, File)> {
    let name = path.display().to_string();
    let place = with_ending(path, ".lock");
    let failed = |error: std::io::Error| {
        refused(&name, &error.to_string()).help("see that the folder may be written to and the disk has room")
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        if let Some(file) = folder.ancestors().find(|place| place.is_file()) {
            return Err(refused(&name, &format!("{} is a file, not a folder", file.display()))
                .help("name a file inside a folder"));
        }
        fs::create_dir_all(folder).map_err(failed)?;
    }
    match hold(&place, File::options().write(true).create(true).truncate(false)) {
        Ok(file) => Ok((place, file)),
        Err(NotHeld::Taken) => Err(refused(&name, TAKEN).help("wait for it, or choose another name with -o")),
        Err(NotHeld::Failed(error)) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::StyleRecipe;

    #[test]
    fn names_follow_from_the_inputs() {
        let style = |path: &str| StyleRecipe::new(path.into());
        let mut recipe = Recipe { content: Some("in/photo.jpg".into()), ..Recipe::default() };
        recipe.styles = vec![style("x/starry.night.jpg"), style("wave.webp")];
        assert_eq!(default_name(&recipe), Path::new("photo_in_starry.night_and_wave.png"));
        recipe.content = Some("-".into());
        recipe.styles = vec![style("a"), style("b"), style("c"), style("d")];
        assert_eq!(default_name(&recipe), Path::new("stdin_in_a_and_b_and_c_and_more.png"));
        recipe.task = Some(TaskName::Reconstruct);
        assert_eq!(default_name(&recipe), Path::new("stdin_reconstructed.png"));
    }

    #[test]
    fn one_place_is_claimed_once_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/out.png");
        let claim = || Output::claim_path(path.clone(), false, &[]);
        let first = claim().unwrap();
        let failure = claim().unwrap_err();
        assert_eq!(failure.exit, Exit::Output);
        assert!(failure.message.ends_with("another run is writing it"), "{failure}");
        drop(first);
        let again = claim().unwrap();
        drop(again);
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 0, "the lock is gone");
    }

    #[test]
    fn what_is_there_is_replaced_on_request_only_and_an_input_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        fs::write(&path, b"old").unwrap();
        let check =
            |force, inputs: &[&Path]| check_place(&path, force, inputs).map_err(|failure| failure.exit);
        assert_eq!(check(false, &[]), Err(Exit::Output));
        assert_eq!(check(true, &[]), Ok(()));
        assert_eq!(check(true, &[&path]), Err(Exit::Output));
        assert_eq!(check_place(folder.path(), true, &[]).map_err(|failure| failure.exit), Err(Exit::Output));
    }
}
