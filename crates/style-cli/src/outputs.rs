//! Where a result goes: nothing is replaced unasked, and no two runs write to one place.

use std::fs;
use std::path::{Path, PathBuf};

use style_transfer::{Image, MAX_FILE_BYTES, PictureFormat, recipe_of};

use crate::arguments::RunArguments;
use crate::claim::{Claim, is_claimed};
use crate::failure::{Exit, Failure, Result};
use crate::inputs;
use crate::places::{self, BEST, PARTIAL};
use crate::reading::read_file;
use crate::recipe::{Recipe, TaskName};
use crate::shell::quoted_path;
use crate::terminal;
use crate::writing::{Writing, write_whole};

/// Longest side of a WebP, px: 14 bits, by RFC 9649, section 3.4.
const WEBP_SIDE: usize = 16383;

/// The place of a result, claimed: no other run writes there while this lives.
#[derive(Debug)]
pub(crate) struct Output {
    /// `None` for stdout.
    path: Option<PathBuf>,
    format: PictureFormat,
    claim: Option<Claim>,
}

impl Output {
    /// Claims the place that the arguments name, or the one that follows from the recipe.
    pub(crate) fn claim(arguments: &RunArguments, recipe: &Recipe) -> Result<Self> {
        let path = match &arguments.output.output {
            Some(path) if path.as_os_str() == "-" => {
                return Ok(Self { path: None, format: PictureFormat::Png, claim: None });
            }
            Some(path) if is_folder(path) => path.join(default_name(recipe)),
            Some(path) => path.clone(),
            None => default_name(recipe),
        };
        let output = Self::claim_path(path, arguments.output.force, &inputs::paths(recipe))?;
        output.check_format(arguments)?;
        output.check_left(arguments.output.force)?;
        for beside in [PARTIAL, BEST].iter().filter_map(|what| output.beside(what)) {
            check_place(&beside, arguments.output.force, &inputs::paths(recipe))?;
        }
        Ok(output)
    }

    /// Refuses to take the place of an interrupted run unasked.
    pub(crate) fn check_left(&self, force: bool) -> Result<()> {
        let Some(path) = self.path().filter(|_| !force) else { return Ok(()) };
        if !places::checkpoints(path).iter().any(|place| place.exists()) {
            return Ok(());
        }
        Err(refused(&self.name(), "an interrupted run left a checkpoint there").help(format!(
            "`style resume {}` goes on with it; --force forgets it and begins anew",
            quoted_path(path)
        )))
    }

    /// Forgets an earlier run to this place, of which nothing will be gone on with.
    pub(crate) fn forget_earlier_run(&self) {
        let checkpoints = self.path().map(places::checkpoints).into_iter().flatten();
        for place in checkpoints.chain(self.beside(PARTIAL)) {
            // One that stays is written over by the first of the new run.
            let _ = fs::remove_file(place);
        }
    }

    /// Refuses what the format has not.
    pub(crate) fn check_format(&self, arguments: &RunArguments) -> Result<()> {
        let name = self.format.name();
        if arguments.output.depth() == 16 && self.format != PictureFormat::Png {
            return Err(Failure::usage(format!("--bits 16 needs a PNG, and {} is a {name}", self.name()))
                .help("name a file that ends in .png, or leave out --bits"));
        }
        Ok(())
    }

    /// Refuses a size in px that the format has not.
    pub(crate) fn check_size(&self, width: usize, height: usize) -> Result<()> {
        if self.format != PictureFormat::WebP || width.max(height) <= WEBP_SIDE {
            return Ok(());
        }
        let message =
            format!("a WebP has {WEBP_SIDE} px a side at most, and the result {width} x {height} px");
        Err(Failure::usage(message).help("name a file that ends in .png with -o"))
    }

    /// Claims a path for a picture.
    pub(crate) fn claim_path(path: PathBuf, force: bool, inputs: &[&Path]) -> Result<Self> {
        let format = if path.is_dir() { Ok(PictureFormat::Png) } else { PictureFormat::from_path(&path) }?;
        for own in places::own(&path) {
            check_input("-o", &own, inputs)?;
        }
        let claim = Claim::of("-o", &path, force, inputs)?;
        let output = Self { claim: Some(claim), path: Some(path), format };
        output.check_neighbours()?;
        output.check_beside(force, inputs)?;
        Ok(output)
    }

