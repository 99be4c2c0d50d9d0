//! What a plan gives out, and what it takes in again.

use std::fmt;

/// One of the things that can be read at a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// Mean and Gram matrix of the ReLU's output.
    Statistics,
    /// The ReLU's output itself.
    Features,
    /// The convolution's output before the ReLU.
    PreActivation,
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Statistics => "statistics",
            Self::Features => "feature map",
            Self::PreActivation => "map before the ReLU",
        })
    }
}

/// A place to read: a convolution (counted from 0) and what of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tap {
    /// Index of the convolution, from 0.
    pub convolution: usize,
    /// What to read there.
    pub output: Output,
}

impl Tap {
    /// Mean and Gram matrix of the ReLU after that convolution.
    #[must_use]
    pub const fn statistics(convolution: usize) -> Self {
        Self { convolution, output: Output::Statistics }
    }

    /// The feature map after that convolution and its ReLU.
    #[must_use]
    pub const fn features(convolution: usize) -> Self {
        Self { convolution, output: Output::Features }
    }

    /// The map after that convolution, before its ReLU.
    #[must_use]
    pub const fn pre_activation(convolution: usize) -> Self {
        Self { convolution, output: Output::PreActivation }
    }
}

/// The derivative of a loss with respect to something a tap gave.
///
/// Several derivatives for the same thing are not added up: the last one counts.
#[derive(Debug, Clone, Copy)]
pub enum Derivative<'a> {
    /// With respect to the Gram matrices; needs [`Output::Statistics`].
    Gram {
        /// Index of the convolution, from 0.
        convolution: usize,
        /// `[batch, C, C]`; need not be symmetric.
        values: &'a [f32],
    },
    /// With respect to the means; needs [`Output::Statistics`].
    Mean {
        /// Index of the convolution, from 0.
        convolution: usize,
        /// `[batch, C]`.
        values: &'a [f32],
    },
    /// With respect to the feature map; needs [`Output::Features`].
    Features {
        /// Index of the convolution, from 0.
        convolution: usize,
        /// `[batch, C, height, width]`.
        values: &'a [f32],
    },
    /// With respect to the map before the ReLU; needs [`Output::PreActivation`].
    PreActivation {
        /// Index of the convolution, from 0.
        convolution: usize,
        /// `[batch, C, height, width]`.
        values: &'a [f32],
    },
}

impl Derivative<'_> {
    /// The tap it belongs to.
    #[must_use]
    pub const fn tap(&self) -> Tap {
        match *self {
            Self::Gram { convolution, .. } | Self::Mean { convolution, .. } => Tap::statistics(convolution),
            Self::Features { convolution, .. } => Tap::features(convolution),
            Self::PreActivation { convolution, .. } => Tap::pre_activation(convolution),
        }
    }
}
