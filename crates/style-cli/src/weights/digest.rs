//! The SHA-256 of a file, compared with what is known of it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::known::KnownFile;
use crate::failure::{Exit, Failure, Result};

/// The SHA-256 of a file, in hex.
pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => digest.update(&buffer[..read]),
        }
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}

/// The digest of the file that should be the known one.
///
/// # Errors
///
/// Exit code 4 when it is another file.
pub(crate) fn check(path: &Path, known: &KnownFile, from: &str) -> Result<String> {
    let found = of_file(path).map_err(|error| {
        Failure::new(Exit::Weights, format!("cannot read {}: {error}", path.display()))
            .help("check the path and that it may be read")
    })?;
    if found.starts_with(known.sha256) {
        return Ok(found);
    }
    let expected = if known.is_pinned() {
        known.sha256.to_owned()
    } else {
        format!("one that begins with {}, as its name says", known.sha256)
    };
    let message = format!("{from} is not {}: its SHA-256 is {found}, expected {expected}", known.file);
    Err(Failure::new(Exit::Weights, message)
        .help("fetch it from its publisher, or import it by `style weights import` if you trust it"))
}
