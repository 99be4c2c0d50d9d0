//! Where fetched weights lie, and how a name finds them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::known::{self, KnownFile};
use crate::failure::{Exit, Failure, Result};

/// The file that `--weights` means: a path, or the name of weights that were fetched.
///
/// # Errors
///
/// Exit code 4 when there is neither such a file nor such a name, or the named weights were not fetched yet.
pub(crate) fn resolve(weights: &Path) -> Result<PathBuf> {
    resolve_in(weights, folder)
}

fn resolve_in(weights: &Path, folder: impl FnOnce() -> Result<PathBuf>) -> Result<PathBuf> {
    if !is_name(weights) {
        return Ok(weights.to_owned()); // whoever opens it says what is wrong with it
    }
    let name = weights.to_str().unwrap_or_default();
    let Some(known) = known::by_name(name) else {
        let message = format!("there is no weights file {name:?}, and no known weights have that name");
        let nearest = known::nearest(name);
        return Err(Failure::new(Exit::Weights, message)
            .help(format!("did you mean {nearest}? `style weights list` shows all names")));
    };
    let file = native(&folder()?, known);
    if file.is_file() {
        return Ok(file);
    }
    let message =
        format!("the weights {} have not been fetched: {} is not there", known.name, file.display());
    Err(Failure::new(Exit::Weights, message).help(format!("fetch them: style weights get {}", known.name)))
}

/// Whether this means weights by their name, and no file.
pub(crate) fn is_name(weights: &Path) -> bool {
    let is_bare = weights.components().count() == 1 && weights.extension().is_none();
    !weights.exists() && (is_bare || weights.to_str().is_some_and(|name| known::by_name(name).is_some()))
}

/// Where the native file of known weights lies.
pub(crate) fn native(folder: &Path, known: &KnownFile) -> PathBuf {
    folder.join(known.name).with_extension("safetensors")
}

/// The folder of fetched weights.
///
/// # Errors
///
/// Exit code 5 when the system names no folder for such files.
pub(crate) fn folder() -> Result<PathBuf> {
    folder_from(|name| std::env::var_os(name)).ok_or_else(|| {
        Failure::new(
            Exit::Output,
            "there is no folder for fetched files: neither XDG_CACHE_HOME nor HOME is set",
        )
        .help("set XDG_CACHE_HOME, or name a file with --output")
    })
}

/// By the XDG base directory specification, which ignores relative paths; on Windows the folder of local data.
fn folder_from(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("LOCALAPPDATA").filter(|_| cfg!(windows)))
        .or_else(|| Some(absolute("HOME")?.join(".cache")));
    Some(base?.join("style-transfer").join("weights"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_lies_where_the_system_wants_it() {
        let with = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
            folder_from(move |name| {
                pairs.iter().find(|(known, _)| known == name).map(|(_, value): &(_, OsString)| value.clone())
            })
        };
        let at = |path: &str| Some(Path::new(path).join("style-transfer/weights"));
        assert_eq!(with(&[("XDG_CACHE_HOME", "/cache"), ("HOME", "/home/me")]), at("/cache"));
        assert_eq!(with(&[("HOME", "/home/me")]), at("/home/me/.cache"));
        assert_eq!(with(&[("XDG_CACHE_HOME", "relative"), ("HOME", "/home/me")]), at("/home/me/.cache"));
        assert_eq!(with(&[]), None);
    }

    #[test]
    fn a_name_finds_what_was_fetched_and_a_path_stays_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let resolve = |weights: &str| resolve_in(Path::new(weights), || Ok(folder.path().to_owned()));
        let failure = resolve("vgg16").unwrap_err();
        assert_eq!(failure.exit, Exit::Weights);
        assert!(failure.help.unwrap().contains("style weights get vgg16"));

        let there = folder.path().join("vgg16.safetensors");
        std::fs::write(&there, b"").unwrap();
        assert_eq!(resolve("vgg16").unwrap(), there);
        assert_eq!(resolve("vgg16-397923af.pth").unwrap(), there);
        assert_eq!(resolve("models/none.safetensors").unwrap(), Path::new("models/none.safetensors"));
        assert_eq!(resolve(there.to_str().unwrap()).unwrap(), there);

        let failure = resolve("vgg61").unwrap_err();
        assert!(failure.help.unwrap().starts_with("did you mean vgg16?"));
    }

    #[test]
    fn a_name_is_no_file_and_a_file_no_name() {
        for (weights, name) in [
            ("vgg19", true),
            ("vgg16-397923af.pth", true),
            ("vgg61", true),
            ("other-397923af.pth", false),
            ("models/vgg19", false),
            ("src", false),
        ] {
            assert_eq!(is_name(Path::new(weights)), name, "{weights}");
        }
    }
}
