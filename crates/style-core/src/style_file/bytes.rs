//! The style file as bytes.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use style_format::Layer;

use super::{StyleFile, StyleLayer, StyleScale};
use crate::Error;

const FORMAT: &str = "style-transfer.style";
const VERSION: &str = "1";

/// Largest file that is read: sixteen layers at a hundred scales have less.
const LARGEST: usize = 1 << 30;

/// Mean and Gram matrix of every layer, as far as they were found.
type Found = BTreeMap<Layer, [Option<Vec<f32>>; 2]>;

impl StyleFile {
    /// The file's bytes.
    ///
    /// # Errors
    ///
    /// [`Error::StyleFile`] when they cannot be put together.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let mut tensors = Vec::new();
        for scale in &self.scales {
            for StyleLayer { layer, mean, gram } in &scale.layers {
                tensors.push((format!("{}.{layer}.mean", scale.side), mean.len(), bytes(mean)));
                tensors.push((format!("{}.{layer}.gram", scale.side), gram.len(), bytes(gram)));
            }
        }
        let views = tensors
            .iter()
            .map(|(name, length, data)| Ok((name, TensorView::new(Dtype::F32, vec![*length], data)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let metadata = HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("version".to_owned(), VERSION.to_owned()),
            ("network".to_owned(), self.network.clone()),
            ("about".to_owned(), self.about.clone()),
        ]);
        views
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|error| wrong(error.to_string()))
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    ///
    /// [`Error::StyleFile`] says what is wrong with them.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > LARGEST {
            return Err(wrong(format!("it has {} bytes, at most {LARGEST} are read", bytes.len())));
        }
        let broken =
            |error: safetensors::SafeTensorError| wrong(format!("it is no safetensors file: {error}"));
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let metadata = header.metadata().as_ref();
        let text = |key: &str| metadata.and_then(|entries| entries.get(key)).cloned().unwrap_or_default();
        for (key, expected) in [("format", FORMAT), ("version", VERSION)] {
            if text(key) != expected {
                return Err(wrong(format!("its {key} is {:?}, expected {expected:?}", text(key))));
            }
        }
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let mut scales: BTreeMap<usize, Found> = BTreeMap::new();
        for (name, view) in file.iter() {
            let (side, layer, which) = parse_name(name)?;
            let values = values(name, &view)?;
            scales.entry(side).or_default().entry(layer).or_default()[which] = Some(values);
        }
        let scales =
            scales.into_iter().map(|(side, layers)| scale(side, layers)).collect::<Result<Vec<_>, _>>()?;
        let read = Self { network: text("network"), about: text("about"), scales };
        let layers = read.layers();
        let same = |scale: &StyleScale| scale.layers.iter().map(|at| at.layer).eq(layers.iter().copied());
        if layers.is_empty() || !read.scales.iter().all(same) {
            return Err(wrong("its sizes do not all have the same layers, at least one".into()));
        }
        Ok(read)
    }
}

fn wrong(reason: String) -> Error {
    Error::StyleFile { reason }
}

/// `320.relu4_1.gram` to its three parts; the last is 0 for a mean, 1 for a Gram matrix.
fn parse_name(name: &str) -> Result<(usize, Layer, usize), Error> {
    let unknown = || {
        let shown: String = name.chars().take(64).collect();
        wrong(format!("it holds a tensor {shown:?}, expected names such as \"320.relu4_1.gram\""))
    };
    let mut parts = name.split('.');
    let (Some(side), Some(layer), Some(which), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unknown());
    };
    let side: usize = side.parse().map_err(|_| unknown())?;
    let layer: Layer = layer.parse().map_err(|_| unknown())?;
    let which = ["mean", "gram"].iter().position(|kind| *kind == which).ok_or_else(unknown)?;
    if (1..=1_000_000).contains(&side) { Ok((side, layer, which)) } else { Err(unknown()) }
}

fn values(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, Error> {
    if view.dtype() != Dtype::F32 || view.shape().len() != 1 {
        let found = format!("{:?} {:?}", view.dtype(), view.shape());
        return Err(wrong(format!("{name} is {found}, expected F32 of one dimension")));
    }
    let values: Vec<f32> = view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(wrong(format!("{name} holds {value}, expected numbers"))),
        None => Ok(values),
    }
}

fn scale(side: usize, layers: Found) -> Result<StyleScale, Error> {
    let whole = |(layer, [mean, gram]): (Layer, [Option<Vec<f32>>; 2])| {
        let (mean, gram) = (mean.unwrap_or_default(), gram.unwrap_or_default());
        let expected = mean.len() * (mean.len() + 1) / 2;
        if mean.is_empty() || gram.len() != expected {
            let found = format!("{} means and {} entries of a Gram matrix", mean.len(), gram.len());
            return Err(wrong(format!("{side}.{layer} has {found}, expected C and C (C + 1) / 2")));
        }
        Ok(StyleLayer { layer, mean, gram })
    };
    Ok(StyleScale { side, layers: layers.into_iter().map(whole).collect::<Result<_, _>>()? })
}
