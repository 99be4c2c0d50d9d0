//! Options of a run that a sheet of several has no use for.

use crate::arguments::{ProgressKind, RunArguments};
use crate::failure::{Failure, Result};

/// Refuses them by name, rather than doing nothing about them.
pub(super) fn refuse(run: &RunArguments) -> Result<()> {
    let RunArguments { output, keeping, showing, .. } = run;
    let given = [
        ("--no-recipe", output.no_recipe),
        ("--timelapse", output.timelapse.is_some()),
        ("--save-every", output.save_every.is_some()),
        ("--checkpoint-every", keeping.checkpoint_every.is_some()),
        ("--keep-checkpoints", keeping.keep_checkpoints),
        ("--no-checkpoints", keeping.no_checkpoints),
        ("--progress bar", showing.progress == Some(ProgressKind::Bar)),
        ("--view", showing.view.is_some()),
        ("--terminal-picture", showing.terminal_picture.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => Err(Failure::usage(format!(
            "{name} is for one picture, and style compare makes several on a sheet, without a recipe or checkpoints"
        ))
        .help(format!("leave out {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::failure::Exit;

    #[derive(Debug, clap::Parser)]
    #[command(no_binary_name = true)]
    struct Only {
        #[command(flatten)]
        run: RunArguments,
    }

    #[test]
    fn what_a_sheet_has_no_use_for_is_refused_by_name() {
        let refused = |words: &[&str]| refuse(&Only::parse_from(words).run);
        assert!(refused(&["--size", "64", "--bits", "16", "--report", "-q", "--max-memory", "900"]).is_ok());
        for kind in ["auto", "plain", "json", "none"] {
            assert!(refused(&["--progress", kind]).is_ok(), "{kind}");
        }
        for words in [
            &["--no-recipe"][..],
            &["--timelapse", "a.gif"],
            &["--save-every", "3"],
            &["--checkpoint-every", "3"],
            &["--keep-checkpoints"],
            &["--no-checkpoints"],
            &["--progress", "bar"],
            &["--view=8080"],
            &["--terminal-picture", "none"],
        ] {
            let failure = refused(words).unwrap_err();
            let name = words[0].split('=').next().unwrap();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.starts_with(name), "{failure}");
        }
    }
}