    /// Refuses to replace an input by the picture so far, or somebody's picture of that name.
    fn check_beside(&self, force: bool, inputs: &[&Path]) -> Result<()> {
        let begun =
            self.path().is_some_and(|path| places::checkpoints(path).iter().any(|place| place.exists()));
        for beside in [PARTIAL, BEST].iter().filter_map(|what| self.beside(what)) {
            // An earlier run to this place may have left it.
            let is_ours = || begun || has_recipe(&beside);
            check_place(&beside, force || is_ours(), inputs)?;
        }
        Ok(())
    }

    /// Refuses to share the picture so far with another run, to which it is the result. Both look after they have claimed
    /// their own, so that one of them sees the other.
    fn check_neighbours(&self) -> Result<()> {
        let help = "wait for it, or choose another name with -o";
        for beside in [PARTIAL, BEST].iter().filter_map(|what| self.beside(what)) {
            if is_claimed(&beside) {
                return Err(refused(&beside.display().to_string(), "another run is writing it").help(help));
            }
        }
        match self.path().and_then(places::picture_beside).filter(|picture| is_claimed(picture)) {
            Some(picture) => {
                let why = format!("the run to {} writes its picture so far there", picture.display());
                Err(refused(&self.name(), &why).help(help))
            }
            None => Ok(()),
        }
    }

    /// The file; `None` for stdout.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The place in words.
    pub(crate) fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "stdout".to_owned(), |path| path.display().to_string())
    }

    /// The format of the result.
    pub(crate) const fn format(&self) -> PictureFormat {
        self.format
    }

    /// A picture beside the result: `NAME.best.png`, `NAME.partial.png`.
    pub(crate) fn beside(&self, what: &str) -> Option<PathBuf> {
        self.path.as_deref().map(|path| places::beside(path, what))
    }

    /// Whether a run to this place may write that file itself.
    pub(crate) fn is_own(&self, path: &Path) -> bool {
        let Some(picture) = self.path() else { return false };
        let place = places::place_of(path);
        let is_snapshot = || {
            let name = place.file_name().and_then(|name| places::step_of_snapshot(picture, name));
            name.is_some() && places::place_of(picture).parent() == place.parent()
        };
        places::own(picture).any(|own| places::place_of(&own) == place) || is_snapshot()
    }

    /// Writes the result, unless somebody else's file has come to its place while it was made.
    pub(crate) fn save(&self, image: &Image, writing: &Writing<'_>) -> Result<()> {
        self.claim.as_ref().map_or(Ok(()), Claim::check_still_free)?;
        let bytes = writing.encode(image, self.format)?;
        match &self.path {
            Some(path) => Ok(write_whole(path, &bytes)?),
            None => terminal::give_all(&bytes),
        }
    }

    /// Writes a picture beside the result, and says where; nothing for stdout.
    pub(crate) fn save_beside(
        &self,
        what: &str,
        image: &Image,
        writing: &Writing<'_>,
    ) -> Result<Option<PathBuf>> {
        let Some(path) = self.beside(what) else { return Ok(None) };
        write_whole(&path, &writing.encode(image, self.format)?)?;
        Ok(Some(path))
    }
}

/// Whether this program made a picture, and says so in it.
fn has_recipe(picture: &Path) -> bool {
    let bytes = read_file(picture, MAX_FILE_BYTES as u64);
    bytes.is_ok_and(|bytes| recipe_of(&bytes).is_ok_and(|recipe| recipe.is_some()))
}

/// Bytes of a name that follows from the inputs. File systems take 255, with what stands behind the names of the files
/// beside it.
const LONGEST_NAME: usize = 180;

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
    PathBuf::from(format!("{}.png", &name[..name.floor_char_boundary(LONGEST_NAME)]))
}

pub(crate) fn refused(name: &str, why: &str) -> Failure {
    Failure::new(Exit::Output, format!("cannot write {name}: {why}"))
}

