//! What can be wrong with a native weights file.

use crate::Layer;

/// A weights file that cannot be used, with what was found and what belongs there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The bytes are no safetensors file, or its header is damaged.
    #[error("not a usable safetensors file: {reason}")]
    NotSafetensors {
        /// What is wrong with it.
        reason: String,
    },
    /// The file ends before its last tensor.
    #[error("the file is cut short: its header promises {expected} bytes, there are {found}")]
    Truncated {
        /// Bytes in the file.
        found: u64,
        /// Bytes that the header needs.
        expected: u64,
    },
    /// A safetensors file that is not one of ours.
    #[error("the file's metadata has {found} for `{key}`, expected {expected}")]
    Metadata {
        /// The metadata's key.
        key: &'static str,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// The first convolution that is missing, though a later one is there (or none is).
    #[error("{name} is missing from the {architecture} weights")]
    Missing {
        /// Name of the missing tensor.
        name: String,
        /// The architecture that the metadata names.
        architecture: &'static str,
    },
    /// A tensor that does not belong into the file.
    #[error("unexpected tensor {name:?} in {architecture} weights")]
    Unexpected {
        /// Its name.
        name: String,
        /// The architecture that the metadata names.
        architecture: &'static str,
    },
    /// A tensor of another shape.
    #[error("{name} has shape {found:?}, expected {expected:?}")]
    WrongShape {
        /// Name of the tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that the architecture wants.
        expected: Vec<usize>,
    },
    /// A tensor of another element type.
    #[error("{name} holds {found} values, expected {expected}")]
    WrongType {
        /// Name of the tensor.
        name: String,
        /// Its element type.
        found: String,
        /// The element types that are allowed.
        expected: &'static str,
    },
    /// Values that do not fill the shape.
    #[error("{name} has {found} values, expected {expected}")]
    WrongLength {
        /// Name of the tensor.
        name: String,
        /// Number of values given.
        found: usize,
        /// Number of values that the shape needs.
        expected: usize,
    },
    /// A NaN or an infinity among the weights.
    #[error("{name} holds values that are NaN or infinite")]
    NotFinite {
        /// Name of the tensor.
        name: String,
    },
    /// Bytes that nobody takes.
    #[error("cannot write the weights: {reason}")]
    Write {
        /// What the operating system says.
        reason: String,
    },
    /// A layer that the weights do not reach.
    #[error("cannot cut the weights at {layer}: they hold {available}")]
    CannotCut {
        /// The layer asked for.
        layer: Layer,
        /// The convolutions that are there.
        available: String,
    },
}

impl FormatError {
    /// The next thing to do.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::NotSafetensors { .. } | Self::Metadata { .. } => {
                "convert foreign weights first: style weights import IN -o OUT"
            }
            Self::Truncated { .. } => "fetch or copy the file again",
            Self::Write { .. } => "check that the disk has room and that the folder may be written to",
            Self::CannotCut { .. } => "cut at a layer that the weights hold",
            _ => "make the file again from its source: style weights import IN -o OUT",
        }
    }
}
