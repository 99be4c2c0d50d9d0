//! Which file a path means, and what a run writes beside its picture.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// What stands in the names of pictures beside the result: the picture so far, and the best of a run that failed.
pub(crate) const PARTIAL: &str = "partial";
pub(crate) const BEST: &str = "best";

/// The place that a path means, however it is written: from the root, with folders that are links followed, and without
/// `.` and `..`. A link at the end is not followed, as writing replaces it. Nothing needs to be there yet.
pub(crate) fn place_of(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut place = PathBuf::new();
    let mut parts = whole.components().peekable();
    while let Some(part) = parts.next() {
        match part {
            Component::ParentDir => _ = place.pop(),
            Component::CurDir => {}
            part => place.push(part),
        }
        if parts.peek().is_some() {
            place = place.canonicalize().unwrap_or(place);
        }
    }
    place
}

/// `path` with something behind its whole name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Held while a file is being made.
pub(crate) fn lock(path: &Path) -> PathBuf {
    with_ending(path, ".lock")
}

/// All that a run to a picture may write, but for what its steps number, and files that other options name.
pub(crate) fn own(picture: &Path) -> impl Iterator<Item = PathBuf> {
    let [last, previous] = checkpoints(picture);
    let [page, json] = report(picture);
    let [partial, best] = [PARTIAL, BEST].map(|what| beside(picture, what));
    let locks = [lock(picture), lock(&json)];
    [picture.to_owned(), last, previous, unfinished(picture), page, json, partial, best]
        .into_iter()
        .chain(locks)
}

/// The last checkpoint of a picture, and the one before it.
pub(crate) fn checkpoints(picture: &Path) -> [PathBuf; 2] {
    [with_ending(picture, ".checkpoint"), with_ending(picture, ".checkpoint.previous")]
}

/// Where a checkpoint is written before it gets its name. Nobody else writes it: the picture is claimed.
pub(crate) fn unfinished(picture: &Path) -> PathBuf {
    with_ending(picture, ".checkpoint.new")
}

/// `NAME.partial.png` of `NAME.png`: with the picture's own extension, so that no other picture has the same.
pub(crate) fn beside(picture: &Path, what: &str) -> PathBuf {
    let mut ending = OsString::from(what);
    if let Some(extension) = picture.extension() {
        ending.push(".");
        ending.push(extension);
    }
    picture.with_extension(ending)
}

/// The picture that [`beside`] has such a name of.
pub(crate) fn picture_beside(path: &Path) -> Option<PathBuf> {
    let (name, extension) = (path.with_extension(""), path.extension()?);
    let what = name.extension().filter(|found| *found == PARTIAL || *found == BEST)?;
    let picture = name.with_extension(extension);
    (beside(&picture, what.to_str()?) == path).then_some(picture)
}

/// Where a picture goes that somebody saves on the live page of a run to `picture`: `NAME.step-12.png`, or with a further
/// number where that is taken.
pub(crate) fn save(picture: &Path, step: usize) -> PathBuf {
    let first = picture.with_extension(format!("step-{step}.png"));
    let further = (2..).map(|number| picture.with_extension(format!("step-{step}-{number}.png")));
    std::iter::once(first.clone()).chain(further).find(|path| !path.exists()).unwrap_or(first)
}

/// The pictures that [`save`] may have such a name of: they may have any extension.
pub(crate) fn pictures_of_save(path: &Path) -> Vec<PathBuf> {
    let name = path.with_extension("");
    let numbers = name.extension().and_then(|found| found.to_str()?.strip_prefix("step-"));
    let is_number = |text: &str| text.parse::<usize>().is_ok();
    if path.extension().is_none_or(|found| found != "png")
        || !numbers.is_some_and(|numbers| numbers.split('-').all(is_number))
    {
        return Vec::new();
    }
    let extensions = ["png", "jpg", "jpeg", "webp", "PNG", "JPG", "JPEG", "WEBP"];
    extensions.iter().map(|extension| name.with_extension(extension)).collect()
}

