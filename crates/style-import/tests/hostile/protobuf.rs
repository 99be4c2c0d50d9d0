//! The messages of ONNX (`onnx.proto`) that are needed for a model.

#[path = "../common/protobuf.rs"]
mod fields;

pub(crate) use fields::{bytes, integer, varint};

/// `TensorProto`.
#[derive(Clone, Default)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) dims: Vec<i64>,
    /// 1 is f32, 10 is f16.
    pub(crate) kind: i64,
    pub(crate) raw: Option<Vec<u8>>,
    pub(crate) floats: Option<Vec<f32>>,
    /// Further fields.
    pub(crate) more: Vec<u8>,
}

impl Tensor {
    pub(crate) fn new(name: &str, dims: &[i64], raw: impl Into<Option<Vec<u8>>>) -> Self {
        Self { name: name.into(), dims: dims.to_vec(), kind: 1, raw: raw.into(), ..Self::default() }
    }

    /// With its values in another file.
    pub(crate) fn external(name: &str, dims: &[i64], entries: &[(&str, &[u8])]) -> Self {
        let entry = |(key, value): &(&str, &[u8])| bytes(13, [bytes(1, key), bytes(2, value)].concat());
        let entries: Vec<_> = entries.iter().map(entry).collect();
        Self { more: [entries.concat(), integer(14, 1)].concat(), ..Self::new(name, dims, None) }
    }

    pub(crate) fn encoded(&self) -> Vec<u8> {
        let mut message: Vec<u8> = self.dims.iter().flat_map(|&extent| integer(1, extent)).collect();
        message.extend(integer(2, self.kind));
        message.extend(bytes(8, &self.name));
        if let Some(raw) = &self.raw {
            message.extend(bytes(9, raw));
        }
        if let Some(floats) = &self.floats {
            message.extend(bytes(4, floats.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>()));
        }
        message.extend(&self.more);
        message
    }
}

/// `NodeProto`.
#[derive(Clone, Default)]
pub(crate) struct Node {
    pub(crate) kind: &'static str,
    pub(crate) inputs: Vec<&'static str>,
    pub(crate) outputs: Vec<&'static str>,
    pub(crate) name: &'static str,
    pub(crate) domain: &'static str,
    /// `AttributeProto`s.
    pub(crate) attributes: Vec<Vec<u8>>,
}

impl Node {
    pub(crate) fn new(kind: &'static str, inputs: &[&'static str], output: &'static str) -> Self {
        Self { kind, inputs: inputs.to_vec(), outputs: vec![output], name: "n", ..Self::default() }
    }

    pub(crate) fn encoded(&self) -> Vec<u8> {
        let mut message: Vec<u8> = self.inputs.iter().flat_map(|name| bytes(1, name)).collect();
        message.extend(self.outputs.iter().flat_map(|name| bytes(2, name)));
        message.extend(bytes(3, self.name));
        message.extend(bytes(4, self.kind));
        if !self.domain.is_empty() {
            message.extend(bytes(7, self.domain));
        }
        message.extend(self.attributes.iter().flat_map(|attribute| bytes(5, attribute)));
        message
    }
}

/// An attribute of integers.
pub(crate) fn integers(name: &str, values: &[i64]) -> Vec<u8> {
    let values: Vec<_> = values.iter().flat_map(|&value| integer(8, value)).collect();
    [bytes(1, name), values, integer(20, 7)].concat()
}

/// `ValueInfoProto`; 1 is f32, 10 is f16.
pub(crate) fn value_info(name: &str, kind: i64, shape: &[i64]) -> Vec<u8> {
    let dims: Vec<_> = shape.iter().flat_map(|&extent| bytes(1, integer(1, extent))).collect();
    let kind = bytes(1, [integer(1, kind), bytes(2, dims)].concat());
    [bytes(1, name), bytes(2, kind)].concat()
}
