//! Which network a set of named tensors is.

use std::collections::HashMap;

use pytorch_reader::{DType, Tensor};
use style_format::{Architecture, Convolution};

use crate::error::printable;
use crate::family::Keys;
use crate::{ImportError, KeyFamily};

/// One convolution's tensors, checked against the network and not yet read.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) convolution: Convolution,
    pub(crate) weight: Tensor,
    pub(crate) table: Option<Tensor>,
    pub(crate) bias: Tensor,
}

/// What the tensors turned out to be.
#[derive(Debug)]
pub(crate) struct Recognised {
    pub(crate) family: KeyFamily,
    pub(crate) architecture: Architecture,
    pub(crate) sources: Vec<Source>,
}

pub(crate) const fn dtype_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F64 => "f64",
        DType::F32 => "f32",
        DType::F16 => "f16",
        DType::BF16 => "bf16",
        DType::I64 => "i64",
        DType::I32 => "i32",
        DType::I16 => "i16",
        DType::I8 => "i8",
        DType::U64 => "u64",
        DType::U32 => "u32",
        DType::U16 => "u16",
        DType::U8 => "u8",
        DType::Bool => "bool",
    }
}

/// Finds family and architecture, or the first thing that keeps the tensors from being a VGG network.
pub(crate) fn recognise(tensors: &HashMap<String, Tensor>) -> Result<Recognised, ImportError> {
    let claimed = |family: &KeyFamily| tensors.keys().any(|key| family.claims(key));
    let Some(family) = KeyFamily::ALL.into_iter().find(claimed) else {
        return Err(ImportError::NoConvolutions { found: first_names(tensors) });
    };
    if let Some(key) = first(tensors.keys().filter(|key| family.claims(key) && key.ends_with("running_mean")))
    {
        return Err(ImportError::BatchNorm { key });
    }
    let present = |architecture: &Architecture| {
        family.keys(*architecture).iter().filter(|(_, keys)| tensors.contains_key(&keys.weight)).count()
    };
    // VGG-19 first: a file that stops before the two differ counts as one. If none fits, the one that
    // has more in common with the file explains the difference best.
    let mut candidates = [Architecture::Vgg19, Architecture::Vgg16];
    candidates.sort_by_key(|architecture| std::cmp::Reverse(present(architecture)));
    let mut refusal = None;
    for architecture in candidates {
        match sources(family, architecture, tensors) {
            Ok(sources) => return Ok(Recognised { family, architecture, sources }),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    Err(refusal.unwrap_or_else(|| ImportError::NoConvolutions { found: first_names(tensors) }))
}

/// The leading convolutions of `architecture`, in network order.
fn sources(
    family: KeyFamily,
    architecture: Architecture,
    tensors: &HashMap<String, Tensor>,
) -> Result<Vec<Source>, ImportError> {
    let all = family.keys(architecture);
    let last = all.iter().rposition(|(_, keys)| tensors.contains_key(&keys.weight)).unwrap_or(0);
    let known: Vec<_> = all[..=last].iter().flat_map(|(_, keys)| keys.all()).collect();
    let found =
        all[..=last].iter().map(|(convolution, keys)| source(architecture, *convolution, keys, tensors));
    let found = found.collect::<Result<_, _>>()?;
    let strangers = tensors.keys().filter(|key| family.claims(key) && !known.contains(key));
    match first(strangers) {
        Some(key) => Err(ImportError::Unexpected { key, architecture: architecture.name() }),
        None => Ok(found),
    }
}

fn source(
    architecture: Architecture,
    convolution: Convolution,
    keys: &Keys,
    tensors: &HashMap<String, Tensor>,
) -> Result<Source, ImportError> {
    const FLOATS: &[DType] = &[DType::F32, DType::F16, DType::BF16, DType::F64];
    let architecture = architecture.name();
    let get = |key: &String, expected: &[usize], allowed: &[DType], types: &'static str| {
        let tensor = tensors.get(key).ok_or_else(|| ImportError::Missing {
            convolution: convolution.name(),
            key: key.clone(),
            architecture,
        })?;
        if tensor.shape() != expected {
            let found = tensor.shape().iter().copied().take(8).collect();
            let (key, convolution, expected) = (key.clone(), convolution.name(), expected.to_vec());
            return Err(ImportError::WrongShape { key, found, convolution, architecture, expected });
        }
        if !allowed.contains(&tensor.dtype()) {
            let found = dtype_name(tensor.dtype());
            return Err(ImportError::WrongType { key: key.clone(), found, expected: types });
        }
        Ok(tensor.clone())
    };
    let shape = convolution.weight_shape();
    let floats = "f32, f16, bf16 or f64";
    let weight = match keys.table {
        Some(_) => get(&keys.weight, &shape, &[DType::U8], "u8")?,
        None => get(&keys.weight, &shape, FLOATS, floats)?,
    };
    let table = keys.table.as_ref().map(|key| get(key, &[256], &[DType::F32], "f32")).transpose()?;
    let bias = get(&keys.bias, &[convolution.outputs()], FLOATS, floats)?;
    Ok(Source { convolution, weight, table, bias })
}

fn first<'a>(names: impl Iterator<Item = &'a String>) -> Option<String> {
    names.min().map(|name| printable(name, 80))
}

fn first_names(tensors: &HashMap<String, Tensor>) -> String {
    let mut names: Vec<_> = tensors.keys().collect();
    names.sort();
    let shown: Vec<_> = names.iter().take(3).map(|name| format!("{:?}", printable(name, 40))).collect();
    match names.len() {
        0 => "no tensors".into(),
        count @ 1..=3 => format!("{count} named {}", shown.join(", ")),
        count => format!("{count} tensors, the first named {}", shown.join(", ")),
    }
}
