//! The most that is kept of a graph. A VGG has some hundred nodes with three names each; what is beyond
//! these numbers is another network, or made to fill the memory.

/// Nodes of the graph.
pub(super) const NODES: u64 = 50_000;

/// Stored tensors, in the list of initialisers or in `Constant` nodes.
pub(super) const TENSORS: u64 = 50_000;

/// Convolutions that follow each other: VGG-19 has 16.
pub(super) const CONVOLUTIONS: u64 = 64;

/// Nodes between a stored tensor and the convolution that takes it.
pub(super) const FOLDED: usize = 8;

/// Bytes of a name.
pub(super) const TEXT: u64 = 1024;

/// Integers in an attribute.
pub(super) const INTEGERS: usize = 64;

/// Axes of a tensor.
pub(super) const RANK: usize = 16;

/// Files of external data that are open at the same time.
pub(super) const FILES: usize = 128;

/// Bytes of everything that is kept, tables included.
pub(super) const MEMORY: u64 = 32 << 20;

/// Versions of the file format: 3 is the oldest with operator sets, 14 the one of onnx 1.23.
pub(super) const IR_VERSIONS: std::ops::RangeInclusive<i64> = 3..=14;

/// Versions of the default operators: with 7, batch normalisation became what it is; 28 is onnx 1.23.
pub(super) const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;
