//! The network as the graph computes it: from the picture on, one layer after the other.

use style_format::Pooling;

use super::attributes::Operation;
use super::constant::{Constants, permutation};
use super::graph::Checked;
use super::limits::CONVOLUTIONS;
use super::model::{Node, Setting};
use super::wire::within;
use crate::ImportError;
use crate::error::printable;
use crate::network::{At, Norm, Stage};

/// Batch, channels, height, width: the order in which everything computes.
const NCHW: [usize; 4] = [0, 1, 2, 3];
/// The transposition of NCHW that gives NHWC, and the way back.
const TO_NHWC: [usize; 4] = [0, 2, 3, 1];
const TO_NCHW: [usize; 4] = [0, 3, 1, 2];

/// What the graph held.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) stages: Vec<Stage>,
    pub(super) pooling: Option<Pooling>,
}

/// The last thing that was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Picture,
    Convolution,
    Normalization,
    Relu,
    Pooling,
}

/// A walk along the graph.
struct Walk<'a> {
    graph: &'a Checked<'a>,
    constants: Constants<'a>,
    chain: Chain,
    last: Last,
    /// Axis `i` of the present value is axis `axes[i]` of NCHW, or of the picture as it comes in.
    axes: [usize; 4],
}

/// Follows the picture to the last convolution's ReLU.
pub(super) fn follow<'a>(graph: &'a Checked<'a>, constants: Constants<'a>) -> Result<Chain, ImportError> {
    let mut walk = Walk { graph, constants, chain: Chain::default(), last: Last::Picture, axes: NCHW };
    let mut value = graph.image();
    while let Some(node) = walk.next(value)? {
        walk.step(node, value)?;
        value = node.outputs.first().ok_or_else(|| node.error("has no output"))?;
    }
    if walk.chain.stages.is_empty() {
        return Err(ImportError::model("no convolution takes its picture"));
    }
    Ok(walk.chain)
}

