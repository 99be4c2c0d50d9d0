//! PyTorch's stream of pickles of before 1.6 (`torch.save(.., _use_new_zipfile_serialization=False)`): magic
//! number, version, facts about the machine, the state dict, the storages' keys, and the storages themselves.

use crate::case::{Case, Expect};
use crate::network;
use crate::pickle::{View, dictionary, integer, pickle, state_dict, text};
use crate::pytorch_network::Checkpoint;
use Expect::{Converted, Refused};

/// One stream, its parts separate.
#[derive(Clone)]
pub(crate) struct Legacy {
    pub(crate) magic: Vec<u8>,
    pub(crate) version: Vec<u8>,
    pub(crate) machine: Vec<u8>,
    pub(crate) weight: View,
    pub(crate) bias: View,
    /// Replaces the pickled state dict.
    pub(crate) root: Option<Vec<u8>>,
    pub(crate) keys: Vec<&'static str>,
    /// For each key the number of values it states, and the bytes that follow.
    pub(crate) storages: Vec<(u64, Vec<u8>)>,
    pub(crate) rest: Vec<u8>,
}

impl Legacy {
    /// The first convolution of a narrow VGG network in half precision.
    pub(crate) fn new() -> Self {
        let Checkpoint { mut weight, mut bias, storages: [first, second], .. } = Checkpoint::narrow();
        (weight.legacy, bias.legacy) = (true, true);
        Self {
            magic: pickle(b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"),
            version: pickle(b"M\xe9\x03"),
            machine: machine(b"\x88"),
            weight,
            bias,
            root: None,
            keys: vec!["0", "1"],
            storages: vec![(network::NARROW_COUNT.into(), first), (4, second)],
            rest: Vec::new(),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let items = [("features.0.weight", self.weight.pickled()), ("features.0.bias", self.bias.pickled())];
        let root = self.root.clone().unwrap_or_else(|| state_dict(&items));
        let keys: Vec<_> = self.keys.iter().map(|key| text(key)).collect();
        let keys = pickle(&[b"](", &keys.concat()[..], b"e"].concat());
        let mut bytes = [&self.magic[..], &self.version, &self.machine, &root, &keys].concat();
        for (count, values) in &self.storages {
            bytes.extend(count.to_le_bytes());
            bytes.extend(values);
        }
        bytes.extend(&self.rest);
        bytes
    }

    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut stream = Self::new();
        change(&mut stream);
        stream.bytes()
    }
}

/// Byte order and sizes of the machine that wrote the file.
fn machine(little_endian: &[u8]) -> Vec<u8> {
    let sizes = [("short", 2), ("int", 4), ("long", 4)].map(|(name, size)| (text(name), integer(size)));
    pickle(&dictionary(&[
        (text("protocol_version"), integer(1001)),
        (text("little_endian"), little_endian.to_vec()),
        (text("type_sizes"), dictionary(&sizes)),
    ]))
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, expect, what: &str, change: fn(&mut Legacy)| {
        Case::new(name, Legacy::with(change), expect, what)
    };
    let mut cases = vec![
        case("legacy_good.pth", Converted, "control", |_| ()),
        case("legacy_evil.pth", Refused("os.system"), "a command instead of the state dict", |stream| {
            stream.root = Some(pickle(b"cos\nsystem\n(X\x0b\0\0\0touch PWNEDtR"));
        }),
        case("legacy_evil_magic.pth", Refused(""), "a command instead of the magic number", |stream| {
            stream.magic = pickle(b"cos\nsystem\n(X\x0b\0\0\0touch PWNEDtR");
        }),
        case("legacy_evil_machine.pth", Refused("os.system"), "a command among the facts", |stream| {
            stream.machine = pickle(b"cos\nsystem\n(X\x0b\0\0\0touch PWNEDtR");
        }),
        case("legacy_version.pth", Refused(""), "another version of the protocol", |stream| {
            stream.version = pickle(b"M\xff\xff");
        }),
        case("legacy_bigendian.pth", Refused("endian"), "written on a big-endian machine", |stream| {
            stream.machine = machine(b"\x89");
        }),
        case("legacy_expand.pth", Refused("bytes"), "stride 0: larger than the file", |stream| {
            (stream.weight.shape, stream.weight.strides) = (network::WEIGHT.to_vec(), vec![0; 4]);
            (stream.bias.shape, stream.bias.strides) = (vec![64], vec![0]);
        }),
        case("legacy_off_oob.pth", Refused(""), "the view ends behind its storage", |stream| {
            stream.weight.offset = 1;
        }),
        case(
            "legacy_count_differs.pth",
            Refused(""),
            "a storage states another count than the pickle",
            |stream| {
                stream.storages[0].0 = 5;
            },
        ),
        case("legacy_count_huge.pth", Refused(""), "a storage states 2^64 - 1 values", |stream| {
            stream.storages[0].0 = u64::MAX;
        }),
        case("legacy_both_huge.pth", Refused(""), "pickle and storage agree on 2^62 values", |stream| {
            stream.weight.count = 1 << 62;
            stream.storages[0].0 = 1 << 62;
        }),
        case("legacy_missing_key.pth", Refused(""), "the list of keys is empty", |stream| {
            stream.keys.clear();
        }),
        case("legacy_key_twice.pth", Refused(""), "the list of keys has one twice", |stream| {
            stream.keys = vec!["0", "0", "1"];
        }),
        case(
            "legacy_swapped.pth",
            Refused(""),
            "the storages lie in another order than the keys say",
            |stream| {
                stream.keys.reverse();
            },
        ),
        case("legacy_trailing.pth", Refused(""), "bytes after the last storage", |stream| {
            stream.rest = vec![0; 4096];
        }),
        case("legacy_nan.pth", Refused("NaN"), "NaN within the weights", |stream| {
            stream.storages[0].1[77 * 2 + 1] = 0x7e;
        }),
        case("legacy_deep.pth", Refused(""), "200,000 tuples in one another", |stream| {
            stream.root = Some(pickle(["(".repeat(200_000), "t".repeat(200_000)].concat().as_bytes()));
        }),
        case("legacy_full_precision.pth", Converted, "f32", |stream| {
            (stream.weight.storage, stream.bias.storage) = ("FloatStorage", "FloatStorage");
            stream.storages = vec![
                (network::NARROW_COUNT.into(), network::floats(network::NARROW_COUNT as usize)),
                (4, network::floats(4)),
            ];
        }),
    ];
    let good = Legacy::new().bytes();
    for length in [1, 2, 20, 40, 100, good.len() / 2, good.len() - 1] {
        let name = format!("legacy_trunc_{length}.pth");
        let what = format!("only the first {length} bytes");
        cases.push(Case::new(name, good[..length].to_vec(), Refused(""), what));
    }
    cases
}
