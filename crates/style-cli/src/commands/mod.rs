//! What the program does, one module for each subcommand.

pub(crate) mod completions;
pub(crate) mod devices;
pub(crate) mod doctor;
pub(crate) mod man;
pub(crate) mod presets;
mod stdout;
pub(crate) mod weights;
