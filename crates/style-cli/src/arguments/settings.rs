//! The settings of a run on the command line. Their defaults are read from the library.

use std::fmt::Display;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use style_transfer::{Layer, Settings};
use toml::{Table, Value};

use super::number::{side, whole};
use crate::failure::{Failure, Result};

/// Settings by the field's usual names. What is left out is as the recipe or the preset has it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Look")]
pub(crate) struct SettingsArguments {
    #[arg(long, value_name = "PX", value_parser = side, allow_negative_numbers = true, help = said(
        "Long side of the result; time and memory grow with its square", |s| s.size.to_string()))]
    size: Option<usize>,
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true, help = said(
        "How much of the photograph is kept; more keeps its shapes, 0 lets them go", |s| s.content_weight.to_string()))]
    content_weight: Option<f64>,
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true, help = said(
        "How much the painting's textures count; only its ratio to the other weights matters", |s| s.style_weight.to_string()))]
    style_weight: Option<f64>,
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true, help = said(
        "How much smoothness counts; more takes grain away, too much blurs", |s| s.tv_weight.to_string()))]
    tv_weight: Option<f64>,
    #[arg(long, value_name = "LAYERS", value_delimiter = ',', help = said(
        "Layers where the photograph is compared; shallow ones keep details, deep ones only the arrangement",
        |s| listed(&s.content_layers)))]
    content_layers: Vec<Layer>,
    #[arg(long, value_name = "LAYERS", value_delimiter = ',', help = said(
        "Layers where textures are compared; shallow ones give colours and grain, deep ones larger forms",
        |s| listed(&s.style_layers)))]
    style_layers: Vec<Layer>,
    /// One weight for each style layer; brings out fine or coarse features of the painting [default: equal ones]
    #[arg(long, value_name = "WEIGHTS", value_delimiter = ',', allow_negative_numbers = true)]
    style_layer_weights: Vec<f64>,
    #[arg(long, value_enum, value_name = "POOLING", help = said(
        "How the network shrinks its maps; average gives softer strokes, and less of them at the same weights",
        |s| word(&s.pooling)))]
    pooling: Option<PoolingName>,
    #[arg(long, value_enum, value_name = "HOW", help = said(
        "Keep the photograph's colours: luminance transfers brightness only, the others recolour the painting first",
        |_| "none".to_owned()))]
    preserve_colors: Option<ColourName>,
    /// Where the picture starts: at the photograph, at noise, or at a picture of your own; noise takes more steps and
    /// more freedom [default: content, noise where there is none]
    #[arg(long, value_name = "content|noise|PICTURE")]
    init: Option<PathBuf>,
    #[command(flatten)]
    descent: DescentArguments,
}

/// How the picture is moved.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Optimisation")]
struct DescentArguments {
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = whole::<u32>(1..=1_000_000), allow_negative_numbers = true, help = said(
        "Steps at every scale, coarse to fine; the last number holds for further scales, and more steps give stronger strokes",
        |s| listed(&s.steps)))]
    steps: Vec<u32>,
    #[arg(long, value_enum, value_name = "NAME", help = said(
        "Which optimiser moves the pixels; lbfgs needs fewer steps, adam less memory and bears rougher losses",
        |s| word(&s.optimizer)))]
    optimizer: Option<OptimizerName>,
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help = said(
        "How far a step goes; too high and the picture breaks up", |s| s.optimizer.learning_rate().to_string()))]
    learning_rate: Option<f64>,
    #[arg(long, value_name = "N", value_parser = whole::<i64>(0..=i64::MAX as u64), allow_negative_numbers = true, help = said(
        "Seed of the noise; another one gives another picture where a run starts at noise", |s| s.seed.to_string()))]
    seed: Option<i64>,
    /// Any other setting by its name in `style presets show balanced`, such as `smallest_scale=64` or
    /// `optimizer.history=20`; again for one more, and the options above come after it
    #[arg(long, value_name = "NAME=VALUE", allow_hyphen_values = true)]
    set: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum PoolingName {
    Max,
    Average,
    L2,
}

#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum OptimizerName {
    Adam,
    Lbfgs,
}

