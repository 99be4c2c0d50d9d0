//! Where a file is fetched from.

use std::path::PathBuf;

use super::known::KnownFile;
use crate::failure::{Exit, Failure, Result};

/// A place that has the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    File(PathBuf),
    Url { url: String, plain_http: bool },
}

impl Source {
    /// The publisher's, or the one that was named: a file, a folder, a URL, or a URL that ends in `/`.
    ///
    /// # Errors
    ///
    /// Exit code 2 for a URL that is neither https nor http, 4 when there is no such file.
    pub(super) fn of(known: &KnownFile, named: Option<&str>) -> Result<Self> {
        let Some(named) = named else {
            return Ok(Self::Url { url: known.url.to_owned(), plain_http: false });
        };
        if let Some((scheme, _)) = named.split_once("://") {
            return Self::of_url(known, named, &scheme.to_ascii_lowercase());
        }
        let path = PathBuf::from(named);
        let path = if path.is_dir() { path.join(known.file) } else { path };
        if path.is_file() {
            return Ok(Self::File(path));
        }
        let message = format!("there is no file {}", path.display());
        Err(Failure::new(Exit::Weights, message)
            .help(format!("--from takes {}, a folder that holds it, or a URL", known.file)))
    }

    fn of_url(known: &KnownFile, named: &str, scheme: &str) -> Result<Self> {
        if !["https", "http"].contains(&scheme) {
            let named = shown(named);
            let message = format!("--from {named:?} has the scheme {scheme:?}, expected https or http");
            return Err(Failure::usage(message).help("a file or a folder is named by its path alone"));
        }
        if scheme == "http" && !known.is_pinned() {
            let named = shown(named);
            let message = format!(
                "--from {named:?} is plain http, and of {} only 32 bits of its SHA-256 are known: whoever stands on the way \
                 could put another file in its place",
                known.file
            );
            return Err(
                Failure::usage(message).help("use https, or fetch it by other means and name the file")
            );
        }
        let url = if named.ends_with('/') { format!("{named}{}", known.file) } else { named.to_owned() };
        Ok(Self::Url { url, plain_http: scheme == "http" })
    }
}

/// An address without the name and the password in it, which are nobody's business but the server's.
pub(super) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    host.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, host)| format!("{scheme}://…@{host}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::known::by_name;

    #[test]
    fn nothing_but_https_is_asked_unless_it_is_named() {
        let known = by_name("vgg19").unwrap();
        let url = |named: Option<&str>| Source::of(known, named).unwrap();
        let of = |url: &str, plain_http| Source::Url { url: url.to_owned(), plain_http };
        assert_eq!(url(None), of("https://download.pytorch.org/models/vgg19-dcbb9e9d.pth", false));
        assert_eq!(url(Some("http://127.0.0.1:1/w/")), of("http://127.0.0.1:1/w/vgg19-dcbb9e9d.pth", true));
        assert_eq!(url(Some("https://mirror/my.pth")), of("https://mirror/my.pth", false));
        let failure = Source::of(known, Some("file:///etc/passwd")).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains("\"file\""), "{}", failure.message);
    }

    #[test]
    fn plain_http_is_for_files_whose_digest_is_known_as_a_whole() {
        for known in super::super::known::FILES {
            let source = Source::of(known, Some("http://mirror/"));
            assert_eq!(source.is_ok(), known.sha256.len() == 64, "{}", known.name);
            assert!(Source::of(known, Some("https://mirror/")).is_ok());
        }
        let failure = Source::of(by_name("vgg11").unwrap(), Some("HTTP://mirror/")).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains("32 bits"), "{}", failure.message);
    }

    #[test]
    fn a_folder_stands_for_the_file_in_it() {
        let known = by_name("vgg16").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().to_str();
        let failure = Source::of(known, named).unwrap_err();
        assert_eq!(failure.exit, Exit::Weights);
        let file = folder.path().join(known.file);
        std::fs::write(&file, b"").unwrap();
        assert_eq!(Source::of(known, named).unwrap(), Source::File(file));
    }

    #[test]
    fn a_password_is_not_repeated() {
        assert_eq!(shown("https://me:se@cret@host.example/a@b/"), "https://…@host.example/a@b/");
        assert_eq!(shown("https://host.example/a@b"), "https://host.example/a@b");
        let (known, named) = (&super::super::known::FILES[0], "ftp://me:secret@host.example/");
        assert!(!Source::of(known, Some(named)).unwrap_err().to_string().contains("secret"));
    }
}
