//! State by name: numbers, and tensors in host memory or on a device.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use crate::Error;
use crate::convert::read;

/// What the parts of a run remember. The names are those of the tensors in the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    pub(super) numbers: BTreeMap<String, Vec<f64>>,
    pub(super) tensors: BTreeMap<String, Held>,
}

/// A tensor of four dimensions: as the run has it, or as a file had it.
#[derive(Debug, Clone)]
pub(super) enum Held {
    Tensor(Box<Tensor<4>>),
    Host { shape: [usize; 4], values: Arc<Vec<f32>> },
}

impl Held {
    pub(super) fn shape(&self) -> [usize; 4] {
        match self {
            Self::Tensor(tensor) => tensor.dims(),
            Self::Host { shape, .. } => *shape,
        }
    }

    /// The values, read from the device if need be.
    pub(super) fn values(&self) -> Result<Arc<Vec<f32>>, Error> {
        match self {
            Self::Tensor(tensor) => read(Tensor::clone(tensor), "reading a checkpoint").map(Arc::new),
            Self::Host { values, .. } => Ok(Arc::clone(values)),
        }
    }
}

/// A checkpoint that cannot be used.
pub(super) fn unusable(reason: impl Into<String>) -> Error {
    Error::Checkpoint { reason: reason.into() }
}

impl Kept {
    pub(crate) fn put(&mut self, name: impl Into<String>, tensor: &Tensor<4>) {
        self.tensors.insert(name.into(), Held::Tensor(Box::new(tensor.clone())));
    }

    /// Rows of numbers of one length.
    pub(crate) fn put_rows<'r>(
        &mut self,
        name: &str,
        width: usize,
        rows: impl ExactSizeIterator<Item = &'r [f32]>,
    ) {
        let shape = [1, 1, rows.len(), width];
        let values = Arc::new(rows.flatten().copied().collect());
        self.tensors.insert(name.into(), Held::Host { shape, values });
    }

    pub(crate) fn put_numbers(
        &mut self,
        name: impl Into<String>,
        numbers: impl IntoIterator<Item = impl Into<f64>>,
    ) {
        self.numbers.insert(name.into(), numbers.into_iter().map(Into::into).collect());
    }

    pub(crate) fn put_counts(&mut self, name: &str, counts: impl IntoIterator<Item = usize>) {
        // Counts of steps and pixels stay far below 2^53.
        self.put_numbers(name, counts.into_iter().map(|count| count as f64));
    }

    /// Whether a tensor of that name is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Numbers of that name, if there are any.
    pub(crate) fn find(&self, name: &str) -> Option<&[f64]> {
        self.numbers.get(name).map(Vec::as_slice)
    }

    pub(crate) fn numbers(&self, name: &str) -> Result<&[f64], Error> {
        self.find(name).ok_or_else(|| unusable(format!("it has no numbers {name:?}")))
    }

    /// So many numbers of that name.
    pub(crate) fn array<const N: usize>(&self, name: &str) -> Result<[f64; N], Error> {
        let numbers = self.numbers(name)?;
        let wrong = |_| unusable(format!("{name} has {} numbers, expected {N}", numbers.len()));
        numbers.try_into().map_err(wrong)
    }

    pub(crate) fn counts(&self, name: &str) -> Result<Vec<usize>, Error> {
        self.numbers(name)?.iter().map(|&number| count(name, number)).collect()
    }

    /// A tensor of that name and shape, on a device.
    pub(crate) fn tensor(&self, name: &str, shape: [usize; 4], device: &Device) -> Result<Tensor<4>, Error> {
        let held = self.held(name)?;
        if held.shape() != shape {
            return Err(unusable(format!("{name} has shape {:?}, expected {shape:?}", held.shape())));
        }
        Ok(match held {
            Held::Tensor(tensor) => Tensor::clone(tensor),
            Held::Host { values, .. } => Tensor::from_data(TensorData::new(values.to_vec(), shape), device),
        })
    }

    /// What [`put_rows`](Self::put_rows) was given.
    pub(crate) fn rows(&self, name: &str) -> Result<Vec<Vec<f32>>, Error> {
        let held = self.held(name)?;
        let shape @ [one, other, _, width] = held.shape();
        if (one, other) != (1, 1) || width == 0 {
            return Err(unusable(format!("{name} has shape {shape:?}, expected [1, 1, n, m]")));
        }
        Ok(held.values()?.chunks_exact(width).map(<[f32]>::to_vec).collect())
    }

    fn held(&self, name: &str) -> Result<&Held, Error> {
        self.tensors.get(name).ok_or_else(|| unusable(format!("it has no tensor {name:?}")))
    }
}

/// A number that counts something.
pub(crate) fn count(name: &str, number: f64) -> Result<usize, Error> {
    if number.fract() == 0.0 && (0.0..9e15).contains(&number) {
        return Ok(number as usize);
    }
    Err(unusable(format!("{name} holds {number}, expected a count")))
}

#[cfg(test)]
impl Kept {
    /// The same as a file gives it back: shared with nobody.
    pub(crate) fn read_back(mut self) -> Self {
        for held in self.tensors.values_mut() {
            *held = Held::Host { shape: held.shape(), values: held.values().unwrap() };
        }
        self
    }

    /// All of it, to the bit.
    pub(crate) fn bits(&self) -> BTreeMap<String, Vec<u64>> {
        let numbers = |numbers: &Vec<f64>| numbers.iter().map(|number| number.to_bits()).collect();
        let numbers = self.numbers.iter().map(|(name, of)| (name.clone(), numbers(of)));
        let values = |held: &Held| held.values().unwrap().iter().map(|x| u64::from(x.to_bits())).collect();
        numbers.chain(self.tensors.iter().map(|(name, held)| (name.clone(), values(held)))).collect()
    }
}
