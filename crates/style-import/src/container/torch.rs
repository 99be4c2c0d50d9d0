//! What PyTorch's pickles say about tensors: the few calls that a state dict is made of.
//!
//! # Reference
//!
//! PyTorch's `torch/serialization.py` (`persistent_id`) and `torch/_utils.py` (`_rebuild_tensor_v2`) give the
//! order of the fields that are taken apart here.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::unpickle::{Heap, Id, Value, refuse};
use super::{MOST_TENSORS, check_name};
use crate::ImportError;
use crate::error::printable;
use crate::storage::{self, View};
use crate::tensor::{DType, Place, StoredTensor};

/// No weight of a convolution or of a linear layer has more axes.
const LARGEST_RANK: usize = 8;

/// Dictionaries within dictionaries; that of a training checkpoint has five or so.
const DEEPEST: usize = 32;

/// A training checkpoint has some hundred values.
const MOST_VALUES: usize = 1 << 16;

/// A storage as the pickle describes it.
#[derive(Debug)]
pub(super) struct Storage {
    /// A text of at most 256 characters. Its number: a file may name one storage ever so often.
    pub(super) key: Id,
    dtype: DType,
    /// Bytes of one value.
    size: u64,
    /// Number of values.
    pub(super) values: u64,
    /// Early legacy files describe a part of a storage: where it begins, and where it ends.
    part: (u64, u64),
}

impl Storage {
    /// Bytes of all values.
    pub(super) fn byte_len(&self) -> Result<u64, ImportError> {
        self.values.checked_mul(self.size).ok_or_else(|| refuse("the size of a storage overflows"))
    }

    /// Compares the bytes that are described with those that are there.
    pub(super) fn check_length(&self, key: &str, found: u64) -> Result<(), ImportError> {
        let described = self.byte_len()?;
        if described <= found {
            return Ok(());
        }
        Err(ImportError::damaged(format!("its storage {key:?} has {found} bytes, {described} are described")))
    }
}

#[derive(Debug)]
pub(super) struct Tensor {
    storage: Id,
    offset: u64,
    shape: Vec<usize>,
    strides: Vec<u64>,
}

/// Element type of a storage's class, and the bytes of one value.
fn element(class: &str) -> Option<(DType, u64)> {
    Some(match class.strip_prefix("torch.")? {
        "DoubleStorage" => (DType::F64, 8),
        "FloatStorage" => (DType::F32, 4),
        "HalfStorage" => (DType::F16, 2),
        "BFloat16Storage" => (DType::Bf16, 2),
        "ByteStorage" => (DType::U8, 1),
        "LongStorage" => (DType::Other("i64"), 8),
        "IntStorage" => (DType::Other("i32"), 4),
        "ShortStorage" => (DType::Other("i16"), 2),
        "CharStorage" => (DType::Other("i8"), 1),
        "BoolStorage" => (DType::Other("bool"), 1),
        "storage.UntypedStorage" => (DType::Other("untyped"), 1),
        _ => return None,
    })
}

/// Takes apart what a pickle refers to outside of itself: `("storage", class, key, device, length, part)`.
pub(super) fn storage(heap: &Heap<'_>, id: Id) -> Result<Storage, ImportError> {
    let invalid = || refuse("a storage is not described as PyTorch does");
    let [tag, class, key, _device, length, part @ ..] = heap.items(id).ok_or_else(invalid)? else {
        return Err(invalid());
    };
    if !matches!(heap.get(*tag), Value::Text(tag) if tag == "storage") {
        return Err(invalid());
    }
    let Value::Global(class) = heap.get(*class) else { return Err(invalid()) };
    let (dtype, size) = element(class).ok_or_else(invalid)?;
    check_name(&heap.key(*key).ok_or_else(invalid)?)?;
    let values = natural(heap, *length)?;
    let part = match part.first().and_then(|&part| heap.items(part)) {
        None => (0, values),
        Some(&[_key, start, length]) => {
            let start = natural(heap, start)?;
            let end = start.checked_add(natural(heap, length)?).filter(|&end| end <= values);
            (start, end.ok_or_else(|| refuse("a part of a storage is larger than the whole"))?)
        }
        Some(_) => return Err(invalid()),
    };
    let storage = Storage { key: *key, dtype, size, values, part };
    storage.byte_len()?;
    Ok(storage)
}

/// What Python would answer with if it called `function`, as far as tensors depend on it.
pub(super) fn call(heap: &mut Heap<'_>, function: Id, arguments: Id) -> Result<Id, ImportError> {
    let Value::Global(name) = heap.get(function) else {
        return Err(refuse(&format!("{} is called", heap.kind(function))));
    };
    let items = heap.items(arguments).ok_or_else(|| refuse("a call has no arguments"))?;
    let value = match (name.as_str(), items) {
        ("collections.OrderedDict", []) => Value::Dict(Vec::new()),
        ("collections.OrderedDict", &[pairs]) => Value::Pairs(pairs),
        ("torch.Size", &[size]) => return Ok(size),
        ("torch._utils._rebuild_parameter", &[data, ..]) => return Ok(data),
        (
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2",
            &[storage, offset, shape, strides, ref rest @ ..],
        ) => {
            check_metadata(heap, rest)?;
            Value::Tensor(Box::new(tensor(heap, storage, [offset, shape, strides])?))
        }
        ("torch.device", _) => Value::Other,
        _ => {
            let name = printable(name, 80);
            return Err(refuse(&format!("{name} is called with {} arguments", items.len())));
        }
    };
    Ok(heap.add(value))
}

