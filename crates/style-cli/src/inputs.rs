//! Opening what a run reads.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use style_transfer::{Image, Mask, Picture, ReadOptions, Style, StyleFile, StyleTransfer};

use crate::arguments::RunArguments;
use crate::commands::demo;
use crate::failure::{Exit, Failure, Result};
use crate::recipe::{Recipe, StyleRecipe};
use crate::terminal::warn;

/// How pictures are read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reader {
    options: ReadOptions,
    quiet: bool,
}

impl Reader {
    pub(crate) fn new(arguments: &RunArguments) -> Self {
        let limits = &arguments.limits;
        let mut options = ReadOptions::default().strict(limits.strict);
        if let Some(megapixels) = limits.max_megapixels {
            options = options.max_pixels(megapixels as usize * 1_000_000);
        }
        if let Some(px) = limits.max_side {
            options = options.max_side(px as usize);
        }
        if let Some(mib) = limits.max_file_size {
            options = options.max_bytes((mib as usize) << 20);
        }
        Self { options, quiet: arguments.showing.quiet }
    }

    /// The picture at a path; `-` is stdin, and what begins with `demo:` is inside the program.
    pub(crate) fn picture(&self, path: &Path) -> Result<Picture> {
        let name = if is_stdin(path) { "stdin".into() } else { path.to_string_lossy() };
        let picture = if is_stdin(path) {
            self.options.read(io::stdin().lock()).map_err(|error| {
                let failure = Failure::from(error);
                Failure { message: format!("stdin: {}", failure.message), ..failure }
            })?
        } else if let Some(bytes) = demo::picture(path) {
            self.options.decode(bytes)?
        } else {
            self.options.open(path)?
        };
        if !self.quiet {
            for warning in &picture.info.warnings {
                warn(format_args!("{name}: {warning}"));
            }
        }
        Ok(picture)
    }

    fn style(&self, path: &Path) -> Result<StyleSource> {
        if path.extension().is_none_or(|extension| extension != "style") {
            return self.picture(path).map(|picture| StyleSource::Picture(picture.image));
        }
        let bytes = std::fs::read(path).map_err(|error| {
            Failure::new(Exit::Input, format!("cannot read the style {}: {error}", path.display()))
                .help("check the path")
        })?;
        Ok(StyleSource::File(StyleFile::parse(&bytes)?))
    }
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A style as it is written on the command line: a path, and perhaps `=WEIGHT` behind it. A file that really has such
/// a name is meant as a whole.
pub(crate) fn style_recipe(written: &OsStr) -> Result<StyleRecipe> {
    let path = PathBuf::from(written);
    let Some((name, weight)) = written.to_str().and_then(|text| text.rsplit_once('=')) else {
        return Ok(StyleRecipe::new(path));
    };
    if path.exists() || name.is_empty() {
        return Ok(StyleRecipe::new(path));
    }
    let weight: f32 = weight.trim().parse().map_err(|_| {
        Failure::usage(format!("{:?} is no weight, and there is no file {}", weight, path.display()))
            .help("write the weight of a style as painting.jpg=0.3")
    })?;
    Ok(StyleRecipe { weight, ..StyleRecipe::new(name.into()) })
}

/// A style as it was opened.
#[derive(Debug)]
pub(crate) enum StyleSource {
    Picture(Image),
    File(StyleFile),
}

/// A style with all that is said about it.
#[derive(Debug)]
pub(crate) struct OpenStyle {
    /// As the user wrote it.
    pub(crate) name: String,
    pub(crate) source: StyleSource,
    /// What runs need of its picture, where many share it.
    pub(crate) known: Option<StyleFile>,
    pub(crate) weight: f32,
    pub(crate) scale: f32,
    pub(crate) region: Option<Mask>,
}

impl OpenStyle {
    /// The style as the engine takes it.
    pub(crate) fn style(&self) -> Style<'_> {
        let style = match &self.source {
            StyleSource::Picture(picture) => Style::new(picture),
            StyleSource::File(file) => Style::from_file(file),
        };
        let style = style.weight(self.weight).scale(self.scale);
        let style = match &self.known {
            Some(known) => style.statistics(known),
            None => style,
        };
        match &self.region {
            Some(region) => style.region(region),
            None => style,
        }
    }

