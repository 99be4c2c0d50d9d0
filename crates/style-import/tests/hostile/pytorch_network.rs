//! A PyTorch checkpoint that is a VGG network: its first convolution, to be spoilt in one place at a time.

use crate::network;
use crate::pickle::{View, state_dict};
use crate::zip::{Entry, archive};

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
        (checkpoint.weight.count, checkpoint.bias.count) = (network::NARROW_COUNT as i64, 4);
        for view in [&mut checkpoint.weight, &mut checkpoint.bias] {
            view.storage = "HalfStorage";
        }
        checkpoint.storages = [network::halves(network::NARROW_COUNT), network::halves(4)];
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
