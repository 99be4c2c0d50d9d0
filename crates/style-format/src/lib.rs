//! The VGG network on paper, and its weights in a file. No tensor library, no I/O.
//!
//! * [`Layer`]: the names of the places in the network (`relu4_2`), as the papers write them.
//! * [`Architecture`] and [`Convolution`]: which convolutions VGG-11 to VGG-19 have, with their shapes.
//! * [`PixelTransform`]: which pixels a set of weights was trained on.
//! * [`Pooling`]: what stands between blocks.
//! * [`VggFile`]: the native weights file, a safetensors file with fixed names and metadata.
//!
//! # Reference
//!
//! K. Simonyan and A. Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*,
//! ICLR 2015, table 1 (configurations A, B, D and E).

mod architecture;
mod error;
mod file;
mod header;
mod layer;
mod pixels;
mod pooling;
mod read;
mod weights;
mod write;

pub use architecture::{Architecture, Convolution};
pub use error::FormatError;
pub use file::{FORMAT, FORMAT_VERSION, FileInfo, VggFile};
#[doc(hidden)]
pub use header::{DescribedTensor, SafetensorsHeader};
pub use layer::{Layer, UnknownLayer};
pub use pixels::PixelTransform;
pub use pooling::Pooling;
pub use weights::{ConvolutionWeights, Encoding, WeightValues};
pub use write::VggFileWriter;