impl<'a> Walk<'a> {
    /// The node that carries on: the one with convolutions behind it, and then what belongs to the last one.
    fn next(&self, value: &str) -> Result<Option<&'a Node>, ImportError> {
        let users: Vec<_> = self.graph.users(value).collect();
        let behind: Vec<&Node> =
            users.iter().filter(|(_, leads_on)| *leads_on).map(|(node, _)| *node).collect();
        match (&behind[..], self.last) {
            (&[node], _) => Ok(Some(node)),
            (&[node, other, ..], _) => {
                let (name, operator) = (printable(&other.name, 80), printable(&other.operator, 80));
                let reason = format!("shares its input with {name:?} ({operator}): a VGG has no branches");
                Err(node.error(&reason))
            }
            ([], Last::Picture | Last::Relu | Last::Pooling) => Ok(None),
            ([], Last::Convolution | Last::Normalization) => {
                self.activation(users.iter().map(|(node, _)| *node))
            }
        }
    }

    /// The node that leads to the ReLU of the last convolution.
    fn activation(&self, users: impl Iterator<Item = &'a Node>) -> Result<Option<&'a Node>, ImportError> {
        let nodes: Vec<&Node> = users.collect();
        let named = |operator: &str| nodes.iter().find(|node| node.operator == operator).copied();
        let node = match nodes[..] {
            [node] => Some(node),
            _ => named("Relu").or_else(|| named("BatchNormalization")),
        };
        let count = self.chain.stages.len();
        let missing = || ImportError::model(&format!("no ReLU follows convolution number {count}"));
        node.map(Some).ok_or_else(missing)
    }

    fn step(&mut self, node: &'a Node, value: &str) -> Result<(), ImportError> {
        let operation = Operation::of(node)?;
        let takes = node.inputs.iter().filter(|name| *name == value).count();
        if takes != 1 || node.inputs.first().is_none_or(|name| name != value) {
            return Err(node.error("takes the features in a place where weights belong"));
        }
        let extra = node.outputs.iter().skip(1).filter(|name| !name.is_empty());
        if extra.flat_map(|name| self.graph.users(name)).any(|(_, leads_on)| leads_on) {
            return Err(node.error("has a second result, which a convolution takes"));
        }
        self.check_order(node, operation)?;
        match operation {
            Operation::Convolution => self.convolve(node),
            Operation::Normalization => self.normalize(node),
            Operation::Relu => {
                self.last = Last::Relu;
                Ok(())
            }
            Operation::MaxPool => self.pool(node, Pooling::Max),
            Operation::AveragePool => self.pool(node, Pooling::Average),
            Operation::Transpose => self.transpose(node),
            Operation::Pass => Ok(()),
        }
    }

    /// A convolution, perhaps a normalisation, a ReLU, perhaps a pooling.
    fn check_order(&self, node: &Node, operation: Operation) -> Result<(), ImportError> {
        let allowed: &[Last] = match operation {
            Operation::Convolution => &[Last::Picture, Last::Relu, Last::Pooling],
            Operation::Normalization => &[Last::Convolution],
            Operation::Relu => &[Last::Convolution, Last::Normalization],
            Operation::MaxPool | Operation::AveragePool => &[Last::Relu],
            Operation::Transpose | Operation::Pass => return Ok(()),
        };
        if !allowed.contains(&self.last) {
            return Err(node.error(&format!("follows {}, as in no VGG", self.last.name())));
        }
        // Whatever a picture's axes were, what the first convolution takes is NCHW.
        let ordered = self.axes == NCHW || self.last == Last::Picture;
        if operation != Operation::Relu && !ordered {
            return Err(node.error("takes features whose axes were exchanged"));
        }
        Ok(())
    }

    fn convolve(&mut self, node: &Node) -> Result<(), ImportError> {
        within("the number of convolutions", self.chain.stages.len() as u64 + 1, CONVOLUTIONS)?;
        check_inputs(node, 2..=3)?;
        let weight = self.constants.weight(node, 1)?;
        let bias = match node.inputs.get(2) {
            Some(name) if !name.is_empty() => Some(self.constants.vector(node, 2, weight.shape[0])?),
            _ => None,
        };
        let at = At::Followed { pooled: self.last == Last::Pooling };
        self.chain.stages.push(Stage { at, weight, table: None, bias, norm: None });
        (self.last, self.axes) = (Last::Convolution, NCHW);
        Ok(())
    }

    fn normalize(&mut self, node: &Node) -> Result<(), ImportError> {
        check_inputs(node, 5..=5)?;
        let epsilon = match node.attribute("epsilon") {
            None => 1e-5,
            Some(&Setting::Float(epsilon)) if epsilon.is_finite() && epsilon >= 0.0 => f64::from(epsilon),
            Some(other) => return Err(node.error(&format!("has the epsilon {other:?}"))),
        };
        if let Some(stage) = self.chain.stages.last_mut() {
            let channels = stage.weight.shape[0];
            let mut input = |number| self.constants.vector(node, number, channels);
            let (scale, shift, mean, variance) = (input(1)?, input(2)?, input(3)?, input(4)?);
            stage.norm = Some(Norm { scale, shift, mean, variance, epsilon });
        }
        self.last = Last::Normalization;
        Ok(())
    }

    fn pool(&mut self, node: &Node, pooling: Pooling) -> Result<(), ImportError> {
        if self.chain.pooling.is_some_and(|other| other != pooling) {
            return Err(node.error("is of another kind than the poolings before it"));
        }
        self.chain.pooling = Some(pooling);
        self.last = Last::Pooling;
        Ok(())
    }

    /// A picture may come in as NHWC, and features may be NHWC for a while, as tf2onnx writes it.
    fn transpose(&mut self, node: &Node) -> Result<(), ImportError> {
        let order = permutation(node)?;
        self.axes = order.map(|axis| self.axes[axis]);
        let other = if self.last == Last::Picture { TO_NCHW } else { TO_NHWC };
        if self.axes == NCHW || self.axes == other {
            return Ok(());
        }
        Err(node.error(&format!("orders the axes as {order:?}, which makes neither NCHW nor NHWC")))
    }
}

impl Last {
    const fn name(self) -> &'static str {
        match self {
            Self::Picture => "the picture",
            Self::Convolution => "a convolution without a ReLU",
            Self::Normalization => "a batch normalisation",
            Self::Relu => "a ReLU",
            Self::Pooling => "a pooling",
        }
    }
}

fn check_inputs(node: &Node, allowed: std::ops::RangeInclusive<usize>) -> Result<(), ImportError> {
    let count = node.inputs.len();
    if allowed.contains(&count) { Ok(()) } else { Err(node.error(&format!("has {count} inputs"))) }
}
