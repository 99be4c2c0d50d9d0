//! Foreign VGG weights into the native weights file, without trusting the file they come in. No tensor library.
//!
//! * [`open`] looks at a PyTorch checkpoint, an ONNX model or a safetensors file and answers with a [`Checkpoint`]:
//!   which network it is, which convolutions it has, by which [`KeyFamily`] they are named. No value has been read by then.
//! * [`Checkpoint::input`] tells which pixels the network wants, and by what [`Evidence`].
//! * [`Checkpoint::write`] converts it, one convolution at a time, and answers with a [`ModelCard`].
//!
//! # Safety of opening a stranger's file
//!
//! A PyTorch checkpoint is a Python program. Nothing here runs it, and a file that would do more than
//! build tensors is refused by the name of what it asks for. Names, shapes, element types and the sum of
//! all bytes are compared with the network and with the file's own length before a tensor is read. No other file is
//! opened, but for ONNX models whose values lie beside them, and then only with [`OpenOptions::external_data`].
//!
//! # Units
//!
//! Reading takes at most twice the file's size and 64 MiB of memory; a whole VGG-19 of 575 MB took 22 MB.
//!
//! # Examples
//!
//! ```no_run
//! use style_import::WriteOptions;
//!
//! let checkpoint = style_import::open("vgg19.pth")?;
//! println!("{} with {} convolutions", checkpoint.architecture(), checkpoint.layers().len());
//! let card = checkpoint.write("vgg19.safetensors", &WriteOptions::default())?;
//! println!("{card}");
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
mod order;
mod output;
mod probe;
#[cfg(test)]
mod probe_tests;
mod recognise;
mod source;
mod storage;
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