    /// Its picture, where it is one.
    pub(crate) const fn picture(&self) -> Option<&Image> {
        match &self.source {
            StyleSource::Picture(picture) => Some(picture),
            StyleSource::File(_) => None,
        }
    }
}

/// All pictures of a run.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) content: Option<Image>,
    /// How opaque the content is; the result will be too.
    pub(crate) alpha: Option<Mask>,
    pub(crate) styles: Vec<OpenStyle>,
    pub(crate) init: Option<Image>,
}

/// Paths of all pictures that a recipe reads.
pub(crate) fn paths(recipe: &Recipe) -> Vec<&Path> {
    let styles = recipe.styles.iter().flat_map(|style| [Some(&style.path), style.region.as_ref()]);
    let others = [recipe.content.as_ref(), recipe.init.as_ref(), recipe.weights.as_ref()];
    others.into_iter().chain(styles).flatten().map(PathBuf::as_path).collect()
}

impl Inputs {
    /// Opens everything that a recipe names.
    pub(crate) fn open(recipe: &Recipe, reader: &Reader) -> Result<Self> {
        if paths(recipe).into_iter().filter(|path| is_stdin(path)).count() > 1 {
            return Err(Failure::usage("- is given twice, and stdin can be read once only")
                .help("save one of the pictures in a file"));
        }
        let picture = |path: &PathBuf| reader.picture(path);
        let mut content = recipe.content.as_ref().map(picture).transpose()?;
        Ok(Self {
            alpha: content.as_mut().and_then(|content| content.alpha.take()),
            content: content.map(|content| content.image),
            styles: Self::open_styles(recipe, reader)?,
            init: recipe.init.as_ref().map(picture).transpose()?.map(|picture| picture.image),
        })
    }

    /// Opens the styles alone.
    pub(crate) fn open_styles(recipe: &Recipe, reader: &Reader) -> Result<Vec<OpenStyle>> {
        let open = |style: &StyleRecipe| {
            let region = style.region.as_ref().map(|mask| reader.picture(mask)).transpose()?;
            Ok(OpenStyle {
                name: style.path.to_string_lossy().into_owned(),
                source: reader.style(&style.path)?,
                known: None,
                weight: style.weight,
                scale: style.scale,
                region: region.as_ref().map(|picture| Mask::from_image(&picture.image)),
            })
        };
        recipe.styles.iter().map(open).collect()
    }

    /// A transfer with these styles, and this picture to start at.
    pub(crate) fn furnish<'a>(&'a self, mut transfer: StyleTransfer<'a>) -> StyleTransfer<'a> {
        for style in &self.styles {
            transfer = transfer.style(style.style());
        }
        match &self.init {
            Some(init) => transfer.start_at(init),
            None => transfer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_stands_behind_the_path_unless_the_file_has_such_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("b=0.5");
        std::fs::write(&there, b"").unwrap();
        let parse = |text: &str| style_recipe(OsStr::new(text)).map(|style| (style.path, style.weight));
        assert_eq!(parse("b.jpg").unwrap(), ("b.jpg".into(), 1.0));
        assert_eq!(parse("b.jpg=0.3").unwrap(), ("b.jpg".into(), 0.3));
        assert_eq!(parse("a=b.jpg=2").unwrap(), ("a=b.jpg".into(), 2.0));
        assert_eq!(parse(there.to_str().unwrap()).unwrap(), (there.clone(), 1.0));
        assert_eq!(parse("=3").unwrap(), ("=3".into(), 1.0));
        assert_eq!(parse("b.jpg=much").unwrap_err().exit, Exit::Usage);
    }
}
