//! The Wasserstein distance of features along random directions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Int, Tensor, TensorData};

use self::directions::directions;
use self::rows::{for_rows, quantiles};
use super::{Seen, Slope, StyleLoss};
use crate::Error;
use crate::convert::read;
use crate::statistics::{has_shape, shares};

mod directions;
mod rows;

/// The mean squared 2-Wasserstein distance of the features projected on `C` random directions.
///
/// `mean((sort(V F) - sort(V P))^2)` with the features `F` as `[C, M]`, the style's `P`, and `V` of `C` unit vectors,
/// each row sorted: in one dimension, that is how the least work moves one heap of values to another. The expectation
/// over all directions is zero only where both have all features equally often, whatever their distribution; a Gram
/// matrix knows second moments.
///
/// The directions come from `ChaCha8` on the host, out of the seed and the number of the step that
/// [`begin_step`](StyleLoss::begin_step) names: the loss of a step is the same whenever it is asked for. A style of
/// another size is compared by its quantiles, interpolated; those of several styles are blended.
///
/// # Reference
///
/// E. Heitz, K. Vanhoey, T. Chambon and L. Belcour, *A Sliced Wasserstein Loss for Neural Texture Synthesis*, CVPR
/// 2021, equations 6 to 8.
#[derive(Debug)]
pub struct SlicedWassersteinLoss {
    /// Feature maps `[batch, C, M]` with their shares.
    styles: Vec<(f32, Tensor<3>)>,
    seed: u64,
    step: AtomicU64,
    drawn: Mutex<Option<Arc<Drawn>>>,
}

/// What one step compares with.
#[derive(Debug)]
struct Drawn {
    step: u64,
    /// `[1, D, C]`, a direction in every row.
    directions: Tensor<3>,
    positions: usize,
    /// The styles' quantiles, one for every position: `[batch, D, positions]`.
    quantiles: Vec<f32>,
}

impl SlicedWassersteinLoss {
    /// A loss whose target is the blend of feature maps `[batch, C, height, width]` of any size. Weights count
    /// relative to their sum.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] without styles or for unusable weights, [`Error::Shape`] when batch or channels differ, or
    /// for a map without positions.
    pub fn new(styles: Vec<(f32, Tensor<4>)>, seed: u64) -> Result<Self, Error> {
        let shares = shares(styles.iter().map(|(weight, _)| *weight))?;
        let maps = styles.into_iter().map(|(_, map)| flat(map.without_autodiff()));
        let styles: Vec<_> = shares.into_iter().zip(maps).collect();
        for (_, map) in &styles {
            let [batch, channels, _] = styles[0].1.dims();
            let positions = map.dims()[2].max(1);
            has_shape("the feature map of a style", map, [batch, channels, positions])?;
        }
        Ok(Self { styles, seed, step: AtomicU64::new(0), drawn: Mutex::new(None) })
    }

    /// The features as `[batch, C, M]`, when they fit the styles.
    fn features_of(&self, seen: Seen) -> Result<Tensor<3>, Error> {
        let features = flat(seen.features()?);
        let positions = features.dims()[2].max(1);
        let target = self.styles.first().map_or([0; 3], |(_, map)| map.dims());
        has_shape("the feature map", &features, [target[0], target[1], positions])?;
        Ok(features)
    }

    /// What the present step compares `positions` positions with.
    fn drawn(&self, positions: usize) -> Result<Arc<Drawn>, Error> {
        let step = self.step.load(Ordering::Relaxed);
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        match &*drawn {
            Some(drawn) if (drawn.step, drawn.positions) == (step, positions) => Ok(drawn.clone()),
            _ => Ok(drawn.insert(Arc::new(self.draw(step, positions)?)).clone()),
        }
    }

    /// The directions of a step, and what the styles look like along them.
    fn draw(&self, step: u64, positions: usize) -> Result<Drawn, Error> {
        let channels = self.styles.first().map_or(0, |(_, map)| map.dims()[1]);
        let device = self.styles.first().map(|(_, map)| map.device()).unwrap_or_default();
        let numbers = directions(channels, self.seed, step);
        let directions = Tensor::from_data(TensorData::new(numbers, [1, channels, channels]), &device);
        self.look_along(directions, step, positions)
    }

