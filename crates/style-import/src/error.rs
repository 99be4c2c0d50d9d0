//! What can be wrong with a foreign weights file, and what to do about it.

use std::path::{Path, PathBuf};

use style_format::{Encoding, FormatError};

/// Weights that cannot be imported, with what was found and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    // The file cannot be had.
    /// The operating system does not give the file out.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },

    // It is some other file.
    /// No container that weights are read from.
    #[error("no weights: {found}")]
    NotACheckpoint {
        /// What it is instead.
        found: String,
    },
    /// A PyTorch file of a container that is not read.
    #[error(
        "the file is {container}; PyTorch state dicts (zip, or the legacy stream), ONNX models and safetensors files can be read"
    )]
    UnsupportedContainer {
        /// Which container it is.
        container: &'static str,
    },
    /// An exported program instead of weights.
    #[error("the file is a TorchScript archive (it holds {entry:?}), not a state dict")]
    TorchScript {
        /// An entry that only such archives have.
        entry: String,
    },
    /// A pickled module instead of weights.
    #[error("the file is a whole pickled model (of the Python class {class:?}), not a state dict")]
    WholeModel {
        /// The first class it names.
        class: String,
    },

    /// An ONNX model that is not read, or holds no VGG.
    #[error("the ONNX model cannot be used: {reason}")]
    UnsupportedOnnx {
        /// What it has or lacks.
        reason: String,
    },
    /// An operation of an ONNX graph that a plain VGG does not have there.
    #[error("node {node:?} ({operator}) of the ONNX graph {reason}")]
    GraphNode {
        /// Its operator, with the domain where that is not ONNX's own.
        operator: String,
        /// Its name, or that of its result.
        node: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor that lies in another file.
    #[error("tensor {tensor:?} lies in another file, {location:?}: {reason}")]
    ExternalData {
        /// Name of the tensor.
        tensor: String,
        /// The file that it names.
        location: String,
        /// Why that is not read.
        reason: String,
    },

    // It is damaged, or made to do damage.
    /// The file contradicts itself, or ends early.
    #[error("the checkpoint is damaged or cut off: {reason}")]
    Damaged {
        /// What does not fit.
        reason: String,
    },
    /// A call of something that no state dict needs.
    #[error("the file asks Python to load {name:?}, which has no place in a state dict; it was not run")]
    ForbiddenGlobal {
        /// Module and name.
        name: String,
    },
    /// A pickle instruction that PyTorch's own safe loader refuses as well.
    #[error("the file uses pickle instruction {opcode:#04x}, which PyTorch does not allow in a state dict")]
    ForbiddenOpcode {
        /// The instruction's byte.
        opcode: u8,
    },
    /// A compressed entry: its real size cannot be known beforehand.
    #[error("entry {entry:?} is compressed; PyTorch stores entries as they are")]
    Compressed {
        /// Name of the entry.
        entry: String,
    },
    /// More of something than a VGG checkpoint can have.
    #[error("{what} is {found}, at most {limit} is allowed")]
    TooLarge {
        /// What was measured.
        what: &'static str,
        /// Its size.
        found: u64,
        /// The largest that is read.
        limit: u64,
    },

    // The weights are not those of a known network.
    /// No key that is known.
    #[error(
        "no VGG convolution found: the file has {found}, expected names like \"features.0.weight\" or \"conv1_1.weight\""
    )]
    NoConvolutions {
        /// The first names that are there.
        found: String,
    },
    /// More than one set of convolutions, told apart by what stands before their names.
    #[error("the file holds several networks: there are convolutions under {first:?} and under {second:?}")]
    SeveralNetworks {
        /// What stands before the names of one.
        first: String,
        /// What stands before the names of another.
        second: String,
    },
    /// A convolution outside of the chain that takes a picture's three channels, too.
    #[error(
        "{second:?} takes a picture's three channels, and so does {first:?}: one network is wanted, and no layer before it"
    )]
    SecondStart {
        /// The weight of the network's first convolution.
        first: String,
        /// The other weight.
        second: String,
    },
    /// A batch normalisation that no convolution stands before.
    #[error("{key:?} belongs to a batch normalisation, but there is no convolution right before it")]
    StrayNorm {
        /// Name of the tensor.
        key: String,
    },
    /// A part of a module, where the others are there.
    #[error("there is no {key:?}, though other parts of the same module are there")]
    MissingPart {
        /// The key that was looked for.
        key: String,
    },
    /// A chain of convolutions that is no VGG network's.
    #[error(
        "the file has {found}, which is no VGG network: {architecture}, the nearest, has {expected} convolutions in its blocks"
    )]
    UnknownTopology {
        /// The chain in numbers.
        found: String,
        /// The network that fits best.
        architecture: &'static str,
        /// Convolutions in each of its blocks.
        expected: String,
    },
    /// Names that are of no known family, and whose order is anybody's guess.
    #[error("{first:?} and {second:?} differ in more than numbers, which tell the order of the convolutions")]
    UnknownOrder {
        /// The weight of one convolution.
        first: String,
        /// That of another one.
        second: String,
    },
    /// The first tensor that is missing.
    #[error("{convolution} is missing: there is no {key:?}, though the rest looks like {architecture}")]
    Missing {
        /// The convolution.
        convolution: String,
        /// The key that was looked for.
        key: String,
        /// The network that fits best.
        architecture: &'static str,
    },
    /// A tensor among the convolutions that the network does not have.
    #[error("{key:?} does not belong to {architecture}")]
    Unexpected {
        /// Name of the tensor.
        key: String,
        /// The network that fits best.
        architecture: &'static str,
    },
    /// A tensor of another shape.
    #[error("{key:?} has shape {found:?}, {convolution} of {architecture} has {expected:?}")]
    WrongShape {
        /// Name of the tensor.
        key: String,
        /// Its shape (the first eight extents).
        found: Vec<usize>,
        /// The convolution.
        convolution: String,
        /// The network that fits best.
        architecture: &'static str,
        /// The shape that the network wants.
        expected: Vec<usize>,
    },
    /// A tensor of another element type.
    #[error("{key:?} holds {found} values, expected {expected}")]
    WrongType {
        /// Name of the tensor.
        key: String,
        /// Its element type.
        found: &'static str,
        /// The element types that are allowed.
        expected: &'static str,
    },
    /// Tensors that the file is too short for.
    #[error("the convolutions take {needed} bytes, but the whole file has {found}")]
    LargerThanFile {
        /// Bytes of all tensors that would be read.
        needed: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// A NaN or an infinity among the weights.
    #[error("{key:?} holds values that are NaN or infinite")]
    NotFinite {
        /// Name of the tensor.
        key: String,
    },

    // What was asked for cannot be done with these weights.
    /// A value beyond what the encoding can hold.
    #[error("{key:?} holds values too large for {}", encoding.name())]
    DoesNotFit {
        /// Name of the tensor.
        key: String,
        /// The encoding asked for.
        encoding: Encoding,
    },
    /// The native file refuses the weights, for example because the cut lies beyond them.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The photograph that the weights are tried on cannot be run through them.
    #[error("the weights cannot be tried on a photograph: {0}")]
    Kernel(#[from] style_kernels::KernelError),

    // The result cannot be stored.
    /// The output file cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        reason: String,
    },
}

