//! What can be wrong with a network, a plan or the slices of a step.

use crate::{Isa, Output};

/// Why the encoder refuses.
///
/// Every message says what was found and what is allowed; nothing has been computed or written when one
/// is returned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A network without a convolution.
    #[error("the network has no convolution; at least one is needed")]
    NoConvolution,

    /// A convolution without channels.
    #[error(
        "convolution {convolution} has {inputs} input and {outputs} output channels; both must be at least 1"
    )]
    NoChannels {
        /// Index of the convolution, from 0.
        convolution: usize,
        /// Its input channels.
        inputs: usize,
        /// Its output channels.
        outputs: usize,
    },

    /// Two neighbours do not fit together.
    #[error("convolution {convolution} takes {found} channels, but the one before it gives {expected}")]
    Channels {
        /// Index of the convolution, from 0.
        convolution: usize,
        /// Its input channels.
        found: usize,
        /// Output channels of the convolution before.
        expected: usize,
    },

    /// A pooling stands before the first convolution.
    #[error("a pooling stands before convolution 0; only later convolutions may have one")]
    PoolingFirst,

    /// This machine does not have the instruction set that was asked for.
    #[error("this machine cannot run {0}; Isa::Auto takes the best it has")]
    IsaUnavailable(Isa),

    /// The name of no instruction set, in the variable `STYLE_KERNELS_ISA` or elsewhere.
    #[error("{0:?} is no instruction set; known are auto, avx512, avx2, neon and portable")]
    UnknownIsa(String),

    /// A plan that would compute nothing.
    #[error("no tap was asked for; at least one is needed")]
    NoTap,

    /// A tap at a convolution that does not exist.
    #[error("there is no convolution {convolution}; the network has 0 to {last}")]
    NoSuchConvolution {
        /// Index that was asked for.
        convolution: usize,
        /// The last index there is.
        last: usize,
    },

    /// An output that the plan was not asked to keep.
    #[error("the plan has no tap for the {output} of convolution {convolution}; ask for it when planning")]
    NotTapped {
        /// Index of the convolution, from 0.
        convolution: usize,
        /// What was asked for.
        output: Output,
    },

    /// A batch, height or width of zero.
    #[error(
        "a batch of {batch} pictures of {width} x {height} px holds nothing; every size must be at least 1"
    )]
    NoPicture {
        /// Pictures in the batch.
        batch: usize,
        /// Height in px.
        height: usize,
        /// Width in px.
        width: usize,
    },

    /// A pooling would leave nothing.
    #[error(
        "a picture of {width} x {height} px is too small: the poolings before convolution {convolution} need at least {least} x {least} px"
    )]
    PictureTooSmall {
        /// Height in px.
        height: usize,
        /// Width in px.
        width: usize,
        /// The convolution that would have no input.
        convolution: usize,
        /// The least height and width in px.
        least: usize,
    },

    /// More memory than can be addressed.
    #[error("a batch of {batch} pictures of {width} x {height} px needs more memory than can be addressed")]
    PictureTooLarge {
        /// Pictures in the batch.
        batch: usize,
        /// Height in px.
        height: usize,
        /// Width in px.
        width: usize,
    },

    /// The memory of a plan could not be had.
    #[error("{bytes} bytes of memory could not be allocated")]
    OutOfMemory {
        /// Size of the one allocation that failed.
        bytes: usize,
    },

    /// A slice of the wrong length.
    #[error("{what} has {found} values; {expected} are needed")]
    Length {
        /// Which slice, for example `the weight of convolution 2`.
        what: String,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
    },

    /// Results or gradients were asked for before a forward pass.
    #[error("nothing has been computed yet; call forward before asking for results or gradients")]
    NotRun,
}

impl KernelError {
    /// Refuses a slice that does not have the expected length.
    pub(crate) fn check_length(
        what: impl FnOnce() -> String,
        found: usize,
        expected: usize,
    ) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Length { what: what(), found, expected }) }
    }
}
