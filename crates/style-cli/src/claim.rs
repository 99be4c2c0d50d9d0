//! Places that one run at a time writes to.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind, Result};
use crate::lock::{NotHeld, hold};
use crate::outputs::{check_place_of, refused};
use crate::places;
use crate::scraps::Scrap;

/// A place that no other run writes to while this lives.
#[derive(Debug)]
pub(crate) struct Claim {
    option: &'static str,
    path: PathBuf,
    force: bool,
    /// The lock file.
    place: PathBuf,
    /// `None` once it is given back.
    file: Option<File>,
    _scrap: Scrap,
}

impl Claim {
    /// Claims the place that an option names.
    ///
    /// # Errors
    ///
    /// Exit code 5 where a file could not be written, or would replace one or an input, and where another run writes.
    pub(crate) fn of(option: &'static str, path: &Path, force: bool, inputs: &[&Path]) -> Result<Self> {
        check_place_of(option, path, force, inputs)?;
        check_length(option, path)?;
        let claim = lock(option, path, force)?;
        // Once more, as the run that held the lock may have written it.
        check_place_of(option, path, force, inputs)?;
        Ok(claim)
    }

    /// What is claimed.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses to replace what somebody else has put there meanwhile.
    pub(crate) fn check_still_free(&self) -> Result<()> {
        self.check_free(&self.path)
    }

    /// The same for a file that belongs to what is claimed.
    pub(crate) fn check_free(&self, path: &Path) -> Result<()> {
        check_place_of(self.option, path, self.force, &[])
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // Removed while it is held: whoever waits for it sees that it is gone and makes another.
            let _ = fs::remove_file(&self.place);
            drop(file);
        }
    }
}

/// Whether a run writes there now.
pub(crate) fn is_claimed(path: &Path) -> bool {
    matches!(hold(&places::lock(path), File::options().write(true)), Err(NotHeld::Taken))
}

/// Refuses a name that leaves no room for what is written beside the result.
fn check_length(option: &str, path: &Path) -> Result<()> {
    let [_, longest] = places::checkpoints(path);
    match longest.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidFilename => {
            let bytes = path.file_name().map_or(0, |name| name.as_encoded_bytes().len());
            let why = format!("its name has {bytes} bytes, and names of files beside it are longer");
            Err(refused(&path.display().to_string(), &why)
                .help(format!("choose a shorter name with {option}")))
        }
        _ => Ok(()),
    }
}

/// Holds `PATH.lock` while the run lasts.
fn lock(option: &'static str, path: &Path, force: bool) -> Result<Claim> {
    let name = path.display().to_string();
    let place = places::lock(path);
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
    let lock = place.display();
    if place.symlink_metadata().is_ok_and(|found| !found.is_file() || found.len() > 0) {
        return Err(refused(&name, &format!("{lock} is there, and is no lock of this program"))
            .help(format!("move it away, or choose another name with {option}")));
    }
    match hold(&place, File::options().write(true).create(true).truncate(false)) {
        Ok(file) => {
            let scrap = Scrap::file(&place);
            Ok(Claim { option, path: path.to_owned(), force, place, file: Some(file), _scrap: scrap })
        }
        Err(NotHeld::Taken) => {
            let failure = refused(&name, "another run is writing it")
                .help(format!("wait for it, or choose another name with {option}"));
            Err(Failure { kind: Kind::Taken, ..failure })
        }
        Err(NotHeld::Failed(error)) => Err(refused(&name, &format!("{lock}: {error}")).help(
            "see that the folder may be written to and the disk has room; a lock that another user's run left may be removed",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    #[test]
    fn a_place_is_claimed_as_long_as_the_claim_lives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/run.gif");
        assert!(!is_claimed(&path));
        let first = Claim::of("--timelapse", &path, false, &[]).unwrap();
        assert!(is_claimed(&path));
        let failure = Claim::of("--timelapse", &path, false, &[]).unwrap_err();
        assert_eq!((failure.exit, failure.kind), (Exit::Output, Kind::Taken));
        assert_eq!(failure.help.as_deref(), Some("wait for it, or choose another name with --timelapse"));
        drop(first);
        assert!(!is_claimed(&path));
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 0, "the lock is gone");
    }
}
