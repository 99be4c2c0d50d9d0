//! An ONNX model that is a VGG network: its first convolution, to be spoilt in one place at a time.

use crate::network;
use crate::protobuf::{Node, Tensor, bytes, integer, integers, value_info};

/// A `ModelProto`, its parts separate.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) ir: i64,
    pub(crate) opset: Option<i64>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) input: Option<Vec<u8>>,
    pub(crate) output: Vec<u8>,
}

impl Model {
    /// The smallest model: one node, one tensor; no VGG.
    pub(crate) fn small(nodes: &[Node], tensors: &[Tensor]) -> Self {
        Self {
            ir: 8,
            opset: Some(13),
            nodes: nodes.to_vec(),
            tensors: tensors.to_vec(),
            input: None,
            output: value_info("y", 1, &[2, 2]),
        }
    }

    /// A convolution and a ReLU.
    pub(crate) fn network() -> Self {
        let mut convolution = Node::new("Conv", &["x", "features.0.weight", "features.0.bias"], "a");
        convolution.attributes = vec![
            integers("dilations", &[1, 1]),
            [bytes(1, "group"), integer(3, 1), integer(20, 2)].concat(),
            integers("kernel_shape", &[3, 3]),
            integers("pads", &[1, 1, 1, 1]),
            integers("strides", &[1, 1]),
        ];
        let nodes = [convolution, Node::new("Relu", &["a"], "y")];
        let tensors = [
            Tensor::new("features.0.weight", &network::WEIGHT, network::floats(64 * 27)),
            Tensor::new("features.0.bias", &[64], network::floats(64)),
        ];
        Self {
            input: Some(value_info("x", 1, &[1, 3, 32, 32])),
            output: value_info("y", 1, &[1, 64, 32, 32]),
            ..Self::small(&nodes, &tensors)
        }
    }

    /// With four channels, in half precision: a small file.
    pub(crate) fn narrow() -> Self {
        let mut model = Self::network();
        for (tensor, count) in model.tensors.iter_mut().zip([network::NARROW_COUNT as usize, 4]) {
            tensor.dims[0] = 4;
            (tensor.kind, tensor.raw) = (10, Some(network::halves(count)));
        }
        model.input = Some(value_info("x", 10, &[1, 3, 32, 32]));
        model.output = value_info("y", 10, &[1, 4, 32, 32]);
        model
    }

    pub(crate) fn graph(&self) -> Vec<u8> {
        let mut graph: Vec<u8> = self.nodes.iter().flat_map(|node| bytes(1, node.encoded())).collect();
        graph.extend(bytes(2, "g"));
        graph.extend(self.tensors.iter().flat_map(|tensor| bytes(5, tensor.encoded())));
        graph.extend(self.input.iter().flat_map(|input| bytes(11, input)));
        graph.extend(bytes(12, &self.output));
        graph
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let opset = self.opset.map(|opset| bytes(8, integer(2, opset))).unwrap_or_default();
        [integer(1, self.ir), bytes(7, self.graph()), opset].concat()
    }

    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut model = Self::network();
        change(&mut model);
        model.bytes()
    }
}
