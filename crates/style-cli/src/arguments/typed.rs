//! The words that were typed, which the parser's errors name in part only.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory as _};

use super::Arguments;

/// The words of a command line, and the command that they are for.
pub(crate) struct Typed {
    words: Vec<String>,
    command: Command,
    /// `style weights get`
    pub(crate) name: String,
}

/// A word behind an option.
pub(super) struct Behind<'a> {
    pub(super) option: &'a str,
    pub(super) value: &'a str,
    /// The option as the command has it.
    pub(super) arg: &'a Arg,
}

impl Typed {
    pub(crate) fn of(arguments: &[OsString]) -> Self {
        let (mut name, mut command) = ("style".to_owned(), Arguments::command());
        let words: Vec<_> =
            arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        for word in &words {
            let Some(next) = command.find_subcommand(word).cloned() else { break };
            name = format!("{name} {}", next.get_name());
            command = next;
        }
        let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
        Self { words: words[..end].to_vec(), command, name }
    }

    /// Whether the first word is `help`.
    pub(super) fn asks_for_help(&self) -> bool {
        self.words.first().is_some_and(|word| word == "help")
    }

    /// A word that begins so, where it stands behind an option that takes a value. What begins with two hyphens is meant
    /// for an option.
    pub(super) fn behind_option(&self, begin: &str) -> Option<Behind<'_>> {
        self.words.windows(2).find_map(|pair| {
            let [option, value] = pair else { return None };
            let arg = self.option(option)?;
            let takes = arg.get_action().takes_values() && !arg.is_require_equals_set();
            let is_meant = takes && value.starts_with(begin) && !value.starts_with("--");
            is_meant.then_some(Behind { option, value, arg })
        })
    }

    /// What was typed as the values of a list of which one is empty, as in `--steps 20,`.
    pub(super) fn list_with_a_gap(&self, option: &str) -> Option<&str> {
        let delimiter = self.option(option)?.get_value_delimiter()?;
        let values =
            self.words.iter().enumerate().filter_map(|(index, word)| match word.strip_prefix(option)? {
                "" => self.words.get(index + 1).map(String::as_str),
                rest => rest.strip_prefix('='),
            });
        values
            .into_iter()
            .find(|value| value.contains(delimiter) && value.split(delimiter).any(str::is_empty))
    }

    /// The option of a word such as `--size` or `-o`.
    fn option(&self, word: &str) -> Option<&Arg> {
        let is_meant = |arg: &&Arg| match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(long), _) => arg.get_long() == Some(long),
            (None, Some(short)) => arg.get_short().is_some_and(|letter| short == letter.to_string()),
            (None, None) => false,
        };
        self.command.get_arguments().find(is_meant)
    }
}
