//! How paths are written down: as text where they are Unicode, which JSON and TOML are, and as a list of their bytes where
//! they are not.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a path is a text, or the list of its bytes, each from 0 to 255")]
enum Written {
    Text(String),
    Bytes(Vec<u8>),
}

impl Written {
    fn of(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Bytes(bytes(path)),
        }
    }

    fn path(self) -> PathBuf {
        match self {
            Self::Text(text) => text.into(),
            Self::Bytes(bytes) => from_bytes(bytes).into(),
        }
    }
}

#[cfg(unix)]
fn bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> OsString {
    use std::os::unix::ffi::OsStringExt as _;
    OsString::from_vec(bytes)
}

/// Names are sequences of 16-bit units there; halves of pairs, which no keyboard types, are lost.
#[cfg(not(unix))]
fn bytes(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// For serde: a path.
pub(crate) mod path {
    use super::{Deserialize as _, Deserializer, Path, PathBuf, Serialize as _, Serializer, Written};

    pub(crate) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        Written::of(path).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        Written::deserialize(deserializer).map(Written::path)
    }
}

/// For serde: a path that may be missing.
pub(crate) mod optional_path {
    use super::{Deserialize as _, Deserializer, PathBuf, Serialize as _, Serializer, Written};

    #[allow(clippy::ref_option)] // the signature is serde's
    pub(crate) fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_deref().map(Written::of).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Written::path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Paths {
        #[serde(with = "path")]
        one: PathBuf,
        #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_path")]
        other: Option<PathBuf>,
    }

    fn survives(paths: &Paths) -> String {
        let json = serde_json::to_string(paths).unwrap();
        assert_eq!(&serde_json::from_str::<Paths>(&json).unwrap(), paths);
        assert_eq!(&toml::from_str::<Paths>(&toml::to_string(paths).unwrap()).unwrap(), paths);
        json
    }

    #[test]
    fn a_path_in_unicode_is_written_as_text() {
        let json = survives(&Paths { one: "a/ü\n.jpg".into(), other: Some("-".into()) });
        assert_eq!(json, r#"{"one":"a/ü\n.jpg","other":"-"}"#);
        assert_eq!(survives(&Paths { one: "a".into(), other: None }), r#"{"one":"a"}"#);
    }

    #[cfg(unix)]
    #[test]
    fn any_other_path_is_the_same_when_it_is_read_again() {
        let name = PathBuf::from(from_bytes(b"a\xff.jpg".to_vec()));
        let json = survives(&Paths { one: name.clone(), other: Some(name) });
        assert_eq!(json, r#"{"one":[97,255,46,106,112,103],"other":[97,255,46,106,112,103]}"#);
    }
}