/// The picture that a run to `picture` writes after a step, `NAME.0100.png` for step 100.
pub(crate) fn snapshot(picture: &Path, step: usize) -> PathBuf {
    let extension = picture.extension().unwrap_or_default().to_string_lossy();
    picture.with_extension(format!("{step:04}.{extension}"))
}

/// The step of a file's name that [`snapshot`] makes of a picture's.
pub(crate) fn step_of_snapshot(picture: &Path, name: &OsStr) -> Option<usize> {
    let before = picture.file_stem()?.as_encoded_bytes();
    let rest = name.as_encoded_bytes().strip_prefix(before)?.strip_prefix(b".")?;
    let digits = rest.split(|&byte| byte == b'.').next()?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (snapshot(picture, number).file_name() == Some(name)).then_some(number)
}

/// The report of a run to `picture`: the page, and its numbers.
pub(crate) fn report(picture: &Path) -> [PathBuf; 2] {
    ["report.html", "report.json"].map(|ending| picture.with_extension(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_same(a: &Path, b: &Path) -> bool {
        place_of(a) == place_of(b)
    }

    #[test]
    fn one_place_has_many_paths() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there");
        std::fs::create_dir(&there).unwrap();
        let place = there.join("out.png");
        for path in ["there/./out.png", "there/../there/out.png", "new/../there/out.png"] {
            assert!(is_same(&folder.path().join(path), &place), "{path}");
        }
        for path in ["out.png", "there/out.jpg", "there/new/out.png"] {
            assert!(!is_same(&folder.path().join(path), &place), "{path}");
        }
        assert!(is_same(Path::new("./out.png"), Path::new("out.png")));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&there, folder.path().join("link")).unwrap();
            assert!(is_same(&folder.path().join("link/new/out.png"), &there.join("new/out.png")));
            assert!(is_same(&folder.path().join("link/../out.png"), &folder.path().join("out.png")));
        }
    }

    #[test]
    fn no_two_pictures_have_one_picture_beside_them() {
        let pictures = ["a.png", "a.PNG", "a.jpg", "a.jpeg", "out/a.v2.webp"].map(Path::new);
        let partials = pictures.map(|picture| beside(picture, PARTIAL));
        assert_eq!(partials[3], Path::new("a.partial.jpeg"));
        for (picture, partial) in pictures.iter().zip(&partials) {
            assert_eq!(partials.iter().filter(|other| *other == partial).count(), 1, "{}", partial.display());
            assert_eq!(picture_beside(partial).as_deref(), Some(*picture));
        }
        assert_eq!(picture_beside(Path::new("a.best.png")).as_deref(), Some(Path::new("a.png")));
        for other in ["a.png", "partial.png", "a.other.png", ".partial.png"] {
            assert_eq!(picture_beside(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn a_saved_picture_replaces_no_other_and_is_known_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("castle in winter.v2.webp");
        let name = |step| save(&picture, step).file_name().unwrap().to_owned();
        assert_eq!(name(12), "castle in winter.v2.step-12.png");
        std::fs::write(folder.path().join("castle in winter.v2.step-12.png"), "").unwrap();
        assert_eq!(name(12), "castle in winter.v2.step-12-2.png");
        assert_eq!(name(13), "castle in winter.v2.step-13.png");
        for step in [12, 13] {
            assert!(pictures_of_save(&save(&picture, step)).contains(&picture));
        }
        for other in ["a.png", "a.step-.png", "a.step-1-x.png", "a.step-1.jpg", "step-1.png"] {
            assert!(pictures_of_save(Path::new(other)).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_snapshot_is_known_by_its_name() {
        let picture = Path::new("out/castle.v2.png");
        assert_eq!(snapshot(picture, 12), Path::new("out/castle.v2.0012.png"));
        let step = |name: &str| step_of_snapshot(picture, OsStr::new(name));
        assert_eq!([step("castle.v2.0012.png"), step("castle.v2.12345.png")], [Some(12), Some(12345)]);
        for name in ["castle.v2.12.png", "castle.v2.png", "castle.0012.png", "castle.v2.0012.jpg", "other"] {
            assert_eq!(step(name), None, "{name}");
        }
    }
}