/// Refuses a place where the result could not be written, or would replace something: better now than after the work.
pub(crate) fn check_place(path: &Path, force: bool, inputs: &[&Path]) -> Result<()> {
    check_place_of("-o", path, force, inputs)
}

/// The same for a place that another option names.
pub(crate) fn check_place_of(option: &str, path: &Path, force: bool, inputs: &[&Path]) -> Result<()> {
    let name = path.display().to_string();
    if path.is_dir() {
        return Err(
            refused(&name, "it is a folder").help("name a file inside the folder, such as out/picture.png")
        );
    }
    check_input(option, path, inputs)?;
    if !force && path.symlink_metadata().is_ok() {
        return Err(refused(&name, "it is there already")
            .help(format!("choose another name with {option}, or replace it with --force")));
    }
    Ok(())
}

/// Refuses a place that a run reads from.
fn check_input(option: &str, path: &Path, inputs: &[&Path]) -> Result<()> {
    let real = |path: &Path| path.canonicalize().ok();
    if real(path).is_some_and(|place| inputs.iter().any(|input| real(input).as_ref() == Some(&place))) {
        return Err(refused(&path.display().to_string(), "it is an input of this run")
            .help(format!("choose another name with {option}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;
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
    fn a_name_that_follows_has_room_for_what_stands_behind_it() {
        let long = "風".repeat(80);
        let styles = vec![StyleRecipe::new("wave.jpg".into())];
        let recipe = Recipe { content: Some(format!("{long}.jpg").into()), styles, ..Recipe::default() };
        let name = default_name(&recipe);
        assert_eq!(name, Path::new(&format!("{}.png", "風".repeat(60))));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let longest = places::with_ending(&path.with_extension("report.html"), ".1234567-1234567.tmp");
        for path in [&path, &places::checkpoints(&path)[1], &longest] {
            fs::write(path, b"").unwrap();
        }
    }

    #[test]
    fn a_name_that_has_no_room_is_refused_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let claim = |length: usize| {
            let name = format!("{}.png", "a".repeat(length - 4));
            Output::claim_path(folder.path().join(name), false, &[]).map(drop)
        };
        claim(200).unwrap();
        let failure = claim(240).unwrap_err();
        assert_eq!(failure.exit, Exit::Output);
        assert!(failure.message.contains("240 bytes"), "{failure}");
    }

    #[test]
    fn a_picture_too_large_for_its_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let exit = |name: &str, side| {
            let output = Output::claim_path(folder.path().join(name), false, &[]).unwrap();
            output.check_size(100, side).map_err(|failure| failure.exit)
        };
        assert_eq!(exit("a.webp", 16384), Err(Exit::Usage));
        assert_eq!(exit("a.webp", 16383), Ok(()));
        assert_eq!(exit("a.png", 16384), Ok(()));
    }

    #[test]
    fn one_place_is_claimed_once_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/out.png");
        let claim = || Output::claim_path(path.clone(), false, &[]);
        let first = claim().unwrap();
        let failure = claim().unwrap_err();
        assert_eq!((failure.exit, failure.kind), (Exit::Output, Kind::Taken));
        assert!(failure.message.ends_with("another run is writing it"), "{failure}");
        drop(first);
        let again = claim().unwrap();
        drop(again);
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 0, "the lock is gone");
    }

    #[test]
    fn a_result_is_no_other_runs_picture_so_far() {
        let folder = tempfile::tempdir().unwrap();
        let claim = |name: &str| Output::claim_path(folder.path().join(name), true, &[]);
        for (first, second) in [("a.png", "a.partial.png"), ("a.best.png", "a.png")] {
            let claimed = claim(first).unwrap();
            let failure = claim(second).unwrap_err();
            assert_eq!(
                (failure.exit, failure.kind),
                (Exit::Output, Kind::Plain),
                "{first}, {second}: {failure}"
            );
            drop(claimed);
            claim(second).unwrap();
        }
        let _both = [claim("b.jpg").unwrap(), claim("b.jpeg").unwrap()];
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
