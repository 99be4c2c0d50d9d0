//! Weights that are published, and where those lie that were fetched.

pub(crate) mod cache;
pub(crate) mod digest;
mod foreign;
pub(crate) mod known;

pub(crate) use cache::{is_name, resolve};
pub(crate) use foreign::foreign;
