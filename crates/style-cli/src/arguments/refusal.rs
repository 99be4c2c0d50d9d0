//! What the parser of arguments refuses, in the words that the program has for everything else it refuses.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::Failure;

/// The failure of an error about arguments, where its kind has words of ours. `command` is the one that was typed, such
/// as `style texture`.
pub(crate) fn refusal(error: &clap::Error, command: &str) -> Option<Failure> {
    let said = Said(error);
    let all = format!("`{command} --help` lists all options");
    let option = said.text(ContextKind::InvalidArg).map(|name| bare(&name).to_owned());
    match error.kind() {
        ErrorKind::UnknownArgument => Some(said.unknown(&option?, &all)),
        ErrorKind::InvalidValue => Some(said.unfit(&option?, &all)),
        ErrorKind::ValueValidation => {
            let value = said.text(ContextKind::InvalidValue)?;
            if value.is_empty() {
                return Some(Failure::usage(format!("{} needs a value", option?)).help(all));
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
            let help = near.first().map_or(all, |near| format!("did you mean `{command} {near}`?"));
            Some(Failure::usage(format!("{command} has no command {found}")).help(help))
        }
        _ => None,
    }
}

/// What an error says, part by part.
struct Said<'a>(&'a clap::Error);

impl Said<'_> {
    fn texts(&self, kind: ContextKind) -> Vec<String> {
        match self.0.get(kind) {
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
        let failure = Failure::usage(format!("there is no option {found}"));
        match self.text(ContextKind::SuggestedArg) {
            Some(near) => failure.help(format!("did you mean {}? {all}", bare(&near))),
            None if found[1..].starts_with(|letter: char| letter.is_ascii_digit()) => failure
                .help(format!("a number below 0 stands behind its option; a file is written ./{found}")),
            None => failure.help(all),
        }
    }

    fn unfit(&self, option: &str, all: &str) -> Failure {
        let found = self.text(ContextKind::InvalidValue).unwrap_or_default();
        let allowed = self.texts(ContextKind::ValidValue);
        let message = match (found.as_str(), &allowed[..]) {
            ("", []) => format!("{option} needs a value"),
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

/// What the standard library says of numbers, and the parser of ranges, for people.
fn plain(why: &str) -> String {
    match why {
        "invalid digit found in string" => return "it is no whole number from 0 on".to_owned(),
        "number too large to fit in target type" => return "it is too large".to_owned(),
        "invalid float literal" => return "it is no number".to_owned(),
        _ => {}
    }
    let Some((_, range)) = why.split_once(" is not in ") else { return why.to_owned() };
    match range.split_once("..") {
        Some((least, "")) => format!("allowed is {least} or more"),
        // The largest number of its type.
        Some((least, most)) if most.trim_start_matches('=').len() > 15 => {
            format!("allowed is {least} or more")
        }
        Some((least, most)) => match most.strip_prefix('=') {
            Some(most) => format!("allowed is {least} to {most}"),
            None => format!("allowed is {least} or more, below {most}"),
        },
        None => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::Arguments;

    fn of(line: &str) -> String {
        let error = Arguments::try_parse_from(line.split(' ')).unwrap_err();
        refusal(&error, "style").unwrap().to_string()
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
                "there is no option -5\n  help: a number below 0 stands behind its option; a file",
            ),
            ("style weights inspect a b", "\"b\" is one argument too many\n"),
            ("style a b --size", "--size needs a value\n"),
            ("style a b --size=", "--size needs a value\n"),
            ("style a b --size big", "--size big: it is no whole number from 0 on\n"),
            ("style a b --tv-weight x", "--tv-weight x: it is no number\n"),
            ("style a b --quality 0", "--quality 0: allowed is 1 to 100\n"),
            ("style a b --quality 300", "--quality 300: allowed is 1 to 100\n"),
            ("style a b --save-every 0", "--save-every 0: allowed is 1 or more\n"),
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
            ("style weights ged a", "style has no command ged\n  help: did you mean `style get`?"),
        ] {
            let found = of(line);
            assert!(found.starts_with(&format!("error: {told}")), "{line}: {found}");
        }
        assert!(of("style a b -o ").starts_with("error: --output needs a value\n"));
    }
}