#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum ColourName {
    #[serde(rename = "free")]
    None,
    Luminance,
    Cholesky,
    Pca,
    Transport,
}

/// The sentence on an option, with its default as the library has it.
fn said(sentence: &str, default: impl FnOnce(&Settings) -> String) -> String {
    format!("{sentence} [default: {}]", default(&Settings::default()))
}

fn listed(values: &[impl Display]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// How a setting that is a word is written; of one with more to it, its name.
fn word(value: &impl Serialize) -> String {
    match Value::try_from(value) {
        Ok(Value::String(word)) => word,
        Ok(Value::Table(table)) => table.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

impl SettingsArguments {
    /// The settings of `--set`, and of the named options, which come later.
    pub(crate) fn table(&self) -> Result<Table> {
        let mut table = Table::new();
        for assignment in &self.descent.set {
            assign(&mut table, assignment)?;
        }
        merge(&mut table, self.named());
        Ok(table)
    }

    fn named(&self) -> Table {
        let mut table = Table::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                table.insert(name.to_owned(), value);
            }
        };
        let list = |values: Vec<Value>| (!values.is_empty()).then_some(Value::Array(values));
        let layers = |layers: &[Layer]| list(layers.iter().map(|layer| layer.name().into()).collect());
        let as_word = |name: Option<String>| name.map(Value::String);
        put("size", self.size.map(|px| Value::Integer(px.try_into().unwrap_or(i64::MAX))));
        put("content_weight", self.content_weight.map(Value::Float));
        put("style_weight", self.style_weight.map(Value::Float));
        put("tv_weight", self.tv_weight.map(Value::Float));
        put("content_layers", layers(&self.content_layers));
        put("style_layers", layers(&self.style_layers));
        put("style_layer_weights", list(self.style_layer_weights.iter().map(|&w| w.into()).collect()));
        put("pooling", as_word(self.pooling.map(|pooling| word(&pooling))));
        put("colour", as_word(self.preserve_colors.map(|colour| word(&colour))));
        let start = self.init.as_ref().and_then(|init| init.to_str());
        put("start", start.filter(|word| ["content", "noise"].contains(word)).map(Into::into));
        put("steps", list(self.descent.steps.iter().map(|&steps| steps.into()).collect()));
        put("seed", self.descent.seed.map(Value::Integer));
        let mut optimizer = Table::new();
        if let Some(name) = self.descent.optimizer {
            optimizer.insert("name".to_owned(), word(&name).into());
        }
        if let Some(rate) = self.descent.learning_rate {
            optimizer.insert("learning_rate".to_owned(), rate.into());
        }
        put("optimizer", (!optimizer.is_empty()).then_some(Value::Table(optimizer)));
        table
    }

    /// The picture that the run starts at, where it is neither the content nor noise.
    pub(crate) fn init_picture(&self) -> Option<&PathBuf> {
        self.init.as_ref().filter(|init| !["content", "noise"].iter().any(|word| init.as_os_str() == *word))
    }
}

/// `name=value`, the value as in TOML, but that words need no quotes.
fn assign(table: &mut Table, assignment: &str) -> Result<()> {
    let refused = |why: &str| {
        Failure::usage(format!("--set {assignment:?}: {why}"))
            .help("write it as colour=luminance or optimizer.history=20; `style presets show balanced` has all names")
    };
    let (name, value) = assignment.split_once('=').ok_or_else(|| refused("it names no value"))?;
    if name.trim().is_empty() {
        return Err(refused("it names no setting"));
    }
    if value.trim().is_empty() {
        return Err(refused("it names no value"));
    }
    let word = value.starts_with(char::is_alphabetic) && !["true", "false", "inf", "nan"].contains(&value);
    let value = if word { format!("{value:?}") } else { value.to_owned() };
    let added: Table = format!("{name} = {value}")
        .parse()
        .map_err(|_| refused("its value is none; a list is written [1, 2]"))?;
    merge(table, added);
    Ok(())
}

/// Puts the values of `more` into `table`, tables into tables.
fn merge(table: &mut Table, more: Table) {
    for (key, value) in more {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}
