//! What is saved of a run that does not come to its end. Why it ended is told first and gives the exit code, whatever
//! else goes wrong.

use std::path::Path;

use style_transfer::{Image, PictureFormat};

use crate::failure::Failure;
use crate::outputs::Output;
use crate::writing::{Writing, write_to_free_name};

/// Where a picture may go that has no place as a result.
#[derive(Clone, Copy)]
pub(crate) struct Rescue<'a> {
    pub(crate) output: &'a Output,
    pub(crate) writing: Writing<'a>,
}

impl Rescue<'_> {
    /// Writes a picture beside the result that will not be, or elsewhere, and tells where.
    pub(crate) fn beside(self, failure: Failure, image: &Image, what: &str) -> Failure {
        match self.output.save_beside(what, image, &self.writing) {
            Ok(Some(path)) => told(failure, &format!("the picture so far is {}", path.display())),
            Ok(None) => self.elsewhere(failure, image, "the picture so far"),
            Err(unsaved) => {
                let failure = told(failure, &unsaved.message);
                let help = failure.help.clone().or(unsaved.help);
                self.elsewhere(Failure { help, ..failure }, image, "the picture so far")
            }
        }
    }

    /// Hours of work should not be lost because a disk is full: another folder may have room.
    pub(crate) fn elsewhere(self, failure: Failure, image: &Image, what: &str) -> Failure {
        let named = self.output.path().and_then(Path::file_name).map(Path::new);
        let name = named.map_or_else(|| format!("style-{}", std::process::id()).into(), Path::to_owned);
        match self.writing.encode(image, PictureFormat::Png) {
            Ok(bytes) => keep(failure, &name.with_extension("png"), &bytes, what),
            Err(error) => told(failure, &error.message),
        }
    }
}

/// Keeps a file that has no place as a result among the temporary files, and tells where.
pub(crate) fn keep(failure: Failure, name: &Path, bytes: &[u8], what: &str) -> Failure {
    let folder = std::env::temp_dir();
    match write_to_free_name(&folder.join(name), bytes) {
        Ok(path) => told(failure, &format!("{what} is {}", path.display())),
        Err(error) => {
            told(failure, &format!("{what} cannot be kept in {} either: {error}", folder.display()))
        }
    }
}

/// The same failure, and what followed.
fn told(failure: Failure, more: &str) -> Failure {
    Failure { message: format!("{}; {more}", failure.message), ..failure }
}
