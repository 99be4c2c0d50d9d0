//! Weights that are published, and where those lie that were fetched.

pub(crate) mod cache;
pub(crate) mod digest;
pub(crate) mod known;

pub(crate) use cache::resolve;
