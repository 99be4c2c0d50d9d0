//! The VGG network on paper, and its weights in a file. No tensor library, no I/O.
//!
//! * [`Layer`]: the names of the places in the network (`relu4_2`), as the papers write them.
//! * [`Architecture`] and [`Convolution`]: which convolutions VGG-16 and VGG-19 have, with their shapes.
//! * [`PixelTransform`]: which pixels a set of weights was trained on.
//! * [`VggFile`]: the native weights file, a safetensors file with fixed names and metadata.
//!
//! # Reference
//!
//! K. Simonyan and A. Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*,
//! ICLR 2015, table 1 (configurations D and E).

mod architecture;
mod error;
mod file;
mod header;
mod layer;
mod pixels;
mod weights;

pub use architecture::{Architecture, Convolution};
pub use error::FormatError;
pub use file::{FORMAT, FORMAT_VERSION, FileInfo, VggFile};
#[doc(hidden)]
pub use header::{DescribedTensor, SafetensorsHeader};
pub use layer::{Layer, UnknownLayer};
pub use pixels::PixelTransform;
pub use weights::{ConvolutionWeights, Encoding, WeightValues};
