//! `style man`: the manual, made from the same words as `--help`.

use std::path::PathBuf;

use clap::Args;
use clap_mangen::Man;

use crate::failure::{Exit, Failure, Result};
use crate::outputs::check_place;
use crate::signals;
use crate::terminal::{give_bytes, give_path};
use crate::writing::write_whole;

/// Print the manual page (`style man | man -l -` shows it), or write those of all subcommands.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Write a page for the program and for every subcommand into this folder
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Replace pages that are there
    #[arg(short, long)]
    force: bool,
}

/// Prints or writes the manual of the `program`.
///
/// # Errors
///
/// Exit code 5 when a page cannot be written.
pub(crate) fn run(arguments: &Arguments, program: clap::Command) -> Result<()> {
    let program = program.name("style");
    let Some(folder) = &arguments.output else {
        return give_bytes(&page(program.disable_help_subcommand(true))?);
    };
    let pages: Vec<_> =
        pages(program)?.into_iter().map(|(name, page)| (folder.join(format!("{name}.1")), page)).collect();
    for (path, _) in &pages {
        check_place(path, arguments.force, &[])?;
    }
    for (path, page) in pages {
        write_whole(&path, &page)?;
        signals::wrote(&path);
        give_path(&path)?;
    }
    Ok(())
}

fn page(command: clap::Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::new(Exit::Internal, format!("cannot write the manual: {error}")))?;
    Ok(page)
}

/// A page for the program and one for every subcommand that is shown, by names such as `style-weights-get`.
fn pages(program: clap::Command) -> Result<Vec<(String, Vec<u8>)>> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    let mut waiting = vec![(program.get_name().to_owned(), program)];
    while let Some((name, command)) = waiting.pop() {
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            waiting.push((format!("{name}-{}", below.get_name()), below.clone()));
        }
        let leaked: &'static str = name.clone().leak(); // clap's names live as long as the program, which ends here
        pages.push((name, page(command.display_name(leaked))?));
    }
    pages.sort();
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;

    #[test]
    fn every_subcommand_has_a_page() {
        let program = || {
            let get = Command::new("get").about("Fetch").arg(Arg::new("from").long("from"));
            let hidden = Command::new("inner").hide(true);
            Command::new("style").subcommand(Command::new("weights").subcommand(get)).subcommand(hidden)
        };
        let pages = pages(program()).unwrap();
        let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["style", "style-weights", "style-weights-get"]);
        let page = String::from_utf8(pages[2].1.clone()).unwrap();
        assert!(page.contains("\\-\\-from") && page.contains("Fetch"), "{page}");
    }
}
