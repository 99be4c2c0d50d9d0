//! Files that were made to do harm: none of them may stop the program, hang it, take memory that the file
//! does not account for, or be taken for a network that it is not.
//!
//! Every file is read in a process of its own under a memory limit, which is this program run again.

#![cfg(unix)] // limits are set by the shell
#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

mod case;
mod corpus;
mod legacy;
mod mutations;
mod mutator;
mod network;
mod onnx;
mod onnx_network;
mod paths;
mod pickle;
mod process;
mod protobuf;
mod pytorch;
mod pytorch_network;
mod safetensors;
mod seeds;
#[path = "../common/zip.rs"]
mod zip;
