//! `--vary NAME=V1,V2`: one option, several values.

use std::str::FromStr;

use clap::{Args, Command, CommandFactory as _, Parser};

use crate::arguments::{RunArguments, SettingsArguments, StyleArguments, Typed, refusal};
use crate::failure::{Failure, Result};
use crate::recipe::{Layers, Recipe};

/// An option and the values that it takes in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vary {
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

/// What may vary: what a run looks like, and nothing of where it is computed or written.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct Varied {
    #[command(flatten)]
    settings: SettingsArguments,
    #[arg(long)]
    preset: Option<String>,
    #[command(flatten)]
    brush: Brush,
}

#[derive(Debug, Args)]
struct Brush {
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    style_scale: Vec<f32>,
}

impl FromStr for Vary {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            Failure::usage(format!("--vary {text:?}: {why}"))
                .help("write it as --vary content-weight=0.01,0.03,0.1, lists with + as in steps=20+20+40,50")
        };
        let (name, values) = text.split_once('=').ok_or_else(|| refused("it names no values"))?;
        let values: Vec<_> = values.split(',').map(|value| value.trim().to_owned()).collect();
        if values.iter().any(String::is_empty) {
            return Err(refused("a value is empty"));
        }
        if values.len() > LARGEST {
            return Err(refused("it has more than 32 values"));
        }
        Ok(Self { name: name.trim_start_matches("--").to_owned(), values })
    }
}

/// Most values of one option.
const LARGEST: usize = 32;

impl Vary {
    /// The label of a value.
    pub(super) fn label(&self, value: &str) -> String {
        format!("{} {value}", self.name)
    }

    /// Lays a value over what the arguments said.
    pub(super) fn apply(&self, written: &str, layers: &mut Layers) -> Result<()> {
        let value = written.replace('+', ",");
        let command = Varied::command();
        let is_option = command.get_arguments().any(|argument| argument.get_long() == Some(&*self.name));
        if !is_option && is_of_a_run(&self.name) {
            return Err(Failure::usage(format!("--vary {}: it cannot vary", self.name)).help(MAY_VARY));
        }
        let words = match is_option && self.name != "set" {
            true => [format!("--{}", self.name), value],
            // A setting by its name in a preset file; a list in brackets.
            false if value.contains(',') => ["--set".to_owned(), format!("{}=[{value}]", self.name)],
            false => ["--set".to_owned(), format!("{}={value}", self.name)],
        };
        let varied = Varied::try_parse_from([words.join("=")])
            .map_err(|error| self.refused(written, &words, &error))?;
        layers.recipes.push(Recipe {
            init: varied.settings.init_picture().cloned(),
            preset: varied.preset,
            settings: varied.settings.table()?,
            ..Recipe::default()
        });
        if !varied.brush.style_scale.is_empty() {
            layers.scales = varied.brush.style_scale;
        }
        Ok(())
    }
}

impl Vary {
    /// What is said of the option is said of the value that was written.
    fn refused(&self, written: &str, words: &[String; 2], error: &clap::Error) -> Failure {
        let line = ["style".into(), words.join("=").into()];
        let why = match refusal(error, &Typed::of(&line)) {
            Some(failure) => failure.message,
            None => error.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        let [option, value] = words;
        let why = why.strip_prefix(&format!("{option} {value}: ")).unwrap_or(&why);
        Failure::usage(format!("--vary {}={written}: {why}", self.name)).help(MAY_VARY)
    }
}

const MAY_VARY: &str = "any setting of `style presets show balanced` may vary, and preset and style-scale";

/// Whether a run has an option of that name.
fn is_of_a_run(name: &str) -> bool {
    let run = StyleArguments::augment_args(RunArguments::augment_args(Command::new("style")));
    run.get_arguments().any(|argument| argument.get_long() == Some(name))
}

/// Every combination of the values, the first option fastest; for each the values in the order of the options.
pub(super) fn combinations(varies: &[Vary]) -> Vec<Vec<&str>> {
    let mut all = vec![Vec::new()];
    for vary in varies.iter().rev() {
        all = all
            .iter()
            .flat_map(|rest: &Vec<&str>| {
                vary.values.iter().map(move |value| [&[value.as_str()], &rest[..]].concat())
            })
            .collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use style_transfer::{Colour, Preset};

    use super::*;
    use crate::recipe::Settled;

    fn settle(text: &str) -> Result<Settled> {
        let vary: Vary = text.parse()?;
        let mut layers = Layers::default();
        vary.apply(&vary.values[0], &mut layers)?;
        layers.settle()
    }

    #[test]
    fn options_settings_and_presets_may_vary() {
        assert_eq!(settle("content-weight=0.5,1").unwrap().settings.content_weight, 0.5);
        assert_eq!(settle("--size=64").unwrap().settings.size, 64);
        assert_eq!(settle("steps=3+4,5").unwrap().settings.steps, [3, 4]);
        assert_eq!(settle("preserve-colors=luminance").unwrap().settings.colour, Colour::Luminance);
        assert_eq!(settle("colour=pca").unwrap().settings.colour, Colour::Pca);
        assert_eq!(settle("smallest_scale=32").unwrap().settings.smallest_scale, 32);
        assert_eq!(settle("style_layer_weights=1+2+3+4+5").unwrap().settings.style_layer_weights.len(), 5);
        assert_eq!(settle("preset=fast").unwrap().settings, Preset::named("fast").unwrap().settings);
    }

    #[test]
    fn what_cannot_vary_is_refused_by_name() {
        for (text, word) in [
            ("content-weight", "no values"),
            ("content-weight=", "empty"),
            ("content-weight=1,,2", "empty"),
            ("content-weight=much", "content-weight"),
            ("device=cpu,gpu", "device"),
            ("output=a,b", "output"),
            ("sise=3", "sise"),
            ("preset=fats", "fats"),
            ("size=1e3", "--vary size=1e3: allowed is a whole number from 16 to 16384"),
            ("steps=20+,30", "--vary steps=20+: one of its values is empty"),
            ("style-scale=big", "--vary style-scale=big: allowed is a number"),
        ] {
            let failure = settle(text).unwrap_err();
            assert_eq!(failure.exit, crate::failure::Exit::Usage, "{text}: {failure}");
            assert!(failure.message.contains(word), "{text}: {failure}");
        }
    }

    #[test]
    fn two_options_make_a_grid_whose_rows_have_one_value_of_the_second() {
        let varies: Vec<Vary> = ["size=1,2,3", "seed=8,9"].iter().map(|text| text.parse().unwrap()).collect();
        let all = combinations(&varies);
        assert_eq!(all, [["1", "8"], ["2", "8"], ["3", "8"], ["1", "9"], ["2", "9"], ["3", "9"]]);
        assert_eq!(combinations(&varies[..1]).len(), 3);
    }
}
