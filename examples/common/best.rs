//! The best picture of a run that failed on its way.

use std::path::PathBuf;

use style_transfer::{Error, Outcome};

use super::{Path, Result, check_place};

/// The outcome of a run; where it failed and a picture is left, that is saved as `NAME.best.png` beside the output,
/// which stays as it is: nobody should take half a run for the result. `inputs` are never replaced.
pub(crate) fn keep_best(
    run: std::result::Result<Outcome, Error>,
    output: &Path,
    inputs: &[Option<&PathBuf>],
) -> Result<Outcome> {
    let error = match run {
        Ok(outcome) => return Ok(outcome),
        Err(error) => error,
    };
    if let Some(best) = error.best() {
        let path = output.with_extension("best.png");
        match check_place(&path, inputs).and_then(|()| Ok(best.save(&path)?)) {
            Ok(()) => {
                eprintln!(
                    "the best picture so far, {} x {} px: {}",
                    best.width(),
                    best.height(),
                    path.display()
                );
            }
            Err(why) => eprintln!("the best picture so far could not be saved: {why}"),
        }
    }
    Err(error.into())
}
