//! A network as a reader found it: its convolutions in order, none of them read yet.

use style_format::Pooling;

use crate::KeyFamily;
use crate::tensor::StoredTensor;

/// What a container holds of a VGG network, before anybody knows which one it is.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) family: KeyFamily,
    /// In the order of computation.
    pub(crate) stages: Vec<Stage>,
    /// What stands between blocks, where the file says so.
    pub(crate) pooling: Option<Pooling>,
}

/// One convolution and what belongs to it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) at: At,
    /// `[out, in, 3, 3]`, floats, or indices into `table`.
    pub(crate) weight: StoredTensor,
    /// 256 floats.
    pub(crate) table: Option<StoredTensor>,
    /// `[out]`; none means zeros.
    pub(crate) bias: Option<StoredTensor>,
    pub(crate) norm: Option<Norm>,
}

/// What a file says about a convolution's place in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Block and number within it, both from 1: `conv3_4`.
    Named(usize, usize),
    /// The module's number in a sequence that counts every module, pooling too: `features.16`.
    Module(usize),
    /// Whether a pooling was met since the convolution before: a graph that was followed.
    Followed { pooled: bool },
    /// Nothing but the order.
    Ordered,
}

/// A batch normalisation with its statistics frozen: `(x - mean) / sqrt(variance + epsilon) * scale + shift`.
#[derive(Debug)]
pub(crate) struct Norm {
    pub(crate) scale: StoredTensor,
    pub(crate) shift: StoredTensor,
    pub(crate) mean: StoredTensor,
    pub(crate) variance: StoredTensor,
    pub(crate) epsilon: f64,
}

impl Norm {
    /// Scale, shift, mean and variance, `[out]` each.
    pub(crate) fn tensors(&self) -> [&StoredTensor; 4] {
        [&self.scale, &self.shift, &self.mean, &self.variance]
    }
}
