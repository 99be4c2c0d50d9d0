//! Who makes a value and who uses it, and whether that makes sense.

use std::collections::HashMap;

use super::model::{Graph, Node};
use super::stored::Tensor;
use crate::ImportError;
use crate::error::printable;

/// What a value comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    Input,
    Stored(&'a Tensor),
    Node(&'a Node),
}

/// A graph in which every value is made once, before it is used.
pub(super) struct Checked<'a> {
    sources: HashMap<&'a str, Source<'a>>,
    /// Numbers of the nodes that take a value, in order, each once.
    users: HashMap<&'a str, Vec<usize>>,
    nodes: &'a [Node],
    /// For every node, whether a convolution lies behind it, or it is one.
    leads_on: Vec<bool>,
    image: &'a str,
}

impl<'a> Checked<'a> {
    pub(super) fn new(graph: &'a Graph) -> Result<Self, ImportError> {
        let mut checked = Self {
            sources: HashMap::new(),
            users: HashMap::new(),
            nodes: &graph.nodes,
            leads_on: vec![false; graph.nodes.len()],
            image: "",
        };
        let images = checked.start(graph)?;
        for (number, node) in graph.nodes.iter().enumerate() {
            checked.add(number, node)?;
        }
        if let Some(name) = graph.outputs.iter().find(|name| !checked.sources.contains_key(name.as_str())) {
            let name = printable(name, 80);
            return Err(ImportError::damaged(format!("output {name:?} of the graph is never computed")));
        }
        checked.image = only_image(&images)?;
        checked.look_ahead();
        Ok(checked)
    }

    /// Notes stored tensors and inputs; the answer is the inputs that are not stored. Up to version 3 of the
    /// format, stored tensors are inputs too.
    fn start(&mut self, graph: &'a Graph) -> Result<Vec<&'a str>, ImportError> {
        for tensor in &graph.initializers {
            self.define(&tensor.name, Source::Stored(tensor))?;
        }
        let mut images = Vec::new();
        for name in &graph.inputs {
            if !matches!(self.sources.get(name.as_str()), Some(Source::Stored(_))) {
                self.define(name, Source::Input)?;
                images.push(name.as_str());
            }
        }
        Ok(images)
    }

    fn add(&mut self, number: usize, node: &'a Node) -> Result<(), ImportError> {
        for name in node.inputs.iter().filter(|name| !name.is_empty()) {
            if !self.sources.contains_key(name.as_str()) {
                let later = self.nodes[number..].iter().any(|node| node.outputs.contains(name));
                let how = if later {
                    "which is computed later (a cycle, or nodes out of order)"
                } else {
                    "which nothing computes"
                };
                return Err(node.error(&format!("takes {:?}, {how}", printable(name, 80))));
            }
            let users = self.users.entry(name).or_default();
            if users.last() != Some(&number) {
                users.push(number);
            }
        }
        for name in node.outputs.iter().filter(|name| !name.is_empty()) {
            self.define(name, Source::Node(node))?;
        }
        Ok(())
    }

    fn define(&mut self, name: &'a str, source: Source<'a>) -> Result<(), ImportError> {
        if name.is_empty() {
            return Err(ImportError::damaged("a value of the graph has no name"));
        }
        if self.sources.insert(name, source).is_none() {
            return Ok(());
        }
        let name = printable(name, 80);
        Err(ImportError::damaged(format!("two values of the graph are called {name:?}")))
    }

    /// Every node's users come after it, so one pass from the end is enough.
    fn look_ahead(&mut self) {
        for (number, node) in self.nodes.iter().enumerate().rev() {
            let users = node.outputs.iter().filter_map(|name| self.users.get(name.as_str())).flatten();
            let leads_on =
                node.operator.contains("Conv") || users.into_iter().any(|&user| self.leads_on[user]);
            self.leads_on[number] = leads_on;
        }
    }

    /// The value that the picture comes in as.
    pub(super) const fn image(&self) -> &'a str {
        self.image
    }

    pub(super) fn source(&self, value: &str) -> Option<Source<'a>> {
        self.sources.get(value).copied()
    }

    /// The nodes that take a value, and whether a convolution lies behind each.
    pub(super) fn users(&self, value: &str) -> impl Iterator<Item = (&'a Node, bool)> {
        let numbers = self.users.get(value).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().map(|&number| (&self.nodes[number], self.leads_on[number]))
    }
}

fn only_image<'a>(images: &[&'a str]) -> Result<&'a str, ImportError> {
    match images {
        [image] => Ok(image),
        [] => Err(ImportError::model("its graph has no input for a picture")),
        [first, second, ..] => {
            let [first, second] = [first, second].map(|name| printable(name, 80));
            let reason = format!("its graph wants more than a picture: {first:?} and {second:?}");
            Err(ImportError::model(&reason))
        }
    }
}
