//! The network as the caller describes it.

use std::fmt;
use std::str::FromStr;

use crate::KernelError;

/// One frozen 3 x 3 convolution, stride 1, one pixel of padding, with the ReLU that follows it.
#[derive(Debug, Clone, Copy)]
pub struct Convolution<'a> {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// The weight `[outputs, inputs, 3, 3]`, row-major; a cross-correlation as in PyTorch.
    pub weight: &'a [f32],
    /// The bias `[outputs]`.
    pub bias: &'a [f32],
    /// Whether a 2 x 2 pooling with stride 2 stands before it; odd rows and columns at the end are dropped.
    pub pooled: bool,
}

/// What shrinks feature maps (2 x 2, stride 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pooling {
    /// The largest of four; its gradient goes to the first largest in row order.
    #[default]
    Max,
    /// The mean of four.
    Average,
    /// The root of the sum of four squares, `torch.nn.LPPool2d(2, 2)`. Each of the four gets `value / norm` of its
    /// gradient, and none where the norm is 0.
    L2,
}

/// What stands around the picture for the first convolution. All others are zero-padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Padding {
    /// Zeros, after the pixel transform.
    #[default]
    Zero,
    /// The edge pixels repeated.
    Replicate,
    /// The picture mirrored at the middle of its edge pixels, which are not repeated; a picture one pixel wide or
    /// high has nothing to mirror there and repeats it.
    Reflect,
}

impl Padding {
    /// Which of `size` pixels in a line stand before its first and after its last one; `None` for zeros.
    pub(crate) const fn around(self, size: usize) -> Option<[usize; 2]> {
        match (self, size) {
            (Self::Zero, _) => None,
            (Self::Reflect, 2..) => Some([1, size - 2]),
            (Self::Replicate | Self::Reflect, _) => Some([0, size - 1]),
        }
    }
}

/// How convolutions after the first are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// Winograd's minimal filtering, F(6 x 6, 3 x 3) for maps from about 40 positions each way on and
    /// F(4 x 4, 3 x 3) for smaller ones: a fifth or a quarter of the multiplications, relative error of a layer
    /// 1e-6 to 2e-6.
    ///
    /// # Reference
    ///
    /// Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4; Winograd
    /// 1980, "Arithmetic Complexity of Computations".
    #[default]
    Winograd,
    /// The sum as it is written: relative error of a layer about 2e-7, two to three times slower.
    Direct,
}

/// Which instructions compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Isa {
    /// What the environment variable `STYLE_KERNELS_ISA` says (`avx512`, `avx2`, `neon`, `portable`), otherwise the
    /// best this machine has.
    #[default]
    Auto,
    /// AVX-512 (F, VL, BW, DQ).
    Avx512,
    /// AVX2 with FMA.
    Avx2,
    /// NEON of 64-bit ARM.
    Neon,
    /// Plain Rust, on every machine.
    Portable,
}

impl Isa {
    /// The variable that may narrow [`Isa::Auto`].
    const VARIABLE: &str = "STYLE_KERNELS_ISA";

    /// The same, with `Auto` narrowed by the environment.
    pub(crate) fn or_environment(self) -> Result<Self, KernelError> {
        match std::env::var_os(Self::VARIABLE) {
            Some(name) if self == Self::Auto && !name.is_empty() => name.to_string_lossy().parse(),
            _ => Ok(self),
        }
    }
}

/// Reads `auto`, `avx512`, `avx2`, `neon` or `portable`; anything else is [`KernelError::UnknownIsa`].
impl FromStr for Isa {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        match name {
            "auto" => Ok(Self::Auto),
            "avx512" => Ok(Self::Avx512),
            "avx2" => Ok(Self::Avx2),
            "neon" => Ok(Self::Neon),
            "portable" => Ok(Self::Portable),
            other => Err(KernelError::UnknownIsa(other.into())),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Avx512 => "AVX-512",
            Self::Avx2 => "AVX2 with FMA",
            Self::Neon => "NEON",
            Self::Portable => "portable",
        })
    }
}

/// Everything about an encoder that is not a weight.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// What shrinks feature maps.
    pub pooling: Pooling,
    /// What stands around the picture.
    pub padding: Padding,
    /// How convolutions are computed.
    pub algorithm: Algorithm,
    /// Which instructions compute.
    pub isa: Isa,
    /// Factor of every input channel, applied before padding; empty means ones.
    pub scale: Vec<f32>,
    /// Offset of every input channel, added after the factor; empty means zeros.
    pub shift: Vec<f32>,
}