/// After `requires_grad` and hooks, a tensor may be marked as the negative of what is stored.
fn check_metadata(heap: &Heap<'_>, rest: &[Id]) -> Result<(), ImportError> {
    match rest.get(2).map(|&metadata| heap.get(metadata)) {
        None | Some(Value::Other) => Ok(()),
        Some(Value::Dict(marks)) if marks.is_empty() => Ok(()),
        Some(_) => Err(refuse("a tensor is marked as something other than what is stored")),
    }
}

fn tensor(heap: &Heap<'_>, storage: Id, [offset, shape, strides]: [Id; 3]) -> Result<Tensor, ImportError> {
    let Value::Storage(whole) = heap.get(storage) else {
        return Err(refuse(&format!("a tensor is made of {}", heap.kind(storage))));
    };
    let (start, end) = whole.part;
    let offset = natural(heap, offset)?.checked_add(start);
    let extents = numbers(heap, shape)?;
    let strides = numbers(heap, strides)?;
    if extents.len() != strides.len() {
        return Err(refuse("a tensor has more axes than strides, or fewer"));
    }
    let shape = extents.iter().map(|&extent| usize::try_from(extent)).collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| refuse("an extent of a tensor is too large"))?;
    let reach = storage::reach(&shape, &strides);
    let last = offset.zip(reach).and_then(|(offset, reach)| offset.checked_add(reach));
    let tensor = Tensor { storage, offset: offset.unwrap_or(0), shape, strides };
    if last.is_none_or(|last| last > end) {
        let Tensor { shape, strides, offset, .. } = tensor;
        let what = format!("shape {shape:?} with strides {strides:?} at {offset}");
        return Err(refuse(&format!("a tensor of {what} leaves its storage of {end} values")));
    }
    Ok(tensor)
}

fn numbers(heap: &Heap<'_>, id: Id) -> Result<Vec<u64>, ImportError> {
    let items = heap.items(id).ok_or_else(|| refuse("a shape is no tuple"))?;
    if items.len() > LARGEST_RANK {
        let (found, limit) = (items.len() as u64, LARGEST_RANK as u64);
        return Err(ImportError::TooLarge { what: "the number of a tensor's axes", found, limit });
    }
    items.iter().map(|&item| natural(heap, item)).collect()
}

fn natural(heap: &Heap<'_>, id: Id) -> Result<u64, ImportError> {
    let number = heap.integer(id).and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| refuse("an offset, extent or stride of a tensor is no natural number"))
}

/// All tensors in the dictionaries under `root`, in the order of the file, named by their keys and the
/// dots between them; `locate` knows where the storage of a key lies.
pub(super) fn tensors(
    heap: &Heap<'_>,
    root: Id,
    mut locate: impl FnMut(&str, &Storage) -> Result<Arc<storage::Storage>, ImportError>,
) -> Result<Vec<StoredTensor>, ImportError> {
    if !matches!(heap.get(root), Value::Dict(_) | Value::Pairs(_)) {
        return Err(ImportError::damaged(format!("it holds {} instead of a dict", heap.kind(root))));
    }
    let mut search = Search { heap, path: Vec::new(), visited: 0, found: Vec::new() };
    search.visit(root)?;
    let mut names = HashSet::new();
    let mut tensors = Vec::new();
    for (name, tensor) in search.found {
        check_name(&name)?;
        if !names.insert(name.clone()) {
            return Err(ImportError::damaged(format!("two tensors are named {name:?}")));
        }
        let Value::Storage(described) = heap.get(tensor.storage) else { continue };
        let key = heap.key(described.key).unwrap_or_default();
        let view = View {
            storage: locate(&key, described)?,
            offset: tensor.offset,
            strides: tensor.strides.clone(),
        };
        let (dtype, shape) = (described.dtype, tensor.shape.clone());
        tensors.push(StoredTensor { name, dtype, shape, place: Place::Storage(view), axes: None });
    }
    Ok(tensors)
}

struct Search<'a> {
    heap: &'a Heap<'a>,
    path: Vec<Cow<'a, str>>,
    visited: usize,
    found: Vec<(String, &'a Tensor)>,
}

impl<'a> Search<'a> {
    fn visit(&mut self, id: Id) -> Result<(), ImportError> {
        self.visited += 1;
        if self.visited > MOST_VALUES || self.path.len() > DEEPEST {
            return Err(refuse("dicts and lists hold each other over and over"));
        }
        let heap = self.heap;
        match heap.get(id) {
            Value::Tensor(tensor) => self.add(tensor),
            Value::Dict(pairs) => pairs.iter().try_for_each(|&(key, value)| self.enter(heap.key(key), value)),
            Value::Pairs(list) => {
                let invalid = || refuse("a dict is made of what are no pairs");
                heap.items(*list).ok_or_else(invalid)?.iter().try_for_each(|&pair| match heap.items(pair) {
                    Some(&[key, value]) => self.enter(heap.key(key), value),
                    _ => Err(invalid()),
                })
            }
            Value::Tuple(items) | Value::List(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(place, &item)| self.enter(Some(place.to_string().into()), item)),
            _ => Ok(()),
        }
    }

    fn enter(&mut self, key: Option<Cow<'a, str>>, value: Id) -> Result<(), ImportError> {
        self.path.push(key.unwrap_or("?".into()));
        self.visit(value)?;
        self.path.pop();
        Ok(())
    }

    fn add(&mut self, tensor: &'a Tensor) -> Result<(), ImportError> {
        let found = self.found.len() as u64 + 1;
        if found > MOST_TENSORS {
            return Err(ImportError::TooLarge { what: "the number of tensors", found, limit: MOST_TENSORS });
        }
        // Before they are joined: a name may be as long as the pickle, and used for every tensor.
        for part in &self.path {
            check_name(part)?;
        }
        self.found.push((self.path.join("."), tensor));
        Ok(())
    }
}

#[cfg(test)]
#[path = "torch_tests.rs"]
mod tests;
