//! `ModelProto` and what is in it, as far as it is wanted.

use super::limits::{INTEGERS, IR_VERSIONS, NODES, OPSETS, TENSORS};
use super::stored::{Tensor, once};
use super::wire::{Span, Value, Wire, within};
use crate::ImportError;
use crate::error::printable;

/// The one graph of a model.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) initializers: Vec<Tensor>,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
}

/// One operation.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) operator: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: Vec<Attribute>,
}

/// A named constant of an operation.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) setting: Setting,
}

#[derive(Debug)]
pub(super) enum Setting {
    Integer(i64),
    Integers(Vec<i64>),
    Float(f32),
    Text(String),
    Tensor(Box<Tensor>),
    /// Of a kind that no operation of a VGG has: a graph, a list of texts.
    Other,
}

impl Graph {
    /// Reads a model, all but the values of its tensors.
    pub(super) fn parse(wire: &mut Wire<'_>) -> Result<Self, ImportError> {
        let (mut version, mut graph, mut opset) = (None, None, None);
        wire.fields(wire.file(), |wire, number, value| match number {
            1 => once(&mut version, value.integer()?, "the version of the format"),
            7 => once(&mut graph, value.bytes()?, "the graph"),
            8 => match OperatorSet::parse(wire, value)? {
                OperatorSet { domain, version } if is_default(&domain) => {
                    once(&mut opset, version, "the version of the operators")
                }
                _ => Ok(()),
            },
            25 => check_function(wire, value),
            _ => Ok(()),
        })?;
        check_version("IR version", version, &IR_VERSIONS)?;
        check_version("operator set", opset, &OPSETS)?;
        let Some(span) = graph else { return Err(ImportError::model("it holds no graph")) };
        let mut graph = Self::default();
        wire.fields(span, |wire, number, value| graph.set(wire, number, value))?;
        Ok(graph)
    }

    fn set(&mut self, wire: &mut Wire<'_>, number: u64, value: Value) -> Result<(), ImportError> {
        match number {
            1 => {
                within("the number of nodes", self.nodes.len() as u64 + 1, NODES)?;
                self.nodes.push(Node::parse(wire, value)?);
            }
            5 => {
                within("the number of stored tensors", self.initializers.len() as u64 + 1, TENSORS)?;
                self.initializers.push(Tensor::parse(wire, value.bytes()?)?);
            }
            11 => self.inputs.push(value_name(wire, value)?),
            12 => self.outputs.push(value_name(wire, value)?),
            15 => return Err(ImportError::model("it has sparse tensors")),
            _ => {}
        }
        Ok(())
    }
}

impl Node {
    fn parse(wire: &mut Wire<'_>, value: Value) -> Result<Self, ImportError> {
        wire.spend(256)?;
        let (mut name, mut operator, mut domain) = (None, None, None);
        let mut node = Self::default();
        wire.fields(value.bytes()?, |wire, number, value| {
            match number {
                1 => node.inputs.push(wire.text(value)?),
                2 => node.outputs.push(wire.text(value)?),
                3 => once(&mut name, wire.text(value)?, "the name of a node")?,
                4 => once(&mut operator, wire.text(value)?, "the operator of a node")?,
                5 => node.attributes.push(Attribute::parse(wire, value)?),
                7 => once(&mut domain, wire.text(value)?, "the domain of a node")?,
                _ => {}
            }
            Ok(())
        })?;
        node.name = name.unwrap_or_default();
        node.operator = operator.unwrap_or_default();
        // A foreign `Conv` is not the one we know: its name says so from here on.
        if let Some(domain) = domain.filter(|domain| !is_default(domain)) {
            node.operator = format!("{domain}.{}", node.operator);
        }
        let mut names: Vec<&str> = node.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(node.error(&format!("has attribute {:?} twice", printable(pair[0], 40))));
        }
        Ok(node)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&Setting> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &attribute.setting)
    }

    /// What is wrong with this node: `reason` goes on after its name.
    pub(super) fn error(&self, reason: &str) -> ImportError {
        let unnamed = || self.outputs.first().map(String::as_str).unwrap_or_default();
        let name = if self.name.is_empty() { unnamed() } else { &self.name };
        ImportError::GraphNode {
            operator: printable(&self.operator, 80),
            node: printable(name, 80),
            reason: printable(reason, 300),
        }
    }
}

