//! `style weights get`: a known file is fetched, checked, and converted.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::download::download;
use super::import::Form;
use super::known::{self, FILES, KnownFile};
use super::part::{Part, cannot_write};
use super::source::{Source, shown};
use super::{cache, digest, list};
use crate::failure::{Exit, Failure, Result};
use crate::outputs::check_place;
use crate::scraps::Scrap;
use crate::signals::{self, Rest};
use crate::terminal::{give_path, say};

/// Fetch known weights, check their SHA-256, and convert them; afterwards `--weights NAME` uses them.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Which weights, such as vgg19; `list` shows all
    #[arg(value_name = "NAME")]
    name: String,
    /// Take the file from here: a file, a folder, or a mirror's URL (one that ends in / is a folder)
    #[arg(long, value_name = "FILE|FOLDER|URL")]
    from: Option<String>,
    /// The file to write [default: in the cache folder, where --weights NAME finds it]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Keep the publisher's file as it is, and convert nothing
    #[arg(long)]
    raw: bool,
    /// Replace the file, if it is there
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.name == "list" {
        return list::run_plain();
    }
    let Some(known) = known::by_name(&arguments.name) else {
        let names: Vec<_> = FILES.iter().map(|known| known.name).collect();
        let message =
            format!("no known weights are named {:?}: there are {}", arguments.name, names.join(", "));
        return Err(
            Failure::usage(message).help(format!("did you mean {}?", known::nearest(&arguments.name)))
        );
    };
    arguments.get(known, cache::folder)
}

impl Arguments {
    /// With the `cache` folder, which is asked for when something shall lie there.
    fn get(&self, known: &KnownFile, cache: impl Fn() -> Result<PathBuf>) -> Result<()> {
        let source = Source::of(known, self.from.as_deref())?;
        let target = match &self.output {
            Some(output) => output.clone(),
            None if self.raw => cache()?.join(known.file),
            None => cache::native(&cache()?, known),
        };
        if self.output.is_none() && !self.force && target.is_file() {
            say(format!("{} is there already", known.name));
            return give_path(&target);
        }
        check_place(&target, self.force, &[])?;
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
        }
        if self.raw {
            return fetch_raw(known, &source, &target);
        }
        match &source {
            Source::File(file) => {
                tell(known, &digest::check(file, known, &file.display().to_string())?);
                self.form.convert(file, &target)
            }
            Source::Url { .. } => {
                let kept = cache().ok().map(|cache| cache.join(known.file));
                if let Some(file) = kept.filter(|file| is_right(file, known)) {
                    return self.form.convert(&file, &target); // that of --raw, which stays
                }
                // The publisher's name: the model card tells it, and an attempt that was cut finds its part.
                let folder =
                    cache().map_or_else(|_| target.with_extension("fetched"), |cache| cache.join(FETCHED));
                let converted = self.fetch_and_convert(known, &source, &folder.join(known.file), &target);
                let _ = fs::remove_dir(folder); // unless something is left in it to go on with
                converted
            }
        }
    }

    fn fetch_and_convert(&self, known: &KnownFile, source: &Source, raw: &Path, target: &Path) -> Result<()> {
        fetch(known, source, raw)?;
        kept(format!("interrupted; {} is fetched", raw.display()), "the same command converts it");
        self.form.convert(raw, target)?;
        let _ = fs::remove_file(raw); // half a gigabyte that nobody needs any more
        Ok(())
    }
}

/// Inside the cache, where files lie that are fetched to be converted.
const FETCHED: &str = "fetched";

fn fetch_raw(known: &KnownFile, source: &Source, target: &Path) -> Result<()> {
    fetch(known, source, target)?;
    signals::wrote(target);
    give_path(target)
}

fn is_right(file: &Path, known: &KnownFile) -> bool {
    file.is_file() && digest::of_file(file).is_ok_and(|found| found.starts_with(known.sha256))
}

/// Brings the known file to `target`, checked.
fn fetch(known: &KnownFile, source: &Source, target: &Path) -> Result<()> {
    if is_right(target, known) {
        return Ok(()); // an earlier attempt fetched it, and went no further
    }
    let mut part = Part::open(target, known.bytes)?;
    let from = match source {
        Source::File(file) => {
            let _scrap = Scrap::file(part.path()); // the next attempt begins anew
            part.restart()?;
            copy(file, &mut part)?;
            file.display().to_string()
        }
        Source::Url { url, plain_http } => {
            let message = format!("interrupted; what was fetched stays in {}", part.path().display());
            kept(message, "the same command goes on there");
            download(known, url, *plain_http, &mut part)?;
            shown(url)
        }
    };
    match digest::check(part.path(), known, &format!("what came from {from}")) {
        Ok(found) => {
            tell(known, &found);
            part.finish()
        }
        Err(failure) => {
            part.discard();
            Err(failure)
        }
    }
}

/// What a signal is answered with, as the next attempt need not begin anew.
fn kept(message: String, help: &str) {
    signals::rest(Rest { lines: None, end: Failure::new(Exit::Interrupted, message).help(help) });
}

fn copy(file: &Path, part: &mut Part) -> Result<()> {
    use std::io::{ErrorKind, Read as _};
    let cannot_read = |error: std::io::Error| {
        Failure::new(Exit::Weights, format!("cannot read {}: {error}", file.display()))
            .help("check the path and that it may be read")
    };
    let mut source = fs::File::open(file).map_err(cannot_read)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = source.read(&mut buffer).map_err(cannot_read)?;
        match part.append(&buffer[..read]) {
            Ok(()) if read > 0 => {}
            // Its digest tells that it is another file.
            Err(error) if error.kind() == ErrorKind::InvalidData => return Ok(()),
            Err(error) => return Err(cannot_write(part.path(), &error)),
            Ok(()) => return Ok(()),
        }
    }
}

fn tell(known: &KnownFile, sha256: &str) {
    let how = if known.is_pinned() {
        "as expected"
    } else {
        "which begins as its name says; no more than these 32 bits of it are known, so they are all that was checked"
    };
    say(format!("{}: SHA-256 {sha256}, {how}", known.file));
}

#[cfg(test)]
#[path = "get_tests.rs"]
mod tests;
