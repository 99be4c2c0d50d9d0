//! Files that are written whole or not at all.

use std::fs::File;
use std::path::Path;

use burn_pack::AtomicFile;

use crate::ImportError;

/// Lets `write` fill a file beside `path` (it is told where), and puts that into its place afterwards.
pub(crate) fn save<T>(
    path: &Path,
    write: impl FnOnce(&File, &Path) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    let refused = |error: burn_pack::Error| match error {
        burn_pack::Error::IoError(reason) => ImportError::output(path, reason),
        other => ImportError::output(path, other.to_string()),
    };
    let (scratch, file) = AtomicFile::create(path).map_err(refused)?;
    let written = write(&file, scratch.path())?;
    file.sync_all().map_err(|error| ImportError::output(path, error.to_string()))?;
    drop(file);
    scratch.commit().map_err(refused)?;
    Ok(written)
}
