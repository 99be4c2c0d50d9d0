//! Weights that are published, and what is known of their files.

use serde::Serialize;

/// A published weights file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct KnownFile {
    /// By which name people ask for it here.
    pub(crate) name: &'static str,
    /// What it is, in a few words.
    pub(crate) about: &'static str,
    /// As its publisher calls it.
    pub(crate) file: &'static str,
    pub(crate) url: &'static str,
    /// Its length in bytes, where that is known.
    pub(crate) bytes: Option<u64>,
    /// The start of its SHA-256 in hex: all 64 digits where they are known, otherwise the eight in its name.
    pub(crate) sha256: &'static str,
    pub(crate) licence: &'static str,
    /// Where to read about it.
    pub(crate) page: &'static str,
}

impl KnownFile {
    /// A file of torchvision. Its documentation: <https://docs.pytorch.org/vision/stable/models/vgg.html>; names and
    /// URLs stand in `torchvision/models/vgg.py`.
    const fn torchvision(
        name: &'static str,
        file: &'static str,
        url: &'static str,
        sha256: &'static str,
    ) -> Self {
        Self {
            name,
            about: "torchvision, trained on ImageNet-1K",
            file,
            url,
            bytes: None,
            sha256,
            licence: "not stated for the weights; torchvision's code is BSD-3-Clause",
            page: "https://docs.pytorch.org/vision/stable/models/vgg.html",
        }
    }

    /// One of the networks of the paper, converted from Caffe by Justin Johnson; the authors give the licence at
    /// <https://www.robots.ox.ac.uk/~vgg/research/very_deep/>.
    const fn caffe(name: &'static str, file: &'static str, url: &'static str, sha256: &'static str) -> Self {
        Self {
            name,
            about: "the original weights of the paper, converted from Caffe",
            file,
            url,
            bytes: None,
            sha256,
            licence: "CC BY 4.0 (K. Simonyan and A. Zisserman, University of Oxford)",
            page: "https://github.com/jcjohnson/pytorch-vgg",
        }
    }

    /// Whether all of its SHA-256 is known.
    pub(crate) const fn is_pinned(&self) -> bool {
        self.sha256.len() == 64
    }

    const fn bytes(self, bytes: u64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }
}

/// A name, its file and its URL, which differ by the folder only.
macro_rules! known {
    ($kind:ident, $folder:literal, $name:literal, $file:literal, $sha256:literal) => {
        KnownFile::$kind($name, $file, concat!($folder, $file), $sha256)
    };
}

macro_rules! torchvision {
    ($($part:literal),*) => { known!(torchvision, "https://download.pytorch.org/models/", $($part),*) };
}

macro_rules! caffe {
    ($($part:literal),*) => { known!(caffe, "https://web.eecs.umich.edu/~justincj/models/", $($part),*) };
}

/// Eight digits where only the file's name is known to tell them. The four whole digests and sizes are as several
/// projects that pin these files have them, and agree with the names.
pub(crate) const FILES: &[KnownFile] = &[
    torchvision!(
        "vgg19",
        "vgg19-dcbb9e9d.pth",
        "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"
    )
    .bytes(574_673_361),
    torchvision!(
        "vgg16",
        "vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"
    )
    .bytes(553_433_881),
    torchvision!("vgg13", "vgg13-19584684.pth", "19584684"),
    torchvision!("vgg11", "vgg11-8a719046.pth", "8a719046"),
    torchvision!(
        "vgg19_bn",
        "vgg19_bn-c79401a0.pth",
        "c79401a0cf3cb42714e4182f5868c7a6f4f4534f5df9e956e2bb2098de41cbb6"
    )
    .bytes(574_769_405),
    torchvision!(
        "vgg16_bn",
        "vgg16_bn-6c64b313.pth",
        "6c64b3138f2f4fcb3bcc4cafde11619c4f440eb1631787e93a682fd88305888a"
    )
    .bytes(553_507_836),
    torchvision!("vgg13_bn", "vgg13_bn-abd245e5.pth", "abd245e5"),
    torchvision!("vgg11_bn", "vgg11_bn-6002323d.pth", "6002323d"),
    caffe!("vgg19-caffe", "vgg19-d01eb7cb.pth", "d01eb7cb"),
    caffe!("vgg16-caffe", "vgg16-00b39a1b.pth", "00b39a1b"),
];

/// The known file of that name; the name of the file itself will do, too.
pub(crate) fn by_name(name: &str) -> Option<&'static KnownFile> {
    FILES.iter().find(|known| known.name == name || known.file == name)
}

/// The name that is most like this one.
pub(crate) fn nearest(name: &str) -> &'static str {
    let distance = |known: &&KnownFile| strsim::damerau_levenshtein(known.name, name);
    FILES.iter().min_by_key(distance).map_or("vgg19", |known| known.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_name_tells_the_start_of_its_digest() {
        for known in FILES {
            let (_, digits) = known.file.trim_end_matches(".pth").rsplit_once('-').unwrap();
            assert_eq!(digits.len(), 8, "{}", known.file);
            assert!(known.sha256.starts_with(digits), "{}", known.file);
            assert!([8, 64].contains(&known.sha256.len()), "{}", known.file);
            assert!(known.url.starts_with("https://") && known.url.ends_with(known.file), "{}", known.url);
        }
    }

    #[test]
    fn every_name_is_there_once() {
        let mut names: Vec<_> = FILES.iter().flat_map(|known| [known.name, known.file]).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn a_file_is_found_by_its_name_or_by_ours() {
        assert_eq!(by_name("vgg19").unwrap().file, "vgg19-dcbb9e9d.pth");
        assert_eq!(by_name("vgg19-d01eb7cb.pth").unwrap().name, "vgg19-caffe");
        assert_eq!(by_name("vgg20"), None);
        assert_eq!(nearest("vgg19-cafe"), "vgg19-caffe");
    }
}
