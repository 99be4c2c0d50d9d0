//! Models by hand, byte for byte, so that they can be wrong.

#[path = "../../../tests/common/protobuf.rs"]
mod fields;

pub(super) use fields::{bytes, integer, varint};

pub(super) fn raw_floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A `TensorProto`; `values` are whole fields.
pub(super) fn tensor(name: &str, dims: &[i64], data_type: i64, values: Vec<u8>) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&extent| integer(1, extent)).collect();
    [dims, integer(2, data_type), bytes(8, name), values].concat()
}

/// Floats 0, 1, 2... as `raw_data`.
pub(super) fn counted(name: &str, dims: &[i64]) -> Vec<u8> {
    let values: Vec<f32> = (0..dims.iter().product::<i64>()).map(|value| value as f32).collect();
    tensor(name, dims, 1, bytes(9, raw_floats(&values)))
}

/// A tensor that lies in another file.
pub(super) fn external(name: &str, dims: &[i64], entries: &[(&str, &str)]) -> Vec<u8> {
    let entry = |&(key, value): &(&str, &str)| bytes(13, [bytes(1, key), bytes(2, value)].concat());
    tensor(name, dims, 1, [entries.iter().flat_map(entry).collect(), integer(14, 1)].concat())
}

/// A `NodeProto`.
#[derive(Clone)]
pub(super) struct Op {
    pub(super) operator: String,
    pub(super) domain: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: Vec<(String, Vec<u8>)>,
}

impl Op {
    /// An operation whose result is called like the node.
    pub(super) fn new(operator: &str, inputs: &[&str], output: &str) -> Self {
        Self {
            operator: operator.into(),
            domain: String::new(),
            inputs: inputs.iter().map(|&name| name.into()).collect(),
            outputs: vec![output.into()],
            attributes: Vec::new(),
        }
    }

    pub(super) fn conv(input: &str, weight: &str, bias: &str, output: &str) -> Self {
        Self::new("Conv", &[input, weight, bias], output).integers("pads", &[1; 4])
    }

    pub(super) fn max_pool(input: &str, output: &str) -> Self {
        Self::new("MaxPool", &[input], output).integers("kernel_shape", &[2; 2]).integers("strides", &[2; 2])
    }

    /// Sets an attribute, or sets it anew.
    pub(super) fn set(&mut self, name: &str, fields: Vec<u8>) {
        self.attributes.retain(|(other, _)| other != name);
        self.attributes.push((name.into(), fields));
    }

    pub(super) fn with(mut self, name: &str, fields: Vec<u8>) -> Self {
        self.set(name, fields);
        self
    }

    pub(super) fn integers(self, name: &str, values: &[i64]) -> Self {
        self.with(name, integers(values))
    }

    pub(super) fn integer(self, name: &str, value: i64) -> Self {
        self.with(name, [integer(3, value), integer(20, 2)].concat())
    }

    pub(super) fn float(self, name: &str, value: f32) -> Self {
        self.with(name, [varint(2 << 3 | 5), value.to_le_bytes().to_vec(), integer(20, 1)].concat())
    }

    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.with(name, [bytes(4, value), integer(20, 3)].concat())
    }

    pub(super) fn tensor(self, name: &str, value: Vec<u8>) -> Self {
        self.with(name, [bytes(5, value), integer(20, 4)].concat())
    }

    fn build(&self) -> Vec<u8> {
        let mut node: Vec<u8> = self.inputs.iter().flat_map(|name| bytes(1, name)).collect();
        node.extend(self.outputs.iter().flat_map(|name| bytes(2, name)));
        node.extend(bytes(3, self.outputs.first().cloned().unwrap_or_default()));
        node.extend(bytes(4, &self.operator));
        for (name, fields) in &self.attributes {
            node.extend(bytes(5, [bytes(1, name), fields.clone()].concat()));
        }
        if !self.domain.is_empty() {
            node.extend(bytes(7, &self.domain));
        }
        node
    }
}

/// Fields of an attribute that is a list.
pub(super) fn integers(values: &[i64]) -> Vec<u8> {
    let fields: Vec<u8> = values.iter().flat_map(|&value| integer(8, value)).collect();
    [fields, integer(20, 7)].concat()
}

/// A `ModelProto`.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) version: Option<i64>,
    pub(super) opset: Option<i64>,
    pub(super) nodes: Vec<Op>,
    pub(super) tensors: Vec<Vec<u8>>,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    /// Further fields of the graph.
    pub(super) more_in_graph: Vec<u8>,
    /// Further fields of the model.
    pub(super) more: Vec<u8>,
}

impl Model {
    /// Two convolutions with a pooling between them, and the beginning of a classifier.
    pub(super) fn vgg() -> Self {
        let nodes = vec![
            Op::conv("data", "w0", "b0", "conv0"),
            Op::new("Relu", &["conv0"], "relu0"),
            Op::max_pool("relu0", "pool0"),
            Op::conv("pool0", "w1", "b1", "conv1"),
            Op::new("Relu", &["conv1"], "relu1"),
            Op::new("Flatten", &["relu1"], "y"),
        ];
        let tensors = vec![
            counted("w0", &[2, 3, 3, 3]),
            counted("b0", &[2]),
            counted("w1", &[4, 2, 3, 3]),
            counted("b1", &[4]),
        ];
        Self {
            version: Some(8),
            opset: Some(13),
            nodes,
            tensors,
            inputs: vec!["data".into()],
            outputs: vec!["y".into()],
            more_in_graph: Vec::new(),
            more: Vec::new(),
        }
    }

    /// The node with that result.
    pub(super) fn node(&mut self, output: &str) -> &mut Op {
        let named = |node: &&mut Op| node.outputs.first().is_some_and(|name| name == output);
        self.nodes.iter_mut().find(named).unwrap()
    }

    /// Puts a node behind the one whose result it takes; what took that takes the new one's result.
    pub(super) fn insert(&mut self, node: Op) {
        let input = node.inputs[0].clone();
        let place =
            self.nodes.iter().position(|node| node.outputs.contains(&input)).map_or(0, |place| place + 1);
        for name in self.nodes[place..].iter_mut().flat_map(|node| &mut node.inputs) {
            if *name == input {
                name.clone_from(&node.outputs[0]);
            }
        }
        self.nodes.insert(place, node);
    }

    pub(super) fn build(&self) -> Vec<u8> {
        let mut graph: Vec<u8> = self.nodes.iter().flat_map(|node| bytes(1, node.build())).collect();
        graph.extend(bytes(2, "graph"));
        graph.extend(self.tensors.iter().flat_map(|tensor| bytes(5, tensor)));
        graph.extend(self.inputs.iter().flat_map(|name| bytes(11, bytes(1, name))));
        graph.extend(self.outputs.iter().flat_map(|name| bytes(12, bytes(1, name))));
        graph.extend(&self.more_in_graph);
        let mut model: Vec<u8> = self.version.iter().flat_map(|&version| integer(1, version)).collect();
        model.extend(bytes(7, graph));
        model.extend(self.opset.iter().flat_map(|&version| bytes(8, integer(2, version))));
        model.extend(&self.more);
        model
    }
}
