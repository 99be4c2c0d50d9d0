//! The styles of a run, from the command line.

use std::path::{Path, PathBuf};

use clap::Args;
use style_transfer::{Image, Mask, Style, StyleFile};

use super::{Result, open};

/// What can be said about every style, in the order of the styles.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Weights of the styles, in their order [default: 1 for each]
    #[arg(long, value_delimiter = ',', value_name = "WEIGHTS")]
    style_weights: Vec<f32>,
    /// Sizes of the brush: each painting's long side over that of the result; the last holds for the rest [default: 1]
    #[arg(long, value_delimiter = ',', value_name = "SCALES")]
    style_scale: Vec<f32>,
    /// Pictures that are white in the region of the result that a style is for, in the order of the styles
    #[arg(long, value_delimiter = ',', value_name = "MASKS")]
    regions: Vec<PathBuf>,
}

/// A style as it was opened.
enum Source {
    Picture(Image),
    File(StyleFile),
}

/// All styles of a run.
pub(crate) struct Styles {
    sources: Vec<Source>,
    weights: Vec<f32>,
    scales: Vec<f32>,
    regions: Vec<Mask>,
}

/// Whether a path's extension says that there is, or will be, a style file.
pub(super) fn is_style_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "style")
}

impl Arguments {
    /// The pictures that are read besides the styles.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = Option<&PathBuf>> {
        self.regions.iter().map(Some)
    }

    /// Opens the styles, or the bundled painting where there is none.
    pub(crate) fn open(&self, paths: &[PathBuf]) -> Result<Styles> {
        let mut sources = Vec::new();
        for path in paths {
            sources.push(if is_style_file(path) {
                let bytes = std::fs::read(path);
                let bytes =
                    bytes.map_err(|error| format!("cannot read the style {}: {error}", path.display()))?;
                Source::File(StyleFile::parse(&bytes)?)
            } else {
                Source::Picture(open(Some(path), "")?)
            });
        }
        if sources.is_empty() {
            sources.push(Source::Picture(open(None, "van_gogh_cafe_terrace.webp")?));
        }
        let styles = sources.len();
        for (name, found) in
            [("--style-weights", self.style_weights.len()), ("--regions", self.regions.len())]
        {
            if found != 0 && found != styles {
                return Err(format!(
                    "{name} has {found} entries, expected one for each of the {styles} styles"
                )
                .into());
            }
        }
        let regions: Result<Vec<Mask>> =
            self.regions.iter().map(|path| Ok(Mask::from_image(&open(Some(path), "")?))).collect();
        let (weights, scales) = (self.style_weights.clone(), self.style_scale.clone());
        Ok(Styles { sources, weights, scales, regions: regions? })
    }
}

impl Styles {
    /// Every style with its weight, brush size and region.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Style<'_>> {
        self.sources.iter().enumerate().map(|(index, source)| {
            let style = match source {
                Source::Picture(picture) => Style::new(picture),
                Source::File(file) => Style::from_file(file),
            };
            let scale = self.scales.get(index).or(self.scales.last()).copied().unwrap_or(1.0);
            let style = style.weight(self.weights.get(index).copied().unwrap_or(1.0)).scale(scale);
            match self.regions.get(index) {
                Some(mask) => style.region(mask),
                None => style,
            }
        })
    }
}
