//! What a run writes and serves besides its picture. All of it is claimed before anything is opened or computed, so that
//! a mistake about it costs no time.

use super::{snapshots, timelapse};
use crate::arguments::RunArguments;
use crate::claim::Claim;
use crate::failure::Result;
use crate::outputs::Output;
use crate::recipe::Recipe;
use crate::report;
use crate::view::View;

/// Each goes to the watcher that it is for, and is held as long as that lives.
#[derive(Default)]
pub(crate) struct Claims {
    pub(crate) report: Option<Claim>,
    pub(super) timelapse: Option<Claim>,
    /// The live page, which answers already.
    pub(super) view: Option<View>,
}

impl Claims {
    /// Claims what the arguments ask for.
    ///
    /// # Errors
    ///
    /// Exit code 2 for what does not go together, a name of no format and a port that is taken, 5 for a place where a
    /// file could not be written.
    pub(crate) fn of(arguments: &RunArguments, recipe: &Recipe, output: &Output) -> Result<Self> {
        snapshots::check(arguments, output)?;
        Ok(Self {
            report: report::claim(arguments, recipe, output)?,
            timelapse: timelapse::claim(arguments, recipe, output)?,
            view: arguments.showing.view.map(View::open).transpose()?,
        })
    }
}
