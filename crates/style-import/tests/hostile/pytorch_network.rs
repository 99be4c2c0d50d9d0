//! A PyTorch checkpoint that is a VGG network: its first convolution, to be spoilt in one place at a time.

use crate::case::{Case, Expect};
use crate::network;
use crate::pickle::{View, state_dict};
use crate::zip::{Entry, archive};
use Expect::{Converted, Harmless, Refused};

#[derive(Clone)]
pub(crate) struct Checkpoint {
    pub(crate) weight: View,
    pub(crate) bias: View,
    /// Further items of the state dict.
    pub(crate) more: Vec<(&'static str, Vec<u8>)>,
    /// The bytes of the storages "0" and "1".
    pub(crate) storages: [Vec<u8>; 2],
    /// Further entries of the archive.
    pub(crate) entries: Vec<Entry>,
}

impl Checkpoint {
    pub(crate) fn new() -> Self {
        let mut weight = View::new(&network::WEIGHT, &[27, 9, 3, 1]);
        weight.count = 64 * 27;
        let mut bias = View::new(&[64], &[1]);
        (bias.count, bias.key) = (64, "1".into());
        let storages = [network::floats(64 * 27), network::floats(64)];
        Self { weight, bias, more: Vec::new(), storages, entries: Vec::new() }
    }

    /// With four channels, in half precision: a small file.
    pub(crate) fn narrow() -> Self {
        let mut checkpoint = Self::new();
        (checkpoint.weight.shape, checkpoint.bias.shape) = (network::NARROW.to_vec(), vec![4]);
        (checkpoint.weight.count, checkpoint.bias.count) = (network::NARROW_COUNT.into(), 4);
        for view in [&mut checkpoint.weight, &mut checkpoint.bias] {
            view.storage = "HalfStorage";
        }
        checkpoint.storages = [network::halves(network::NARROW_COUNT as usize), network::halves(4)];
        checkpoint
    }

    pub(crate) fn pickle(&self) -> Vec<u8> {
        let mut items =
            vec![("features.0.weight", self.weight.pickled()), ("features.0.bias", self.bias.pickled())];
        items.extend(self.more.iter().cloned());
        state_dict(&items)
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = vec![
            Entry::stored("archive/data.pkl", self.pickle()),
            Entry::stored("archive/data/0", &self.storages[0][..]),
            Entry::stored("archive/data/1", &self.storages[1][..]),
            Entry::stored("archive/version", *b"3\n"),
        ];
        entries.extend(self.entries.iter().cloned());
        entries
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        archive(&self.entries())
    }

    /// The good checkpoint with one thing changed.
    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut checkpoint = Self::new();
        change(&mut checkpoint);
        checkpoint.bytes()
    }
}

pub(crate) fn cases() -> Vec<Case> {
    [spoilt(), odd()].into_iter().flatten().collect()
}

