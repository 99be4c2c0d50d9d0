//! Everything that a run depends on but the bytes of its inputs, as data: TOML in files, JSON inside of pictures.
//!
//! Settings come from the preset, then from the recipe file, then from the command line, each laid over those before
//! it, in one place: [`Layers::settle`].

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use style_transfer::{Error, Preset, Settings};
use toml::Table;

use crate::failure::{Exit, Failure, Result};
use crate::reading::read_text;
use crate::written;

/// The preset of a recipe that names none.
pub(crate) const DEFAULT_PRESET: &str = "balanced";

/// What made a picture or a report.
pub(crate) const MADE_BY: &str = concat!("style-transfer ", env!("CARGO_PKG_VERSION"));

/// A recipe, whole or in part: what is left out comes from below.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Recipe {
    /// Name and version of the library that the recipe is of; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) made_by: Option<String>,
    /// In a picture that is not finished, the steps that were done; of no effect on a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped_after: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task: Option<TaskName>,
    /// The photograph; `-` for stdin.
    #[serde(skip_serializing_if = "Option::is_none", with = "written::optional_path")]
    pub(crate) content: Option<PathBuf>,
    /// SHA-256 of that file when it was read, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_sha256: Option<String>,
    /// The picture that the run starts at.
    #[serde(skip_serializing_if = "Option::is_none", with = "written::optional_path")]
    pub(crate) init: Option<PathBuf>,
    /// SHA-256 of that file when it was read, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) init_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", with = "written::optional_path")]
    pub(crate) weights: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
    /// Of a texture, px.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) width: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) height: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) styles: Vec<StyleRecipe>,
    /// Named as in a preset file; those that differ from the preset, or all.
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub(crate) settings: Table,
}

/// What a run makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TaskName {
    #[default]
    Transfer,
    Reconstruct,
    Texture,
}

/// A style with all that is said about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StyleRecipe {
    #[serde(with = "written::path")]
    pub(crate) path: PathBuf,
    /// SHA-256 of that file when it was read, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    #[serde(default = "one")]
    pub(crate) weight: f32,
    #[serde(default = "one")]
    pub(crate) scale: f32,
    /// The picture that is white where the style counts.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "written::optional_path")]
    pub(crate) region: Option<PathBuf>,
    /// SHA-256 of that file when it was read, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region_sha256: Option<String>,
}

const fn one() -> f32 {
    1.0
}

impl StyleRecipe {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, sha256: None, weight: 1.0, scale: 1.0, region: None, region_sha256: None }
    }
}

impl Recipe {
    /// Reads a recipe file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let text = read_text(path).map_err(|error| {
            Failure::usage(format!("cannot read the recipe {}: {error}", path.display()))
                .help("check the path; `style rerun PICTURE --print` writes a recipe")
        })?;
        toml::from_str(&text).map_err(|error| {
            let reason = error.to_string();
            Failure::usage(format!("unusable recipe {}: {}", path.display(), reason.trim_end()))
                .help("compare it with what `style rerun PICTURE --print` writes")
        })
    }

    /// Reads the recipe out of a picture's metadata.
    pub(crate) fn from_json(json: &str, place: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| {
            Failure::new(Exit::Input, format!("the recipe in {place} is unusable: {error}"))
                .help("it was written by another version, or changed")
        })
    }

    /// Without the digests of files.
    pub(crate) fn unsigned(mut self) -> Self {
        (self.content_sha256, self.init_sha256) = (None, None);
        self.styles.iter_mut().for_each(|style| (style.sha256, style.region_sha256) = (None, None));
        self
    }

    pub(crate) fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Failure::new(Exit::Internal, error))
    }

    pub(crate) fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Failure::new(Exit::Internal, error))
    }

    /// All paths of pictures and weights, in one order.
    pub(crate) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let styles = self.styles.iter_mut().flat_map(|style| [Some(&mut style.path), style.region.as_mut()]);
        let others = [self.content.as_mut(), self.init.as_mut(), self.weights.as_mut()];
        others.into_iter().chain(styles).flatten()
    }

    /// This recipe, and what `over` says instead.
    fn under(self, over: Self) -> Self {
        // Who starts elsewhere does not start at the picture that was named before.
        let starts_elsewhere = over.init.is_some() || over.settings.contains_key("start");
        Self {
            made_by: over.made_by.or(self.made_by),
            stopped_after: None,
            task: over.task.or(self.task),
            // Of the file that is named where its digest is, and of no other.
            content_sha256: over.content_sha256.or(self.content_sha256.filter(|_| over.content.is_none())),
            content: over.content.or(self.content),
            init_sha256: over.init_sha256.or(self.init_sha256.filter(|_| !starts_elsewhere)),
            init: over.init.or(self.init.filter(|_| !starts_elsewhere)),
            preset: over.preset.or(self.preset),
            weights: over.weights.or(self.weights),
            device: over.device.or(self.device),
            width: over.width.or(self.width),
            height: over.height.or(self.height),
            styles: if over.styles.is_empty() { self.styles } else { over.styles },
            settings: Table::new(), // laid over one another by Settings, which knows its fields
        }
    }
}

