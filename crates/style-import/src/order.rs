//! Convolutions of no known family of names, in the order that the names tell.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::error::printable;
use crate::naming::{first_names, is_weight, refuse_stray_norms};
use crate::network::{At, Found, Stage};
use crate::tensor::StoredTensor;
use crate::{ImportError, KeyFamily};

/// Convolutions by the order of their names, whatever they are called.
pub(crate) fn stages(tensors: Vec<StoredTensor>) -> Result<Found, ImportError> {
    let shown = first_names(&tensors);
    let mut all: BTreeMap<String, StoredTensor> = tensors.into_iter().map(|t| (t.name.clone(), t)).collect();
    let is_convolution = |tensor: &StoredTensor| {
        tensor.shape.len() == 4 && tensor.shape[2..] == [3, 3] && tensor.name.ends_with("weight")
    };
    let mut names: Vec<_> = all.values().filter(|t| is_convolution(t)).map(|t| t.name.clone()).collect();
    let between = |t: &&StoredTensor| {
        is_weight(t) && !is_convolution(t) && names.iter().any(|n| natural(&t.name, n).is_lt())
    };
    if let Some(tensor) = all.values().find(between) {
        return Err(ImportError::unexpected(&tensor.name));
    }
    let first_takes_colours = |names: &[String]| names.first().is_some_and(|name| all[name].shape[1] == 3);
    names.sort_by(|a, b| natural(a, b));
    if !first_takes_colours(&names) {
        return Err(ImportError::NoConvolutions { found: shown });
    }
    if let Some((first, second)) = names.iter().zip(&names[1..]).find(|(a, b)| pattern(a) != pattern(b)) {
        let [first, second] = [first, second].map(|name| printable(name, 80));
        return Err(ImportError::UnknownOrder { first, second });
    }
    let mut stages = Vec::new();
    for name in names {
        let bias = format!("{}bias", name.trim_end_matches("weight"));
        let (weight, bias) = (all.remove(&name), all.remove(&bias));
        stages.extend(weight.map(|weight| Stage { at: At::Ordered, weight, table: None, bias, norm: None }));
    }
    refuse_stray_norms(&all.into_values().collect::<Vec<_>>())?;
    Ok(Found { family: KeyFamily::Ordered, stages, pooling: None })
}

/// A name without what counts: numbers, and letters that stand alone, as in `conv1a`. Words tell no order.
fn pattern(name: &str) -> String {
    let kind = |c: &char| (c.is_ascii_digit(), c.is_alphabetic());
    let characters: Vec<char> = name.chars().collect();
    let run = |run: &[char]| match run {
        [digit, ..] if digit.is_ascii_digit() => "#".to_owned(),
        [letter] if letter.is_alphabetic() => "@".to_owned(),
        other => other.iter().collect(),
    };
    characters.chunk_by(|a, b| kind(a) == kind(b)).map(run).collect()
}

/// Compares names with their numbers counted as numbers: `conv2` before `conv10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let [digits_a, digits_b] = [a, b].map(|text| text.bytes().take_while(u8::is_ascii_digit).count());
        if digits_a > 0 && digits_b > 0 {
            let [number_a, number_b] =
                [&a[..digits_a], &b[..digits_b]].map(|digits| digits.trim_start_matches('0'));
            let order = number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (&a[digits_a..], &b[digits_b..]);
            continue;
        }
        let [mut rest_a, mut rest_b] = [a.chars(), b.chars()];
        match (rest_a.next(), rest_b.next()) {
            (None, None) => return Ordering::Equal,
            (first, second) if first != second => return first.cmp(&second),
            _ => (a, b) = (rest_a.as_str(), rest_b.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_counted() {
        let mut names = ["conv10_w", "conv2_w", "conv02_x", "a", "conv2_a"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "conv2_a", "conv2_w", "conv02_x", "conv10_w"]);
    }
}
