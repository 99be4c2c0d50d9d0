//! ONNX models: the network is what the graph computes, whatever its tensors are called.
//!
//! The graph is read without its weights, checked as a whole and followed from the picture on; the answer
//! says in which file and at which offset each tensor lies. What was looked up in onnx 1.23 (`onnx.proto`
//! and its operator schemas): field numbers, element types, attributes and their defaults.

mod attributes;
mod chain;
mod constant;
mod detect;
mod external;
mod graph;
mod limits;
mod model;
mod stored;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use crate::network::Found;
use crate::source::SourceFile;
use crate::{ImportError, KeyFamily};

pub(crate) use detect::looks_like_onnx;
pub(crate) use external::External;

/// The VGG network of an ONNX model. No weight is read.
pub(crate) fn read(file: &Arc<SourceFile>, external: External) -> Result<Found, ImportError> {
    let graph = model::Graph::parse(&mut wire::Wire::new(file))?;
    external::check(&graph, external)?;
    let graph = graph::Checked::new(&graph)?;
    let chain = chain::follow(&graph, constant::Constants::new(&graph, file, external))?;
    Ok(Found { family: KeyFamily::Graph, stages: chain.stages, pooling: chain.pooling })
}