/// What the preset that a recipe names is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum PresetUse {
    /// The settings begin at it.
    #[default]
    Ground,
    /// All settings are known, as in a checkpoint; what differs from it is told where it is still there.
    Told,
    /// The same in a recipe of anybody's, for which no file is opened.
    ToldByName,
}

/// Recipes over one another, the last on top, and what is said about the styles, whoever names them.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    pub(crate) recipes: Vec<Recipe>,
    pub(crate) preset: PresetUse,
    /// Brush sizes by style; the last holds for the rest.
    pub(crate) scales: Vec<f32>,
    /// Masks by style.
    pub(crate) masks: Vec<PathBuf>,
}

/// A recipe in which nothing is left out, with its settings.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) recipe: Recipe,
    pub(crate) settings: Settings,
    /// The preset that the recipe names; `None` where its file is not read, as the recipe has all settings.
    pub(crate) preset: Option<Preset>,
}

impl Layers {
    /// One recipe of all.
    pub(crate) fn settle(self) -> Result<Settled> {
        let tables: Vec<Table> = self.recipes.iter().map(|recipe| recipe.settings.clone()).collect();
        let mut recipe = self.recipes.into_iter().fold(Recipe::default(), Recipe::under);
        let name = recipe.preset.as_deref().unwrap_or(DEFAULT_PRESET);
        let preset = match self.preset {
            PresetUse::Ground => Some(preset(name)?),
            PresetUse::Told => preset(name).ok(),
            PresetUse::ToldByName => Preset::named(name).ok(),
        };
        let mut settings = preset.as_ref().map_or_else(Settings::default, |preset| preset.settings.clone());
        for table in tables {
            let text = toml::to_string(&table).map_err(|error| Failure::new(Exit::Internal, error))?;
            settings = settings.with_toml(&text)?;
        }
        if recipe.init.is_some() {
            settings.start = None;
        }
        let styles = recipe.styles.len();
        for (option, found) in [("--style-scale", self.scales.len()), ("--mask", self.masks.len())] {
            let one_for_all = option == "--style-scale" && found == 1;
            if found != 0 && found != styles && !one_for_all {
                return Err(Failure::usage(format!(
                    "{option} has {} for {}",
                    counted(found, "entry", "entries"),
                    counted(styles, "style", "styles")
                ))
                .help("give one for each style, in their order, separated by commas"));
            }
        }
        for (index, style) in recipe.styles.iter_mut().enumerate() {
            style.scale = self.scales.get(index).or(self.scales.last()).copied().unwrap_or(style.scale);
            if let Some(mask) = self.masks.get(index) {
                style.region = (mask.as_os_str() != "none").then(|| mask.clone());
                style.region_sha256 = None; // of the mask that was named before
            }
        }
        recipe.made_by = Some(MADE_BY.to_owned());
        recipe.task = Some(recipe.task.unwrap_or_default());
        recipe.settings = table_of(&settings)?;
        Ok(Settled { recipe, settings, preset })
    }
}

