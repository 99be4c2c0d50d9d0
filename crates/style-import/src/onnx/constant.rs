//! From a convolution's input back to the stored tensor that it is.

use std::sync::Arc;

use super::attributes::Operation;
use super::external::{External, Folder, UNASKED};
use super::graph::{Checked, Source};
use super::limits::FOLDED;
use super::model::{Node, Setting};
use super::stored::{Tensor, Values};
use crate::ImportError;
use crate::error::printable;
use crate::source::SourceFile;
use crate::tensor::{Place, StoredTensor};

const IN_ORDER: [usize; 4] = [0, 1, 2, 3];

/// Finds the tensors that a graph's nodes take.
pub(super) struct Constants<'a> {
    graph: &'a Checked<'a>,
    file: &'a Arc<SourceFile>,
    folder: Option<Folder>,
}

impl<'a> Constants<'a> {
    pub(super) fn new(graph: &'a Checked<'a>, file: &'a Arc<SourceFile>, external: External) -> Self {
        let folder = (external == External::InFolder).then(|| Folder::of(file));
        Self { graph, file, folder }
    }

    /// Input `number` of `node`, `[out, in, 3, 3]`.
    pub(super) fn weight(&mut self, node: &Node, number: usize) -> Result<StoredTensor, ImportError> {
        let weight = self.tensor(node, number)?;
        match weight.shape[..] {
            [_, _, 3, 3] => Ok(weight),
            _ => Err(node.error(&format!("has weights of shape {:?}, a VGG has 3x3", weight.shape))),
        }
    }

    /// Input `number` of `node`, `[channels]`.
    pub(super) fn vector(
        &mut self,
        node: &Node,
        number: usize,
        channels: usize,
    ) -> Result<StoredTensor, ImportError> {
        let vector = self.tensor(node, number)?;
        if vector.shape == [channels] {
            return Ok(vector);
        }
        Err(node.error(&format!("has input {number} of shape {:?}, expected [{channels}]", vector.shape)))
    }

    /// Goes back over what only passes a tensor on, or exchanges its axes.
    fn tensor(&mut self, node: &Node, number: usize) -> Result<StoredTensor, ImportError> {
        let missing = || node.error(&format!("has no input {number}"));
        let mut value = node.inputs.get(number).filter(|name| !name.is_empty()).ok_or_else(missing)?;
        let mut axes = IN_ORDER;
        for _ in 0..FOLDED {
            let maker = match self.graph.source(value) {
                Some(Source::Stored(tensor)) => return self.describe(tensor, value, axes),
                Some(Source::Node(maker)) => maker,
                Some(Source::Input) | None => {
                    let value = printable(value, 80);
                    return Err(node.error(&format!("takes {value:?}, which the file does not store")));
                }
            };
            if maker.operator == "Constant" {
                return match maker.attribute("value") {
                    Some(Setting::Tensor(tensor)) => self.describe(tensor, value, axes),
                    _ => Err(maker.error("holds no tensor")),
                };
            }
            match Operation::of(maker) {
                Ok(Operation::Pass) if maker.operator != "Dropout" => {}
                Ok(Operation::Transpose) => {
                    let order = permutation(maker)?;
                    axes = axes.map(|axis| order[axis]);
                }
                _ => return Err(maker.error("computes a weight, instead of the file storing it")),
            }
            value = maker.inputs.first().ok_or_else(|| maker.error("has no input"))?;
        }
        Err(node.error(&format!("takes a weight that more than {FOLDED} nodes pass on")))
    }

    fn describe(
        &mut self,
        tensor: &Tensor,
        value: &str,
        axes: [usize; 4],
    ) -> Result<StoredTensor, ImportError> {
        let name = if tensor.name.is_empty() { value } else { &tensor.name }.to_owned();
        if !tensor.dtype.is_float() {
            let expected = "f32, f16, bf16 or f64";
            return Err(ImportError::WrongType { key: name, found: tensor.dtype.name(), expected });
        }
        let (shape, axes) = match tensor.shape[..] {
            _ if axes == IN_ORDER => (tensor.shape.clone(), None),
            [_, _, _, _] => (axes.map(|axis| tensor.shape[axis]).to_vec(), Some(axes)),
            _ => {
                let reason =
                    format!("{:?} is transposed, and has shape {:?}", printable(&name, 80), tensor.shape);
                return Err(ImportError::damaged(reason));
            }
        };
        let file = Arc::clone(self.file);
        let place = match &tensor.values {
            &Values::Plain(offset) => Place::Plain { file, offset },
            &Values::Varints(span) => Place::Varints { file, offset: span.offset, length: span.length },
            Values::External(reference) => {
                let folder = self.folder.as_mut().ok_or_else(|| reference.error(UNASKED))?;
                let (file, offset) = folder.find(reference)?;
                Place::Plain { file, offset }
            }
            Values::Unread => {
                return Err(ImportError::damaged(format!("{:?} holds no values", printable(&name, 80))));
            }
        };
        Ok(StoredTensor { name, dtype: tensor.dtype, shape, place, axes })
    }
}

/// The axes of a transposition of rank 4.
pub(super) fn permutation(node: &Node) -> Result<[usize; 4], ImportError> {
    let order: &[i64] = match node.attribute("perm") {
        None => &[3, 2, 1, 0],
        Some(Setting::Integers(order)) => order,
        Some(_) => &[],
    };
    let mut axes = [4; 4];
    for (axis, &from) in axes.iter_mut().zip(order) {
        *axis = usize::try_from(from).unwrap_or(4);
    }
    if order.len() == 4 && IN_ORDER.iter().all(|axis| axes.contains(axis)) {
        return Ok(axes);
    }
    Err(node.error(&format!("has the axes {order:?}, expected an order of 0 to 3")))
}
