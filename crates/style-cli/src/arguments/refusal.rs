//! What the parser of arguments refuses, in the words that the program has for everything else it refuses.

use std::any::TypeId;
use std::error::Error as _;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Typed;
use super::typed::Behind;
use crate::failure::Failure;

/// The failure of an error about arguments, where its kind has words of ours.
pub(crate) fn refusal(error: &clap::Error, typed: &Typed) -> Option<Failure> {
    let (said, command) = (Said { error, typed }, &typed.name);
    let all = format!("`{command} --help` lists all options");
    let option = said.text(ContextKind::InvalidArg).map(|name| bare(&name).to_owned());
    match error.kind() {
        ErrorKind::UnknownArgument => Some(said.unknown(&option?, &all)),
        ErrorKind::InvalidValue => Some(said.unfit(&option?, &all)),
        ErrorKind::ValueValidation => {
            let value = said.text(ContextKind::InvalidValue)?;
            if value.is_empty() {
                return Some(said.empty(&option?, &all));
            }
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            Some(Failure::usage(format!("{} {value}: {}", option?, plain(&why))).help(all))
        }
        ErrorKind::MissingRequiredArgument => {
            let names = said.texts(ContextKind::InvalidArg);
            let names: Vec<&str> = names.iter().map(|name| bare(name)).collect();
            let verb = if names.len() == 1 { "is" } else { "are" };
            Some(Failure::usage(format!("{} {verb} missing", names.join(" and "))).help(all))
        }
        ErrorKind::ArgumentConflict => {
            let others = said.texts(ContextKind::PriorArg);
            let others: Vec<&str> = others.iter().map(|name| bare(name)).collect();
            let (option, others) = (option?, others.join(" and "));
            Some(
                Failure::usage(format!("{option} and {others} do not go together"))
                    .help("leave one of them out"),
            )
        }
        ErrorKind::InvalidSubcommand => {
            let found = said.text(ContextKind::InvalidSubcommand)?;
            let near = said.texts(ContextKind::SuggestedSubcommand);
            let help = match near.first() {
                Some(near) => format!("did you mean `{command} {near}`?"),
                None if typed.asks_for_help() => {
                    "`style help` lists all commands; a picture that is named help is written ./help"
                        .to_owned()
                }
                None => all,
            };
            Some(Failure::usage(format!("{command} has no command {found}")).help(help))
        }
        _ => None,
    }
}

/// What an error says, part by part.
struct Said<'a> {
    error: &'a clap::Error,
    typed: &'a Typed,
}

impl Said<'_> {
    fn texts(&self, kind: ContextKind) -> Vec<String> {
        match self.error.get(kind) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    fn text(&self, kind: ContextKind) -> Option<String> {
        self.texts(kind).into_iter().next()
    }

    fn unknown(&self, found: &str, all: &str) -> Failure {
        if !found.starts_with('-') {
            return Failure::usage(format!("{found:?} is one argument too many")).help(all);
        }
        if let Some(Behind { option, value, arg }) = self.typed.behind_option(found) {
            let why = if arg.is_allow_negative_numbers_set() {
                "it is no number"
            } else {
                "no value of it begins with -"
            };
            let failure = Failure::usage(format!("{option} {value}: {why}"));
            let is_file = arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
            return failure.help(if is_file {
                format!("a file is written ./{value}")
            } else {
                all.to_owned()
            });
        }
        let failure = Failure::usage(format!("there is no option {found}"));
        match self.text(ContextKind::SuggestedArg) {
            Some(near) => failure.help(format!("did you mean {}? {all}", bare(&near))),
            None if found[1..].starts_with(|letter: char| letter.is_ascii_digit()) => {
                failure.help(format!("a number stands behind its option; a file is written ./{found}"))
            }
            None => failure.help(all),
        }
    }

    /// No value, or none between two commas.
    fn empty(&self, option: &str, all: &str) -> Failure {
        match self.typed.list_with_a_gap(option) {
            Some(list) => Failure::usage(format!("{option} {list}: one of its values is empty"))
                .help("leave out the comma that has nothing beside it"),
            None => Failure::usage(format!("{option} needs a value")).help(all),
        }
    }

    fn unfit(&self, option: &str, all: &str) -> Failure {
        let found = self.text(ContextKind::InvalidValue).unwrap_or_default();
        let allowed = self.texts(ContextKind::ValidValue);
        let message = match (found.as_str(), &allowed[..]) {
            ("", []) => return self.empty(option, all),
            ("", allowed) => format!("{option} needs a value: {}", allowed.join(", ")),
            (found, allowed) => format!("{option} {found}: there are {}", allowed.join(", ")),
        };
        let near = self.text(ContextKind::SuggestedValue);
        Failure::usage(message).help(near.map_or(all.to_owned(), |near| format!("did you mean {near}?")))
    }
}

/// An option or an argument without what stands behind it: `--size` of `--size <PX>`, `PICTURE` of `<PICTURE>`.
fn bare(name: &str) -> &str {
    if name.starts_with('-') {
        return name.split([' ', '=', '[']).next().unwrap_or(name);
    }
    name.trim_matches(['<', '>', '[', ']', '.'])
}