/// A whole first convolution, with one thing wrong: nothing else can be the reason for the refusal.
fn spoilt() -> Vec<Case> {
    let vgg = |name: &str, expect, what, change: fn(&mut Checkpoint)| {
        Case::new(name, Checkpoint::with(change), expect, what)
    };
    vec![
        vgg("vgg_nan.pth", Refused("NaN"), "NaN within the weights", |checkpoint| {
            checkpoint.storages[0] = network::floats_with(64 * 27, 777, f32::NAN);
        }),
        vgg("vgg_inf_bias.pth", Refused("infinite"), "infinity within the bias", |checkpoint| {
            checkpoint.storages[1] = network::floats_with(64, 63, f32::NEG_INFINITY);
        }),
        vgg(
            "vgg_stride0.pth",
            Refused(""),
            "stride 0: one value stands for the whole weight",
            |checkpoint| {
                checkpoint.weight.strides = vec![0; 4];
                checkpoint.weight.count = 1;
                checkpoint.storages[0].truncate(4);
            },
        ),
        vgg("vgg_neg_stride.pth", Refused(""), "a stride runs backwards", |checkpoint| {
            checkpoint.weight.strides[0] = -27;
            checkpoint.weight.offset = 63 * 27;
        }),
        vgg("vgg_off_oob.pth", Refused(""), "the view ends behind its storage", |checkpoint| {
            checkpoint.weight.offset = 1;
        }),
        vgg("vgg_off_huge.pth", Refused(""), "offset of 2^63 - 1", |checkpoint| {
            checkpoint.weight.offset = i64::MAX;
        }),
        vgg("vgg_stride_huge.pth", Refused(""), "offset and stride overflow together", |checkpoint| {
            checkpoint.weight.strides[0] = i64::MAX / 2;
        }),
        vgg("vgg_short_storage.pth", Refused(""), "storage of fewer bytes than declared", |checkpoint| {
            checkpoint.storages[0].truncate(64 * 27 * 4 - 1);
        }),
        vgg("vgg_i8.pth", Refused("i8"), "weights are integers", |checkpoint| {
            checkpoint.weight.storage = "CharStorage";
            checkpoint.storages[0] = vec![1; 64 * 27];
        }),
        vgg("vgg_bigendian.pth", Refused("endian"), "big-endian values", |checkpoint| {
            checkpoint.entries.push(Entry::stored("archive/byteorder", *b"big"));
        }),
        vgg(
            "vgg_dupkey.pth",
            Refused("features.0.bias"),
            "the bias twice, with different values",
            |checkpoint| {
                let view = View { key: "0".into(), count: 64 * 27, ..checkpoint.bias.clone() };
                checkpoint.more.push(("features.0.bias", view.pickled()));
            },
        ),
        vgg("vgg_missing_storage.pth", Refused(""), "storage that is not in the archive", |checkpoint| {
            checkpoint.bias.key = "7".into();
        }),
        vgg("vgg_key_traversal.pth", Refused(""), "storage key is a path", |checkpoint| {
            checkpoint.bias.key = "../../../../etc/passwd".into();
        }),
        Case::new("vgg_deflated.pth", deflated(), Refused("compressed"), "storage of zeros, deflated"),
        Case::new("vgg_crc.pth", flipped(), Refused(""), "flipped bit in the weights"),
        Case::new(
            "vgg_length_lies.pth",
            lying_length(),
            Refused(""),
            "the archive states 4 GiB for a storage",
        ),
    ]
}

/// Unusual, but nothing is wrong with them.
fn odd() -> Vec<Case> {
    let vgg = |name: &str, expect, what, change: fn(&mut Checkpoint)| {
        Case::new(name, Checkpoint::with(change), expect, what)
    };
    vec![
        vgg("vgg_good.pth", Converted, "control", |_| ()),
        Case::new("vgg_narrow.pth", Checkpoint::narrow().bytes(), Converted, "narrow, half precision"),
        vgg("vgg_cuda.pth", Converted, "saved on cuda:7", |checkpoint| {
            (checkpoint.weight.device, checkpoint.bias.device) = ("cuda:7", "cuda:7");
        }),
        vgg("vgg_permuted.pth", Converted, "the output channel varies fastest", |checkpoint| {
            checkpoint.weight.strides = vec![1, 64 * 9, 64 * 3, 64];
        }),
        vgg("vgg_shared.pth", Converted, "the bias is a part of the weight's storage", |checkpoint| {
            let view = View { key: "0".into(), count: 64 * 27, offset: 5, ..checkpoint.bias.clone() };
            checkpoint.bias = view;
        }),
        vgg("vgg_slip.pth", Converted, "an entry that lies outside of the archive", |checkpoint| {
            checkpoint.entries.push(Entry::stored("../../../../tmp/PWNED", *b"x"));
        }),
        vgg(
            "vgg_count_lies.pth",
            Harmless,
            "storage declared larger than it is, behind the view's end",
            |checkpoint| {
                checkpoint.weight.count = 1 << 60;
            },
        ),
        vgg("vgg_huge_classifier.pth", Harmless, "8 GiB in a view that is not needed", |checkpoint| {
            let view = View { key: "1".into(), count: 64, ..View::new(&[1 << 31], &[0]) };
            checkpoint.more.push(("classifier.0.weight", view.pickled()));
        }),
        vgg(
            "vgg_control_name.pth",
            Harmless,
            "terminal escape in the name of another tensor",
            |checkpoint| {
                checkpoint.more.push(("\u{1b}[2J\nclassifier", checkpoint.bias.pickled()));
            },
        ),
    ]
}

fn deflated() -> Vec<u8> {
    let mut entries = Checkpoint::new().entries();
    // 64 * 27 floats take 26 copies of 258 bytes and some: 27 are a little more than is wanted.
    entries[1] = Entry::bomb("archive/data/0", &[], &[0], 27);
    archive(&entries)
}

fn flipped() -> Vec<u8> {
    let mut entries = Checkpoint::new().entries();
    entries[1].data[1000] ^= 1;
    archive(&entries)
}

fn lying_length() -> Vec<u8> {
    let mut entries = Checkpoint::new().entries();
    entries[1].length = u32::MAX - 1;
    archive(&entries)
}
