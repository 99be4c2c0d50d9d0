//! Which file a path means, and what a run writes beside its picture.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use crate::outputs::with_ending;

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

/// The last checkpoint of a picture, and the one before it.
pub(crate) fn checkpoints(picture: &Path) -> [PathBuf; 2] {
    [with_ending(picture, ".checkpoint"), with_ending(picture, ".checkpoint.previous")]
}

/// Where a checkpoint is written before it gets its name. Nobody else writes it: the picture is claimed.
pub(crate) fn unfinished(picture: &Path) -> PathBuf {
    with_ending(picture, ".checkpoint.new")
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
