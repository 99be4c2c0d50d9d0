//! A picture as a file: what goes into it besides the pixels.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use style_transfer::{Image, ImageError, Mask, PictureFormat, WriteOptions, write_atomically};

use crate::failure::Result;
use crate::recipe::Recipe;
use crate::scraps::Scrap;

/// How a picture is written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Writing<'a> {
    /// Goes into the picture.
    pub(crate) recipe: Option<&'a Recipe>,
    /// The steps that were done, where they are not all that the recipe says.
    pub(crate) stopped_after: Option<usize>,
    pub(crate) bits: u8,
    pub(crate) quality: Option<u8>,
    /// How opaque the content was.
    pub(crate) alpha: Option<&'a Mask>,
}

/// The same for who outlives the run's own.
#[derive(Debug)]
pub(crate) struct Kept {
    recipe: Option<Recipe>,
    bits: u8,
    quality: Option<u8>,
    alpha: Option<Mask>,
}

impl Kept {
    pub(crate) fn writing(&self) -> Writing<'_> {
        let Self { recipe, bits, quality, alpha } = self;
        Writing {
            recipe: recipe.as_ref(),
            stopped_after: None,
            bits: *bits,
            quality: *quality,
            alpha: alpha.as_ref(),
        }
    }
}

impl Writing<'_> {
    /// For other threads.
    pub(crate) fn kept(&self) -> Kept {
        let Self { recipe, bits, quality, alpha, .. } = self;
        Kept { recipe: recipe.cloned(), bits: *bits, quality: *quality, alpha: alpha.cloned() }
    }

    /// The same for a picture that is not finished.
    pub(crate) fn stopped_after(self, steps: usize) -> Self {
        Self { stopped_after: Some(steps), ..self }
    }

    /// The picture as bytes.
    pub(crate) fn encode(&self, image: &Image, format: PictureFormat) -> Result<Vec<u8>> {
        // A JPEG shows what was transparent on white, as the network saw it.
        let alpha = self.alpha.filter(|_| format != PictureFormat::Jpeg);
        let alpha = alpha.map(|alpha| alpha.resized(image.width(), image.height())).transpose()?;
        let stopped_after = self.stopped_after;
        let recipe = self.recipe.map(|recipe| Recipe { stopped_after, ..recipe.clone() }.to_json());
        let recipe = recipe.transpose()?;
        let mut options = WriteOptions::default().bits(self.bits);
        if let Some(quality) = self.quality {
            options = options.quality(quality);
        }
        if let Some(alpha) = &alpha {
            options = options.alpha(alpha);
        }
        if let Some(recipe) = &recipe {
            options = options.recipe(recipe);
        }
        Ok(image.encode_with(format, &options)?)
    }
}

/// Puts a file into its place, whole; of one that a signal interrupts nothing is left.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::result::Result<(), ImageError> {
    let _scrap = Scrap::unfinished(path);
    write_atomically(path, bytes)
}

/// `NAME.png`, `NAME-1.png`, `NAME-2.png` and so on.
pub(crate) fn names(path: &Path) -> impl Iterator<Item = PathBuf> {
    let (stem, extension) = (path.file_stem().unwrap_or_default(), path.extension());
    let numbered = move |number: usize| {
        let mut name = stem.to_owned();
        name.push(format!("-{number}"));
        if let Some(extension) = extension {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    };
    std::iter::once(path.to_owned()).chain((1..1000).map(numbered))
}

/// Writes a file of the first of these names that is free; answers which.
pub(crate) fn write_to_free_name(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    for path in names(path) {
        let mut file = match create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            file => file?,
        };
        let _scrap = Scrap::file(&path);
        return match file.write_all(bytes).and_then(|()| file.sync_all()) {
            Ok(()) => Ok(path),
            Err(error) => {
                drop(file);
                let _ = std::fs::remove_file(path);
                Err(error)
            }
        };
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A new file, which nobody else may read where many share a folder.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use style_transfer::recipe_of;

    use super::*;

    #[test]
    fn what_is_there_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let write = |bytes: &[u8]| write_to_free_name(&folder.path().join("out.v2.png"), bytes).unwrap();
        let paths = [write(b"1"), write(b"2"), write(b"3")];
        assert_eq!(
            paths,
            ["out.v2.png", "out.v2-1.png", "out.v2-2.png"].map(|name| folder.path().join(name))
        );
        assert_eq!(paths.map(|path| std::fs::read(path).unwrap()), [b"1", b"2", b"3"]);
    }

    #[test]
    fn a_picture_that_is_not_finished_says_so_in_its_recipe() {
        let (recipe, image) = (Recipe::default(), Image::new(1, 1, vec![0.5; 3]).unwrap());
        let writing = Writing { recipe: Some(&recipe), bits: 8, ..Writing::default() };
        let found = |writing: Writing<'_>| {
            let bytes = writing.encode(&image, PictureFormat::Png).unwrap();
            Recipe::from_json(&recipe_of(&bytes).unwrap().unwrap(), "a test").unwrap()
        };
        assert_eq!(found(writing), recipe);
        assert_eq!(found(writing.stopped_after(7)).stopped_after, Some(7));
    }
}