/// `1 style`, `2 styles`
fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Settings as a table, with the digits that a person would write.
pub(crate) fn table_of(settings: &Settings) -> Result<Table> {
    let text = toml::to_string(settings).map_err(|error| Failure::new(Exit::Internal, error))?;
    text.parse().map_err(|error| Failure::new(Exit::Internal, error))
}

/// A preset by its name, or from a file.
pub(crate) fn preset(name: &str) -> Result<Preset> {
    if Path::new(name).extension().is_none_or(|extension| extension != "toml") {
        return Ok(Preset::named(name)?);
    }
    let text = read_text(Path::new(name)).map_err(|error| {
        Failure::usage(format!("cannot read the preset {name}: {error}"))
            .help("check the path; `style presets list` has the names of those that come with the program")
    })?;
    Preset::parse(&text).map_err(|error| {
        let reason = match error {
            Error::PresetFile { reason } => reason,
            other => other.to_string(),
        };
        Failure::usage(format!("unusable preset {name}: {reason}"))
            .help("compare it with what `style presets show balanced --toml` prints")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(toml: &str) -> Recipe {
        toml::from_str(toml).unwrap()
    }

    fn settle(recipes: &[&str]) -> Settled {
        let recipes = recipes.iter().map(|toml| recipe(toml)).collect();
        Layers { recipes, ..Layers::default() }.settle().unwrap()
    }

    #[test]
    fn each_layer_has_the_last_word_over_those_below() {
        let settled = settle(&[]);
        assert_eq!(settled.settings, Settings::default());
        let settled = settle(&["preset = 'fast'"]);
        assert_eq!(settled.settings, Preset::named("fast").unwrap().settings);
        let file =
            "preset = 'fast'\ncontent = 'a.jpg'\n[settings]\nsize = 100\nseed = 4\noptimizer.history = 5";
        let settled = settle(&[file, "content = 'b.jpg'\n[settings]\nsize = 64"]);
        assert_eq!((settled.settings.size, settled.settings.seed), (64, 4));
        assert_eq!(settled.settings.steps, [30, 20, 20], "of the preset");
        assert_eq!(settled.recipe.content, Some("b.jpg".into()));
        assert_eq!(settled.recipe.settings["optimizer"]["history"], 5.into());
        let settled = settle(&[file, "preset = 'fine'"]);
        assert_eq!(
            (settled.settings.size, settled.settings.pooling_gain),
            (100, 2.0),
            "a preset is below a file"
        );
    }

    #[test]
    fn a_settled_recipe_is_the_same_when_it_is_read_again() {
        let settled =
            settle(&["content = 'a.jpg'\npreset = 'gatys-2016'\n[[styles]]\npath = 'b.jpg'\nweight = 0.3"]);
        for read in [
            Recipe::from_json(&settled.recipe.to_json().unwrap(), "a test").unwrap(),
            recipe(&settled.recipe.to_toml().unwrap()),
        ] {
            assert_eq!(read, settled.recipe);
            let again = Layers { recipes: vec![read], ..Layers::default() }.settle().unwrap();
            assert_eq!((again.settings, again.recipe), (settled.settings.clone(), settled.recipe.clone()));
        }
        let text = settled.recipe.to_toml().unwrap();
        assert!(text.contains("weight = 0.3\n"), "as a person would write it: {text}");
    }

    #[test]
    fn brushes_and_masks_go_to_the_styles_in_their_order() {
        let two = "[[styles]]\npath = 'a'\nscale = 3.0\n[[styles]]\npath = 'b'";
        let layers = |scales: &[f32], masks: &[&str]| {
            let masks = masks.iter().map(PathBuf::from).collect();
            Layers { recipes: vec![recipe(two)], scales: scales.to_vec(), masks, ..Layers::default() }
                .settle()
        };
        let styles = layers(&[], &[]).unwrap().recipe.styles;
        assert_eq!([styles[0].scale, styles[1].scale], [3.0, 1.0]);
        let styles = layers(&[2.0], &["none", "m.png"]).unwrap().recipe.styles;
        assert_eq!([styles[0].scale, styles[1].scale], [2.0, 2.0]);
        assert_eq!([&styles[0].region, &styles[1].region], [&None, &Some("m.png".into())]);
        let failure = layers(&[1.0, 2.0, 3.0], &[]).unwrap_err();
        assert_eq!(
            (failure.exit, failure.message.as_str()),
            (Exit::Usage, "--style-scale has 3 entries for 2 styles")
        );
    }

    #[test]
    fn all_settings_stand_in_a_settled_recipe_so_that_its_preset_need_not_be_there() {
        for name in Preset::names() {
            let settled = settle(&[&format!("preset = '{name}'")]);
            let again = |named: &str, preset| {
                let recipe = Recipe { preset: Some(named.to_owned()), ..settled.recipe.clone() };
                Layers { recipes: vec![recipe], preset, ..Layers::default() }.settle()
            };
            for preset in [PresetUse::Told, PresetUse::ToldByName] {
                let gone = again("gone.toml", preset).unwrap();
                assert_eq!((&gone.settings, gone.preset.is_none()), (&settled.settings, true), "{name}");
                let same = again(name, preset).unwrap();
                assert_eq!((&same.settings, &same.preset), (&settled.settings, &settled.preset), "{name}");
            }
            assert_eq!(again("gone.toml", PresetUse::Ground).unwrap_err().exit, Exit::Usage);
        }
    }

    #[test]
    fn a_recipe_of_anybodys_opens_no_file_for_its_preset() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.toml");
        std::fs::write(&file, toml::to_string(&Preset::named("fast").unwrap()).unwrap()).unwrap();
        let recipe = Recipe { preset: Some(file.to_str().unwrap().to_owned()), ..Recipe::default() };
        let is_read = |preset| {
            let layers = Layers { recipes: vec![recipe.clone()], preset, ..Layers::default() };
            layers.settle().unwrap().preset.is_some()
        };
        assert!(is_read(PresetUse::Ground) && is_read(PresetUse::Told));
        assert!(!is_read(PresetUse::ToldByName));
    }

    #[test]
    fn a_digest_stays_with_its_file() {
        let file = "content = 'a.jpg'\ncontent_sha256 = '01'";
        assert_eq!(settle(&[file, "[settings]\nsize = 64"]).recipe.content_sha256.as_deref(), Some("01"));
        assert_eq!(settle(&[file, "content = 'b.jpg'"]).recipe.content_sha256, None);

        let file = "init = 'a.png'\ninit_sha256 = '02'";
        assert_eq!(settle(&[file, "[settings]\nsize = 64"]).recipe.init_sha256.as_deref(), Some("02"));
        for other in ["init = 'b.png'", "settings.start = 'noise'"] {
            assert_eq!(settle(&[file, other]).recipe.init_sha256, None, "{other}");
        }

        let file = "[[styles]]\npath = 'a'\nregion = 'm.png'\nregion_sha256 = '03'";
        let digest = |masks: &[&str]| {
            let masks = masks.iter().map(PathBuf::from).collect();
            let layers = Layers { recipes: vec![recipe(file)], masks, ..Layers::default() };
            layers.settle().unwrap().recipe.styles[0].region_sha256.clone()
        };
        assert_eq!(digest(&[]).as_deref(), Some("03"));
        assert_eq!([digest(&["n.png"]), digest(&["none"])], [None, None]);
    }

    #[test]
    fn a_run_starts_where_the_last_word_says() {
        let settled = settle(&["init = 'a.png'"]);
        assert_eq!((settled.settings.start, settled.recipe.init), (None, Some("a.png".into())));
        let settled = settle(&["init = 'a.png'", "settings.start = 'noise'"]);
        assert_eq!((settled.settings.start, settled.recipe.init), (Some(style_transfer::Start::Noise), None));
    }

    #[test]
    fn what_no_recipe_has_is_refused() {
        assert!(toml::from_str::<Recipe>("contents = 'a.jpg'").is_err());
        let layers = Layers { recipes: vec![recipe("[settings]\nsise = 3")], ..Layers::default() };
        assert!(layers.settle().unwrap_err().message.contains("sise"));
    }
}
