//! Fetching a known file: going on where an attempt ended, telling how far it is.

use std::io::{self, IsTerminal as _};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::curl::{self, Ended, Request};
use super::digest;
use super::known::KnownFile;
use super::part::{Part, cannot_write};
use super::source::shown;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::say;

/// How often a cut connection is taken up again, as long as each brings something.
const ATTEMPTS: usize = 10;

/// Fetches what is missing of a file.
///
/// # Errors
///
/// Exit code 4 when it cannot be had, 5 when it cannot be written. What came stays in the part.
pub(super) fn download(known: &KnownFile, url: &str, plain_http: bool, part: &mut Part) -> Result<()> {
    if part.is_too_long() {
        part.restart()?;
    }
    if part.length() > 0 {
        say(format!("going on with {} of {}", megabytes(part.length()), part.path().display()));
    }
    let (mut attempts, mut restarted) = (0, false);
    let mut progress = Progress::new(known.bytes);
    while known.bytes != Some(part.length()) {
        let before = part.length();
        let request = Request { url, plain_http, from: before };
        let ended = curl::fetch(request, |bytes| {
            part.append(bytes)?;
            progress.at(part.length());
            Ok(())
        });
        match ended {
            Ok(()) => break,
            // 416: nothing is left after what is there. It is the whole file, or the part of another one.
            Err(Ended::Status(416) | Ended::NoMiddle) if before > 0 && !restarted => {
                if digest::of_file(part.path()).is_ok_and(|found| found.starts_with(known.sha256)) {
                    break;
                }
                restarted = true;
                part.restart()?;
            }
            Err(Ended::Cut(why)) if part.length() > before && attempts < ATTEMPTS => {
                attempts += 1;
                progress.say(&format!("cut after {}: {why}; going on", megabytes(part.length())));
                thread::sleep(Duration::from_secs(1));
            }
            Err(ended) => return Err(failure(known, url, part, ended)),
        }
    }
    Ok(())
}

fn failure(known: &KnownFile, url: &str, part: &Part, ended: Ended) -> Failure {
    let url = &shown(url);
    let by_hand = format!("fetch {url} by other means, then: style weights get {} --from FILE", known.name);
    let weights = |message: String| Failure::new(Exit::Weights, message);
    match ended {
        Ended::NoCurl => {
            weights("the program curl, which fetches files, is not installed".to_owned()).help(by_hand)
        }
        Ended::NotRun(error) => weights(format!("the program curl cannot be run: {error}")).help(by_hand),
        Ended::Refused(error) if error.kind() == io::ErrorKind::InvalidData => {
            let message = format!("what came from {url} is longer than {}", known.file);
            weights(message).help("check the URL that --from names")
        }
        Ended::Refused(error) => cannot_write(part.path(), &error),
        Ended::Status(status) => weights(format!("the server answered {status} to {url}")).help(by_hand),
        Ended::NoMiddle => weights(format!("the server does not go on in the middle of {url}")).help(by_hand),
        Ended::Cut(why) => weights(format!("the connection to {url} was cut: {why}"))
            .help("the same command goes on where it ended"),
        Ended::Failed(why) => weights(format!("cannot fetch {url}: {why}")).help(by_hand),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// A bar on a terminal; elsewhere a line now and then.
struct Progress {
    bar: Option<ProgressBar>,
    whole: Option<u64>,
    told: Instant,
}

impl Progress {
    fn new(whole: Option<u64>) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let (bar, template) = match whole {
                Some(whole) => {
                    let template = "{bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
                    (ProgressBar::new(whole), template)
                }
                None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {bytes_per_sec}"),
            };
            ProgressStyle::with_template(template).map_or(bar.clone(), |style| bar.with_style(style))
        });
        Self { bar, whole, told: Instant::now() }
    }

    fn at(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            return bar.set_position(bytes);
        }
        if self.told.elapsed() < Duration::from_secs(10) {
            return;
        }
        self.told = Instant::now();
        let whole = self.whole.map_or_else(String::new, |whole| format!(" of {}", megabytes(whole)));
        say(format!("{}{whole}", megabytes(bytes)));
    }

    fn say(&self, words: &str) {
        match &self.bar {
            Some(bar) => bar.println(words),
            None => say(words),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