/// What the standard library says of numbers, for people.
fn plain(why: &str) -> &str {
    match why {
        "invalid float literal" => "allowed is a number, such as 0.03",
        why => why,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::{ArgAction, Command, CommandFactory as _, Parser as _};

    use super::*;
    use crate::arguments::Arguments;

    fn of(line: &str) -> String {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        let error = Arguments::try_parse_from(&words).unwrap_err();
        refusal(&error, &Typed::of(&words)).unwrap().to_string()
    }

    #[test]
    fn every_kind_of_mistake_is_told_in_one_sentence_with_one_thing_to_do() {
        for (line, told) in [
            (
                "style --sise 64",
                "there is no option --sise\n  help: did you mean --size? `style --help` lists",
            ),
            (
                "style a b -5",
                "there is no option -5\n  help: a number stands behind its option; a file is written ./-5",
            ),
            (
                "style a b -o -5.png",
                "-o -5.png: no value of it begins with -\n  help: a file is written ./-5.png",
            ),
            (
                "style a --with b --shard -1/3 -o c",
                "--shard -1/3: no value of it begins with -\n  help: `style --help` lists",
            ),
            ("style a b --tv-weight -inf", "--tv-weight -inf: it is no number\n"),
            ("style a b --size --sise 3", "there is no option --sise\n"),
            ("style weights inspect a b", "\"b\" is one argument too many\n"),
            ("style a b --size", "--size needs a value\n"),
            ("style a b --size=", "--size needs a value\n"),
            ("style a b --size big", "--size big: allowed is a whole number from 16 to 16384\n"),
            ("style a b --size 1e3", "--size 1e3: allowed is a whole number from 16 to 16384\n"),
            ("style a b --tv-weight x", "--tv-weight x: allowed is a number, such as 0.03\n"),
            ("style a b --quality 300", "--quality 300: allowed is a whole number from 1 to 100\n"),
            ("style a b --save-every 0", "--save-every 0: allowed is a whole number from 1 on\n"),
            (
                "style a b --checkpoint-every -1",
                "--checkpoint-every -1: allowed is a whole number from 0 on\n",
            ),
            ("style a b --steps 1,", "--steps 1,: one of its values is empty\n  help: leave out the comma"),
            ("style a b --steps=,1", "--steps ,1: one of its values is empty\n"),
            ("style a b --mask m.png,,none", "--mask m.png,,none: one of its values is empty\n"),
            ("style help painting.png", "style has no command painting.png\n  help: `style help` lists all"),
            ("style a b --mask=", "--mask needs a value\n"),
            ("style a b --preset=", "--preset needs a value\n"),
            ("style a b --device=", "--device needs a value\n"),
            ("style a --with= -o b", "--with needs a value\n"),
            (
                "style a b --optimizer adm",
                "--optimizer adm: there are adam, lbfgs\n  help: did you mean adam?",
            ),
            (
                "style a b --keep-checkpoints --no-checkpoints",
                "--keep-checkpoints and --no-checkpoints do not",
            ),
            ("style resume", "PICTURE is missing\n"),
            ("style weights import a", "--output is missing\n"),
            (
                "style weights ged a",
                "style weights has no command ged\n  help: did you mean `style weights get`?",
            ),
        ] {
            let found = of(line);
            assert!(found.starts_with(&format!("error: {told}")), "{line}: {found}");
        }
        assert!(of("style a b -o ").starts_with("error: --output needs a value\n"));
    }

    /// Every option that takes a value, with the command that has it.
    fn options(command: &Command, name: &str) -> Vec<(String, clap::Arg)> {
        let own = command.get_arguments().filter(|arg| arg.get_long().is_some() && !arg.is_hide_set());
        let own = own.filter(|arg| matches!(arg.get_action(), ArgAction::Set | ArgAction::Append));
        let mut all: Vec<_> = own.map(|arg| (name.to_owned(), arg.clone())).collect();
        for below in command.get_subcommands() {
            all.extend(options(below, &format!("{name} {}", below.get_name())));
        }
        all
    }

    #[test]
    fn a_mistake_in_any_option_is_told_by_the_name_of_the_option() {
        let all = options(&Arguments::command(), "style");
        let (mut numbers, mut lists) = (0, 0);
        for (command, arg) in all {
            let option = format!("--{}", arg.get_long().unwrap());
            let told = |value: &str| {
                let line = format!("{command} {option}={value}");
                let words: Vec<_> = line.split(' ').map(OsString::from).collect();
                let error = Arguments::try_parse_from(&words).err()?;
                Some(refusal(&error, &Typed::of(&words)).map(|failure| failure.message).unwrap_or_default())
            };
            if let Some(told) = told("") {
                assert!(
                    told.starts_with(&option) || told.ends_with("missing"),
                    "{command} {option}=: {told}"
                );
            }
            let names = arg.get_value_names().unwrap_or_default();
            if names.iter().any(|name| ["PX", "N", "MIB", "SECONDS", "PORT"].contains(&name.as_str())) {
                numbers += 1;
                for value in ["-1", "1e3", "nan", "inf", "x"] {
                    let told = told(value).unwrap();
                    let start = format!("{option} {value}: allowed is a whole number from ");
                    assert!(told.starts_with(&start), "{command}: {told}");
                    // As a word of its own.
                    if !arg.is_require_equals_set() {
                        let line = format!("{command} {option} {value}");
                        assert!(of(&line).contains(&start), "{line}: {}", of(&line));
                    }
                }
            }
            if arg.get_value_delimiter().is_some() {
                lists += 1;
                for value in ["1,", ",", ",1"] {
                    let told = told(value).unwrap();
                    // Names of layers are looked at one after the other.
                    let gap = format!("{option} {value}: one of its values is empty");
                    assert!(
                        told == gap || told.starts_with(&format!("{option} 1: unknown layer")),
                        "{command}: {told}"
                    );
                }
            }
        }
        assert!(numbers > 30 && lists > 20, "{numbers} numbers, {lists} lists");
    }
}