impl ImportError {
    /// The next thing to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "check the path and that it may be read",
            Self::NotACheckpoint { .. } | Self::Damaged { .. } | Self::LargerThanFile { .. } => {
                "fetch the file again and compare its size and SHA-256 with the publisher's"
            }
            Self::UnsupportedContainer { .. } => {
                "save it again with a current PyTorch, where it was made: torch.save(model.state_dict(), OUT)"
            }
            Self::Compressed { .. } => {
                "save it again with a current PyTorch: torch.save(torch.load(IN, weights_only=True), OUT)"
            }
            Self::ForbiddenOpcode { .. } => {
                "save it again with PyTorch's own pickle protocol, where it was made: torch.save(model.state_dict(), OUT)"
            }
            Self::TorchScript { .. } => {
                "save the weights alone: torch.save(torch.jit.load(IN).state_dict(), OUT)"
            }
            Self::WholeModel { .. } => {
                "save the weights alone, where the model was made: torch.save(model.state_dict(), OUT)"
            }
            Self::UnsupportedOnnx { .. } => {
                "export the network again with operators of ONNX alone: torch.onnx.export(model, (image,), OUT, opset_version=18)"
            }
            Self::GraphNode { .. } => {
                "give a plain VGG whose convolutions follow each other, in its form for inference, or its weights as a state dict"
            }
            Self::ExternalData { .. } => {
                "save the model as one file: onnx.save_model(onnx.load(IN), OUT); or, if you trust it, allow files of its own folder"
            }
            Self::ForbiddenGlobal { .. } => {
                "ask its publisher for a plain state dict; do not load this file in Python unless you trust it"
            }
            Self::TooLarge { .. } => {
                "give a VGG network alone, at most twice as wide as in the paper: torch.save(model.state_dict(), OUT)"
            }
            Self::SeveralNetworks { .. } => "save the state dict of one of them alone",
            Self::SecondStart { .. } => {
                "save the VGG's state dict alone; fold a convolution that changes the colours into its first one"
            }
            Self::UnknownOrder { .. } => {
                "name the convolutions by block and number: conv1_1.weight, conv1_1.bias, conv1_2.weight, ..."
            }
            Self::NoConvolutions { .. }
            | Self::StrayNorm { .. }
            | Self::MissingPart { .. }
            | Self::UnknownTopology { .. }
            | Self::Missing { .. }
            | Self::Unexpected { .. }
            | Self::WrongShape { .. }
            | Self::WrongType { .. } => {
                "give the weights of a VGG-11, 13, 16 or 19, for example torchvision's state dict"
            }
            Self::NotFinite { .. } => "these weights are broken: use another file",
            Self::DoesNotFit { encoding: Encoding::F16, .. } => "choose the encoding f32 or bf16",
            Self::DoesNotFit { .. } => "choose the encoding f32",
            Self::Format(error) => error.help(),
            Self::Kernel(_) => "free some memory, and leave the variable STYLE_KERNELS_ISA unset",
            Self::Output { .. } => "choose an output file in a folder that exists and may be written to",
        }
    }

    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), reason: error.to_string() }
    }

    /// A tensor among the convolutions that no network has.
    pub(crate) fn unexpected(key: &str) -> Self {
        Self::Unexpected { key: printable(key, 80), architecture: "any VGG network" }
    }

    pub(crate) fn output(path: &Path, reason: String) -> Self {
        Self::Output { path: path.to_owned(), reason }
    }

    /// What an ONNX model has or lacks as a whole.
    pub(crate) fn model(reason: &str) -> Self {
        Self::UnsupportedOnnx { reason: printable(reason, 300) }
    }

    pub(crate) fn damaged(reason: impl std::fmt::Display) -> Self {
        Self::Damaged { reason: printable(&reason.to_string(), 300) }
    }
}

/// The start of a text out of a file, without what a terminal would obey.
pub(crate) fn printable(text: &str, length: usize) -> String {
    text.chars().take(length).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
