//! Paths as data, to the last byte.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A path that comes back as it was: as text where it is some, as bytes where it is not, which JSON cannot say otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub(crate) struct ExactPath(pub(crate) PathBuf);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<ExactPath> for Stored {
    fn from(ExactPath(path): ExactPath) -> Self {
        match path.into_os_string().into_string() {
            Ok(text) => Self::Text(text),
            Err(path) => from_bytes_of(Path::new(&path)),
        }
    }
}

#[cfg(unix)]
fn from_bytes_of(path: &Path) -> Stored {
    use std::os::unix::ffi::OsStrExt as _;
    Stored::Bytes(path.as_os_str().as_bytes().to_vec())
}

#[cfg(not(unix))]
fn from_bytes_of(path: &Path) -> Stored {
    Stored::Text(path.to_string_lossy().into_owned())
}

impl From<Stored> for ExactPath {
    fn from(stored: Stored) -> Self {
        Self(match stored {
            Stored::Text(text) => text.into(),
            #[cfg(unix)]
            Stored::Bytes(bytes) => {
                use std::os::unix::ffi::OsStringExt as _;
                std::ffi::OsString::from_vec(bytes).into()
            }
            #[cfg(not(unix))]
            Stored::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_as_it_was() {
        let back = |path: &ExactPath| -> (String, ExactPath) {
            let json = serde_json::to_string(path).unwrap();
            let path = serde_json::from_str(&json).unwrap();
            (json, path)
        };
        let text = ExactPath("out/Schloß.png".into());
        assert_eq!(back(&text), (r#""out/Schloß.png""#.to_owned(), text));
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            let bytes = ExactPath(Path::new(std::ffi::OsStr::from_bytes(b"a\xff")).to_owned());
            assert_eq!(back(&bytes), ("[97,255]".to_owned(), bytes));
        }
    }
}