    /// The loss of a style along these directions, for maps of so many positions.
    #[cfg(test)]
    pub(crate) fn along(directions: Tensor<3>, style: Tensor<4>, positions: usize) -> Self {
        let loss = Self::new(vec![(1.0, style)], 0).unwrap();
        *loss.drawn.lock().unwrap() = Some(Arc::new(loss.look_along(directions, 0, positions).unwrap()));
        loss
    }

    fn look_along(&self, directions: Tensor<3>, step: u64, positions: usize) -> Result<Drawn, Error> {
        let mut blend = Vec::new();
        for (share, map) in &self.styles {
            let length = map.dims()[2];
            let projected = directions.clone().matmul(map.clone());
            let mut values = read(projected, "reading the style's projections")?;
            let rows = for_rows(&mut values, length, |_, row, sorter| {
                let sorted: Vec<f32> = sorter.places(row).map(|place| row[place]).collect();
                quantiles(&sorted, positions).collect::<Vec<f32>>()
            });
            blend.resize(rows.len() * positions, 0.0);
            for (sum, value) in blend.iter_mut().zip(rows.iter().flatten()) {
                *sum += share * value;
            }
        }
        Ok(Drawn { step, directions, positions, quantiles: blend })
    }
}

impl StyleLoss for SlicedWassersteinLoss {
    fn needs_features(&self) -> bool {
        true
    }

    fn forward(&self, seen: Seen) -> Result<Tensor<1>, Error> {
        let features = self.features_of(seen)?;
        let drawn = self.drawn(features.dims()[2])?;
        let projected = drawn.directions.clone().matmul(features);
        let shape = projected.dims();
        let plain = projected.clone().without_autodiff();
        let device = plain.device();
        let mut values = read(plain, "reading the projections")?;
        let order = for_rows(&mut values, shape[2], |_, row, sorter| {
            sorter.places(row).map(|place| i64::from(place as u32)).collect::<Vec<_>>()
        });
        let order = Tensor::<3, Int>::from_data(TensorData::new(order.concat(), shape), &device);
        let target = Tensor::<3>::from_data(TensorData::new(drawn.quantiles.clone(), shape), &device);
        Ok((projected.gather(2, order) - target).square().mean())
    }

    fn evaluate(&self, seen: Seen, weight: f32) -> Result<(Tensor<1>, Slope), Error> {
        let size = match &seen {
            Seen::Features(features) => features.dims(),
            Seen::Statistics(_) => [0; 4],
        };
        let features = self.features_of(seen)?.without_autodiff();
        let drawn = self.drawn(features.dims()[2])?;
        let device = features.device();
        let projected = drawn.directions.clone().matmul(features);
        let shape = projected.dims();
        let positions = shape[2];
        let mut values = read(projected, "reading the projections")?;
        let count = values.len() as f64;
        let factor = (2.0 * f64::from(weight) / count) as f32;
        // The difference goes to the place that the value came from: no other way back through the sort.
        let sums = for_rows(&mut values, positions, |index, row, sorter| {
            let targets = &drawn.quantiles[index * positions..][..positions];
            let mut sum = 0.0;
            for (place, target) in sorter.places(row).zip(targets) {
                let difference = row[place] - target;
                sum += f64::from(difference * difference);
                row[place] = difference * factor;
            }
            sum
        });
        let value = (sums.iter().sum::<f64>() / count * f64::from(weight)) as f32;
        let slope = Tensor::<3>::from_data(TensorData::new(values, shape), &device);
        let features = drawn.directions.clone().transpose().matmul(slope).reshape(size);
        let value = Tensor::from_data(TensorData::new(vec![value], [1]), &device);
        Ok((value, Slope { features: Some(features), ..Slope::default() }))
    }

    fn begin_step(&self, step: u64) {
        self.step.store(step, Ordering::Relaxed);
    }
}

/// `[batch, C, height, width]` to `[batch, C, M]`.
fn flat(features: Tensor<4>) -> Tensor<3> {
    let [batch, channels, height, width] = features.dims();
    features.reshape([batch, channels, height * width])
}

#[cfg(test)]
mod tests;
