//! The good files that mutations and fuzzing start from: a few kilobytes each.

use std::fs;
use std::path::{Path, PathBuf};

use style_format::{
    Architecture, ConvolutionWeights, Encoding, FileInfo, PixelTransform, Pooling, VggFile, WeightValues,
};

use crate::legacy::{self, Legacy};
use crate::network::value;
use crate::onnx;
use crate::onnx_network::Model;
use crate::pytorch;
use crate::pytorch_network::Checkpoint;
use crate::safetensors::{self, Network};
use crate::zip::{Entry, archive};

/// Larger ones would make ten thousand rounds long.
const LARGEST: u64 = 100_000;

/// What every PyTorch stream of before 1.6 starts with.
const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    PytorchZip,
    PytorchLegacy,
    Safetensors,
    Onnx,
    /// The file that the importer writes.
    Native,
}

impl Format {
    pub(crate) const ALL: [Self; 5] =
        [Self::PytorchZip, Self::PytorchLegacy, Self::Safetensors, Self::Onnx, Self::Native];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PytorchZip => "pytorch_zip",
            Self::PytorchLegacy => "pytorch_legacy",
            Self::Safetensors => "safetensors",
            Self::Onnx => "onnx",
            Self::Native => "native",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The format's good files: those made here, and the fixtures that are small enough.
    pub(crate) fn seeds(self) -> Vec<Vec<u8>> {
        let mut seeds = match self {
            Self::PytorchZip => vec![Checkpoint::narrow().bytes(), without_checksums()],
            Self::PytorchLegacy => vec![Legacy::new().bytes()],
            Self::Safetensors => vec![Network::narrow().bytes()],
            Self::Onnx => vec![Model::narrow().bytes()],
            Self::Native => Encoding::ALL.into_iter().map(native).collect(),
        };
        let mut paths = Vec::new();
        find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), &mut paths);
        paths.sort();
        for path in paths {
            let bytes = fs::read(&path).unwrap();
            if self.owns(&path, &bytes) {
                seeds.push(bytes);
            }
        }
        seeds
    }

    fn owns(self, path: &Path, bytes: &[u8]) -> bool {
        let extension = path.extension().unwrap_or_default();
        match self {
            Self::PytorchZip => bytes.starts_with(b"PK"),
            Self::PytorchLegacy => bytes.starts_with(LEGACY),
            Self::Safetensors => extension == "safetensors",
            Self::Onnx => extension == "onnx",
            Self::Native => false,
        }
    }
}

/// PyTorch writes zeros where it is told to compute no checksums; then changes get further.
fn without_checksums() -> Vec<u8> {
    let entries = Checkpoint::narrow().entries().into_iter();
    archive(&entries.map(|entry| Entry { crc: 0, ..entry }).collect::<Vec<_>>())
}

/// All small files below a folder.
fn find(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            find(&entry.path(), paths);
        } else if metadata.len() <= LARGEST {
            paths.push(entry.path());
        }
    }
}

/// A network of two narrow convolutions.
fn native(encoding: Encoding) -> Vec<u8> {
    let info = FileInfo {
        architecture: Architecture::Vgg19,
        input: PixelTransform::TorchRgb01,
        pooling: Some(Pooling::Max),
        source: "a test".into(),
        source_sha256: String::new(),
        licence: String::new(),
    };
    let convolutions = info.architecture.convolutions_with_outputs(&[2, 3]);
    let weights = convolutions.into_iter().map(|convolution| {
        let count = convolution.weight_shape().iter().product::<usize>();
        let floats = || (0..count).map(value);
        let weight = match encoding {
            Encoding::F32 => WeightValues::F32(floats().collect()),
            Encoding::F16 => WeightValues::F16(floats().map(half::f16::from_f32).collect()),
            Encoding::Bf16 => WeightValues::Bf16(floats().map(half::bf16::from_f32).collect()),
            Encoding::Codebook => WeightValues::Codebook {
                indices: (0..count).map(|place| (place * 37) as u8).collect(),
                table: Box::new(std::array::from_fn(value)),
            },
        };
        let bias = (0..convolution.outputs()).map(value).collect();
        ConvolutionWeights::new(convolution, weight, bias).unwrap()
    });
    VggFile::new(info, weights.collect()).unwrap().to_bytes().unwrap()
}

/// Writes good files and small hostile ones into a folder per format below the one that a variable names;
/// `fuzz/run` starts from them.
#[test]
#[ignore = "a tool, not a test"]
fn write_seeds() {
    let Some(folder) = std::env::var_os("HOSTILE_SEEDS") else { return };
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    };
    for format in Format::ALL {
        for (place, seed) in format.seeds().iter().enumerate() {
            write(format.name(), &format!("seed_{place}"), seed);
        }
    }
    write("pytorch_pickle", "seed", &Checkpoint::narrow().pickle());
    let cases = [pytorch::cases(), legacy::cases(), safetensors::cases(), onnx::cases()];
    for case in cases.into_iter().flatten().filter(|case| case.bytes.len() <= 16_384) {
        let format = match case.name.rsplit('.').next() {
            Some("onnx") => Format::Onnx,
            Some("safetensors") => Format::Safetensors,
            _ if case.bytes.starts_with(b"PK") => Format::PytorchZip,
            _ => Format::PytorchLegacy,
        };
        write(format.name(), &case.name, &case.bytes);
        if let Some(pickle) = first_entry(&case.bytes) {
            write("pytorch_pickle", &case.name, pickle);
        }
    }
}

/// The contents of an archive's first entry, which is the pickle wherever there is one.
fn first_entry(archive: &[u8]) -> Option<&[u8]> {
    const START: usize = 30 + "archive/data.pkl".len();
    let header = archive.get(..START).filter(|header| header.ends_with(b"/data.pkl"))?;
    let length = u32::from_le_bytes(header[18..22].try_into().unwrap());
    archive.get(START..START + length as usize)
}
