//! Opening what a run reads.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use style_transfer::{Image, MAX_FILE_BYTES, Mask, Picture, ReadOptions, Style, StyleFile, StyleTransfer};

use crate::arguments::RunArguments;
use crate::bundled;
use crate::failure::{Exit, Failure, Result};
use crate::reading::{Unread, read};
use crate::recipe::{Recipe, StyleRecipe};
use crate::terminal::warn;
use crate::weights::digest;

/// Shortest side of a photograph or a painting, px.
const LEAST: usize = 2;

/// How pictures are read.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    options: ReadOptions,
    /// Longest file.
    max_bytes: u64,
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
        let max_bytes = limits.max_file_size.map_or(MAX_FILE_BYTES, |mib| (mib as usize) << 20);
        Self { options: options.max_bytes(max_bytes), max_bytes: max_bytes as u64 }
    }

    /// The picture at a path; `-` is stdin, and what begins with `demo:` is inside the program.
    pub(crate) fn picture(&self, path: &Path) -> Result<Picture> {
        if path.as_os_str().is_empty() {
            return Err(Failure::usage("the name of a picture is empty").help("name a file; - is stdin"));
        }
        let name = if is_stdin(path) { "stdin".into() } else { path.to_string_lossy() };
        let picture = if is_stdin(path) {
            self.options.read(io::stdin().lock()).map_err(|error| {
                let failure = Failure::from(error);
                Failure { message: format!("stdin: {}", failure.message), ..failure }
            })?
        } else if let Some(bytes) = bundled::picture(path) {
            self.options.decode(bytes)?
        } else {
            self.options.open(path)?
        };
        for warning in &picture.info.warnings {
            warn(format_args!("{name}: {warning}"));
        }
        Ok(picture)
    }

    /// A picture to look at, which a line of pixels is not: enlarged it is one colour, or stripes.
    fn motif(&self, path: &Path) -> Result<Picture> {
        let picture = self.picture(path)?;
        let (width, height) = (picture.image.width(), picture.image.height());
        if width.min(height) < LEAST {
            let message = format!(
                "{}: {width} x {height} px is no picture to go by, at least {LEAST} px are needed each way",
                path.display()
            );
            return Err(Failure::new(Exit::Input, message).help("use a larger picture"));
        }
        Ok(picture)
    }

    fn style(&self, path: &Path) -> Result<StyleSource> {
        if path.extension().is_none_or(|extension| extension != "style") {
            return self.motif(path).map(|picture| StyleSource::Picture(picture.image));
        }
        let bytes = read(path, self.max_bytes).map_err(|error| {
            let message = format!("cannot read the style {}: {error}", path.display());
            match error {
                Unread::TooLong { .. } => Failure::new(Exit::Limit, message)
                    .help("a style file has a few MB; raise --max-file-size if this is one"),
                _ => Failure::new(Exit::Input, message).help("check the path"),
            }
        })?;
        let file = StyleFile::parse(&bytes).map_err(|error| {
            let failure = Failure::from(error);
            Failure { message: format!("{}: {}", path.display(), failure.message), ..failure }
        })?;
        Ok(StyleSource::File(file))
    }
}

/// SHA-256 of the file at a path, in hex; `None` for what can be read once only. A file that is not the one whose
/// digest is `known` is used, and that is said.
fn digest(path: &Path, known: Option<&str>) -> Option<String> {
    let found = digest_of(path)?;
    if known.is_some_and(|known| known != found) {
        warn(format_args!(
            "{} is not the file that the recipe was made with: its bytes are others",
            path.display()
        ));
    }
    Some(found)
}

/// SHA-256 of the file at a path, in hex; `None` for what can be read once only, and what cannot be read.
pub(crate) fn digest_of(path: &Path) -> Option<String> {
    if is_stdin(path) || !path.is_file() {
        return None;
    }
    digest::of_file(path).ok()
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
    /// SHA-256 of its file, in hex.
    pub(crate) sha256: Option<String>,
    /// What runs need of its picture, where many share it.
    pub(crate) known: Option<StyleFile>,
    pub(crate) weight: f32,
    pub(crate) scale: f32,
    pub(crate) region: Option<Mask>,
    /// SHA-256 of the mask's file, in hex.
    pub(crate) region_sha256: Option<String>,
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
    /// SHA-256 of the content's file, in hex.
    pub(crate) content_sha256: Option<String>,
    /// How opaque the content is; the result will be too.
    pub(crate) alpha: Option<Mask>,
    pub(crate) styles: Vec<OpenStyle>,
    pub(crate) init: Option<Image>,
    /// SHA-256 of its file, in hex.
    pub(crate) init_sha256: Option<String>,
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
        let mut inputs = Self::default();
        if let Some(content) = &recipe.content {
            inputs.open_content(content, recipe.content_sha256.as_deref(), reader)?;
        }
        inputs.styles = Self::open_styles(recipe, reader)?;
        if let Some(init) = &recipe.init {
            inputs.init = Some(reader.picture(init)?.image);
            inputs.init_sha256 = digest(init, recipe.init_sha256.as_deref());
        }
        Ok(inputs)
    }

    /// Opens the content alone, whose digest may be known.
    pub(crate) fn open_content(&mut self, path: &Path, known: Option<&str>, reader: &Reader) -> Result<()> {
        let Picture { image, alpha, .. } = reader.motif(path)?;
        (self.content, self.alpha) = (Some(image), alpha);
        self.content_sha256 = digest(path, known);
        Ok(())
    }

    /// Writes the digests of the files into the recipe that named them.
    pub(crate) fn sign(&self, recipe: &mut Recipe) {
        recipe.content_sha256.clone_from(&self.content_sha256);
        recipe.init_sha256.clone_from(&self.init_sha256);
        for (style, open) in recipe.styles.iter_mut().zip(&self.styles) {
            style.sha256.clone_from(&open.sha256);
            style.region_sha256.clone_from(&open.region_sha256);
        }
    }

    /// Opens the styles alone.
    pub(crate) fn open_styles(recipe: &Recipe, reader: &Reader) -> Result<Vec<OpenStyle>> {
        let open = |style: &StyleRecipe| {
            let mask = style.region.as_deref();
            let region = mask.map(|mask| reader.picture(mask)).transpose()?;
            Ok(OpenStyle {
                name: style.path.to_string_lossy().into_owned(),
                source: reader.style(&style.path)?,
                sha256: digest(&style.path, style.sha256.as_deref()),
                known: None,
                weight: style.weight,
                scale: style.scale,
                region: region.as_ref().map(|picture| Mask::from_image(&picture.image)),
                region_sha256: mask.and_then(|mask| digest(mask, style.region_sha256.as_deref())),
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
