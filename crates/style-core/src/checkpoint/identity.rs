//! Which run a checkpoint belongs to.

use sha2::{Digest, Sha256};
use style_image::Image;

use super::kept::unusable;
use crate::{Error, Settings};

/// What a run depends on besides its state: the settings, and for everything else a name with its value or fingerprint.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identity {
    settings: Settings,
    marks: Vec<Mark>,
}

/// Something that a run depends on, by name.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Mark {
    what: String,
    is: String,
}

impl Mark {
    pub(crate) fn new(what: impl Into<String>, is: impl ToString) -> Self {
        Self { what: what.into(), is: is.to_string() }
    }
}

/// Marks in a file.
#[derive(serde::Serialize, serde::Deserialize)]
struct Marks {
    marks: Vec<Mark>,
}

impl Identity {
    pub(crate) const fn new(settings: Settings, marks: Vec<Mark>) -> Self {
        Self { settings, marks }
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Refuses a checkpoint of another run than this one: names the first thing that is different.
    pub(crate) fn check(&self, of_checkpoint: &Self) -> Result<(), Error> {
        let (expected, found) = (self.all()?, of_checkpoint.all()?);
        let is = |marks: &[Mark], what: &str| {
            let mark = marks.iter().find(|mark| mark.what == what);
            mark.map_or_else(|| "not there".to_owned(), |mark| mark.is.clone())
        };
        for Mark { what, .. } in expected.iter().chain(&found) {
            let (found, expected) = (is(&found, what), is(&expected, what));
            if found != expected {
                return Err(Error::CheckpointMismatch { what: what.clone(), found, expected });
            }
        }
        Ok(())
    }

    /// The settings, one by one, and then everything else.
    fn all(&self) -> Result<Vec<Mark>, Error> {
        // The text has the shortest form of every number, which tells any two apart.
        let text = toml::to_string(&self.settings).map_err(|error| unusable(error.to_string()))?;
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| unusable(error.to_string()))?;
        let mut all = Vec::new();
        flatten(&table, "", &mut all);
        all.extend(self.marks.iter().cloned());
        Ok(all)
    }

    /// Settings and marks as text for a file.
    pub(super) fn to_text(&self) -> Result<[String; 2], Error> {
        let wrong = |error: toml::ser::Error| unusable(error.to_string());
        // As a table first, which takes an f32 for the f64 that it is: its decimals come back to the same bits.
        let settings = toml::Table::try_from(&self.settings).map_err(wrong)?;
        let marks = Marks { marks: self.marks.clone() };
        Ok([toml::to_string(&settings).map_err(wrong)?, toml::to_string(&marks).map_err(wrong)?])
    }

    pub(super) fn parse(settings: &str, marks: &str) -> Result<Self, Error> {
        let wrong = |what: &str, error: toml::de::Error| unusable(format!("its {what}: {}", error.message()));
        let settings = toml::from_str(settings).map_err(|error| wrong("settings", error))?;
        let Marks { marks } = toml::from_str(marks).map_err(|error| wrong("marks", error))?;
        Ok(Self { settings, marks })
    }
}

/// The entries of a table and of those in it, as `optimizer.learning_rate`.
fn flatten(table: &toml::Table, before: &str, into: &mut Vec<Mark>) {
    for (key, value) in table {
        let name = format!("{before}{key}");
        match value {
            toml::Value::Table(inner) => flatten(inner, &format!("{name}."), into),
            value => into.push(Mark::new(name, value)),
        }
    }
}

/// SHA-256 of numbers, in hex: of their bits, in little endian.
pub(crate) fn fingerprint(parts: impl IntoIterator<Item: AsRef<[f32]>>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        for chunk in part.as_ref().chunks(1 << 14) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|value| value.to_le_bytes()).collect();
            hash.update(bytes);
        }
    }
    hex(&hash.finalize())
}

/// What tells a picture from any other.
pub(crate) fn of_picture(image: &Image) -> String {
    format!("{} x {} px, sha256 {}", image.width(), image.height(), fingerprint([image.pixels()]))
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}