impl Attribute {
    fn parse(wire: &mut Wire<'_>, value: Value) -> Result<Self, ImportError> {
        wire.spend(128)?;
        let (mut name, mut kind, mut reference) = (None, None, None);
        let (mut float, mut integer, mut text, mut tensor) = (None, None, None, None);
        let mut integers = Vec::new();
        wire.fields(value.bytes()?, |wire, number, value| match number {
            1 => once(&mut name, wire.text(value)?, "the name of an attribute"),
            2 => once(&mut float, value.float()?, "the value of an attribute"),
            3 => once(&mut integer, value.integer()?, "the value of an attribute"),
            4 => once(&mut text, value.bytes()?, "the value of an attribute"),
            5 => once(&mut tensor, value.bytes()?, "the value of an attribute"),
            8 => wire.integers(value, INTEGERS, &mut integers),
            20 => once(&mut kind, value.integer()?, "the kind of an attribute"),
            21 => once(&mut reference, value.bytes()?, "the reference of an attribute"),
            _ => Ok(()),
        })?;
        let only = |wanted: i64| kind.is_none_or(|kind| kind == wanted) && reference.is_none();
        let setting = match (float, integer, text, tensor) {
            (Some(float), None, None, None) if only(1) => Setting::Float(float),
            (None, Some(integer), None, None) if only(2) => Setting::Integer(integer),
            (None, None, Some(span), None) if only(3) => short_text(wire, span),
            (None, None, None, Some(span)) if only(4) => {
                Setting::Tensor(Box::new(Tensor::parse(wire, span)?))
            }
            // Zero may be left out, and so may a list without entries.
            (None, None, None, None) if kind == Some(1) => Setting::Float(0.0),
            (None, None, None, None) if kind == Some(2) => Setting::Integer(0),
            (None, None, None, None) if only(7) => Setting::Integers(integers),
            _ => Setting::Other,
        };
        Ok(Self { name: name.unwrap_or_default(), setting })
    }
}

/// The text of an attribute: a word like `SAME_UPPER`; what is longer is none that we know.
fn short_text(wire: &mut Wire<'_>, span: Span) -> Setting {
    if span.length > 32 {
        return Setting::Other;
    }
    wire.text(Value::Bytes(span)).map_or(Setting::Other, Setting::Text)
}

struct OperatorSet {
    domain: String,
    version: i64,
}

impl OperatorSet {
    fn parse(wire: &mut Wire<'_>, value: Value) -> Result<Self, ImportError> {
        let (mut domain, mut version) = (None, None);
        wire.fields(value.bytes()?, |wire, number, value| match number {
            1 => once(&mut domain, wire.text(value)?, "the domain of an operator set"),
            2 => once(&mut version, value.integer()?, "the version of an operator set"),
            _ => Ok(()),
        })?;
        Ok(Self { domain: domain.unwrap_or_default(), version: version.unwrap_or_default() })
    }
}

/// Refuses a function of the default domain: it would be what `Conv` means in this model.
fn check_function(wire: &mut Wire<'_>, value: Value) -> Result<(), ImportError> {
    let mut domain = None;
    wire.fields(value.bytes()?, |wire, number, value| match number {
        10 => once(&mut domain, wire.text(value)?, "the domain of a function"),
        _ => Ok(()),
    })?;
    if is_default(&domain.unwrap_or_default()) {
        return Err(ImportError::model("it defines operators of ONNX anew"));
    }
    Ok(())
}

fn check_version(
    what: &str,
    found: Option<i64>,
    allowed: &std::ops::RangeInclusive<i64>,
) -> Result<(), ImportError> {
    let range = format!("{} to {} can be read", allowed.start(), allowed.end());
    match found {
        Some(version) if allowed.contains(&version) => Ok(()),
        Some(version) => Err(ImportError::model(&format!("it is of {what} {version}; {range}"))),
        None => Err(ImportError::model(&format!("it does not say its {what}; {range}"))),
    }
}

/// The name of an input or output, out of its `ValueInfoProto`.
fn value_name(wire: &mut Wire<'_>, value: Value) -> Result<String, ImportError> {
    let mut name = None;
    wire.fields(value.bytes()?, |wire, number, value| match number {
        1 => once(&mut name, wire.text(value)?, "the name of an input"),
        _ => Ok(()),
    })?;
    Ok(name.unwrap_or_default())
}

/// ONNX's own operators, by either of the two names of their domain.
fn is_default(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}
