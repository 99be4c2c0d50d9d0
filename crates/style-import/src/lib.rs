//! Foreign VGG weights into the native weights file, without trusting the file they come in. No tensors.
//!
//! * [`open`] looks at a PyTorch checkpoint and answers with a [`Checkpoint`]: which network it is, which
//!   convolutions it has, by which [`KeyFamily`] they are named. No tensor has been read by then.
//! * [`Checkpoint::write`] converts it, one convolution at a time, and answers with a [`Summary`].
//!
//! # Safety of opening a stranger's file
//!
//! A PyTorch checkpoint is a Python program. Nothing here runs it, and a file that would do more than
//! build tensors is refused by the name of what it asks for. Names, shapes, element types and the sum of
//! all bytes are compared with the network and with the file's own length before a tensor is read.
//!
//! # Examples
//!
//! ```no_run
//! use style_import::WriteOptions;
//!
//! let checkpoint = style_import::open("vgg19.pth")?;
//! println!("{} with {} convolutions", checkpoint.architecture(), checkpoint.layers().len());
//! let summary = checkpoint.write("vgg19.safetensors", &WriteOptions::default())?;
//! println!("{summary}");
//! # Ok::<(), style_import::ImportError>(())
//! ```

mod card;
mod checkpoint;
mod codebook;
mod container;
mod error;
mod family;
mod first_filters;
mod input;
mod known;
mod map;
mod naming;
mod network;
mod onnx;
mod output;
mod pickle;
mod probe;
#[cfg(test)]
mod probe_tests;
mod recognise;
mod source;
mod tensor;
mod values;
mod write;

pub use card::{LayerCard, ModelCard, ResultCard, SourceCard};
pub use checkpoint::{Checkpoint, Container, FoundConvolution, OpenOptions, open};
pub use error::ImportError;
pub use family::KeyFamily;
pub use input::{Evidence, Input, Warning};
pub use probe::Clue;
pub use write::WriteOptions;
