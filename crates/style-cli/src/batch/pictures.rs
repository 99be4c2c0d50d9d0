//! Which pictures, and where each result goes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::inputs::is_stdin;
use crate::places::picture_beside;

/// A photograph and the place of its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) content: PathBuf,
    pub(super) output: PathBuf,
}

/// A result `STEM.png` in the folder for every photograph, in the order of these names, which is the same on every
/// machine.
///
/// # Errors
///
/// Exit code 2 when two results would have one name, or one that of a picture beside the other. A photograph that is named twice is taken once.
pub(super) fn pictures(contents: &[OsString], folder: &Path) -> Result<Vec<Picture>> {
    let mut all: BTreeMap<OsString, &Path> = BTreeMap::new();
    for content in contents.iter().map(Path::new) {
        if is_stdin(content) {
            return Err(Failure::usage("- cannot be one of many pictures").help("save the picture in a file"));
        }
        let Some(stem) = content.file_stem() else {
            return Err(Failure::usage(format!("{:?} is no picture", content.display().to_string()))
                .help("name files, such as photos/*.jpg"));
        };
        let mut name = stem.to_owned();
        name.push(".png");
        if let Some(other) = all.get(&name) {
            if is_same(other, content) {
                continue; // by the name that came first
            }
            let result = folder.join(name);
            let (a, b, result) = (other.display(), content.display(), result.display());
            return Err(Failure::usage(format!("{a} and {b} would both become {result}"))
                .help("rename one of them, or redraw each folder into one of its own"));
        }
        all.insert(name, content);
    }
    for (name, content) in &all {
        let Some(other) = picture_beside(Path::new(name)) else { continue };
        if let Some(run) = all.get(other.as_os_str()) {
            let (a, b, beside) = (run.display(), content.display(), folder.join(name));
            let message =
                format!("{b} would become {}, which the run of {a} writes on its way", beside.display());
            return Err(Failure::usage(message).help("leave one of them out, or rename it"));
        }
    }
    let picture = |(name, content): (OsString, &Path)| Picture {
        content: content.to_owned(),
        output: folder.join(name),
    };
    Ok(all.into_iter().map(picture).collect())
}

/// Whether two names are of one file, as `photo.jpg` and `./photo.jpg`.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other
        || one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[&str]) -> Result<Vec<Picture>> {
        pictures(&paths.iter().map(OsString::from).collect::<Vec<_>>(), Path::new("out"))
    }

    #[test]
    fn results_stand_in_the_order_of_their_names_whatever_the_order_of_the_arguments() {
        let there = of(&["z/a.jpg", "b.tar.png", "a/c.webp"]).unwrap();
        let outputs: Vec<_> = there.iter().map(|picture| picture.output.to_str().unwrap()).collect();
        assert_eq!(outputs, ["out/a.png", "out/b.tar.png", "out/c.png"]);
        assert_eq!(of(&["a/c.webp", "b.tar.png", "z/a.jpg"]).unwrap(), there);
    }

    #[test]
    fn two_pictures_that_would_have_one_name_are_refused() {
        for pair in [["a/x.jpg", "b/x.jpg"], ["x.jpg", "x.png"]] {
            let failure = of(&pair).unwrap_err();
            assert_eq!(failure.exit, crate::failure::Exit::Usage);
            assert!(failure.message.contains(pair[0]) && failure.message.contains("out/x.png"), "{failure}");
        }
        let failure = of(&["x.jpg", "y.jpg", "in/x.partial.png"]).unwrap_err();
        let message =
            "in/x.partial.png would become out/x.partial.png, which the run of x.jpg writes on its way";
        assert_eq!((failure.exit, &*failure.message), (crate::failure::Exit::Usage, message));
        assert!(of(&["y.jpg", "in/x.partial.png"]).is_ok());
        assert_eq!(of(&["x.jpg", "y.jpg", "x.jpg"]).unwrap().len(), 2, "one file, named twice");
        assert!(of(&["-", "a.jpg"]).is_err());
        assert!(of(&[".."]).is_err());
    }
}
