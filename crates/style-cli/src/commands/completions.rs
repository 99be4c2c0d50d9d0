//! `style completions`: what a shell completes when somebody presses Tab.

use clap::Args;
use clap_complete::Shell;

use crate::failure::Result;
use crate::terminal::give_bytes;

/// Print completions for a shell: bash, zsh, fish, elvish or powershell.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Which shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the completions of the `program`.
///
/// # Errors
///
/// Exit code 5 when standard output takes nothing.
pub(crate) fn run(arguments: &Arguments, mut program: clap::Command) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "style", &mut text);
    give_bytes(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_the_subcommands() {
        let program = || clap::Command::new("style").subcommand(clap::Command::new("weights"));
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut program(), "style", &mut text);
            assert!(String::from_utf8(text).unwrap().contains("weights"), "{shell}");
        }
    }
}
