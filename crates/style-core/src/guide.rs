//! Where a style counts: a mask at the size of a layer.

use burn::tensor::{Device, Int, Tensor, TensorData};
use style_format::Layer;
use style_image::Mask;

use crate::loss::Slope;
use crate::statistics::has_shape;
use crate::{Error, Statistics};

/// A mask resized to a layer's map, as the weights of its positions.
///
/// A guidance channel `T` with `sum T^2 = 1` weights every position by `w = T^2`. Here `T` is the mask, averaged
/// over each position's share of the picture and normalised, so soft edges stay soft. A mask of ones gives every
/// position `1 / M`: the statistics of the whole map.
///
/// # Reference
///
/// L. A. Gatys et al., *Controlling Perceptual Factors in Neural Style Transfer*, CVPR 2017, equations 4 to 6.
#[derive(Debug, Clone)]
pub struct Guide {
    /// `[1, 1, H, W]`, sum 1.
    weights: Tensor<4>,
    /// Indices of the positions that belong to the region, `[M']`.
    positions: Tensor<1, Int>,
}

impl Guide {
    /// The guide of a layer whose map is `[height, width]`.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyMask`] where the mask leaves nothing at this size; [`Error::Picture`] when it cannot be
    /// resized.
    pub fn new(
        mask: &Mask,
        [height, width]: [usize; 2],
        layer: Layer,
        device: &Device,
    ) -> Result<Self, Error> {
        let mask = mask.resized(width, height)?;
        let squares: Vec<f64> = mask.values().iter().map(|&value| f64::from(value).powi(2)).collect();
        let sum: f64 = squares.iter().sum();
        // However small a region is, its own weights add up to 1; only nothing at all cannot.
        if sum < 1e-20 {
            return Err(Error::EmptyMask { layer, width, height });
        }
        let weights: Vec<f32> = squares.iter().map(|square| (square / sum) as f32).collect();
        let half = weights.iter().copied().fold(0.0, f32::max) / 2.0;
        let positions: Vec<i64> =
            (0..).zip(&weights).filter(|(_, weight)| **weight >= half).map(|(index, _)| index).collect();
        let count = positions.len();
        Ok(Self {
            weights: Tensor::from_data(TensorData::new(weights, [1, 1, height, width]), device),
            positions: Tensor::from_data(TensorData::new(positions, [count]), device),
        })
    }

    /// `[height, width]` of the map it is for.
    pub(crate) fn size(&self) -> [usize; 2] {
        let [_, _, height, width] = self.weights.dims();
        [height, width]
    }

    /// Refuses a feature map of another size.
    fn check(&self, features: &Tensor<4>) -> Result<(), Error> {
        let [batch, channels, ..] = features.dims();
        let [height, width] = self.size();
        has_shape("the guided feature map", features, [batch, channels, height, width])
    }

    /// The guided statistics `mean = sum_p w_p f_p` and `gram = sum_p w_p f_p f_p^T` of a feature map;
    /// differentiable on tracked tensors.
    ///
    /// # Shapes
    ///
    /// `features` is `[batch, C, height, width]` of the guide's size.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] for another size.
    pub fn statistics(&self, features: Tensor<4>) -> Result<Statistics, Error> {
        self.check(&features)?;
        let [batch, channels, height, width] = features.dims();
        let positions = height * width;
        let flat: Tensor<3> = features.reshape([batch, channels, positions]);
        let weights: Tensor<3> = self.weights.clone().reshape([1, 1, positions]);
        let weighted = flat.clone() * weights;
        let mean = weighted.clone().sum_dim(2).reshape([batch, channels]);
        Ok(Statistics { mean, gram: weighted.matmul(flat.transpose()), positions })
    }

    /// The features of the positions that belong to the region (at least half of the largest weight), for losses
    /// that look at features: `[batch, C, 1, M']`; differentiable on tracked tensors.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] for another size.
    pub fn select(&self, features: Tensor<4>) -> Result<Tensor<4>, Error> {
        self.check(&features)?;
        let [batch, channels, height, width] = features.dims();
        let flat: Tensor<4> = features.reshape([batch, channels, 1, height * width]);
        Ok(flat.select(3, self.positions.clone()))
    }

    /// Takes the derivatives of [`statistics`](Self::statistics) or [`select`](Self::select) back to the map:
    /// `dL/df_p = w_p ((dL/dG + dL/dG^T) f_p + dL/dmean)`.
    pub(crate) fn backward(&self, features: Tensor<4>, slope: Slope) -> Option<Tensor<4>> {
        let [batch, channels, height, width] = features.dims();
        let positions = height * width;
        let from_gram = slope.gram.map(|gram| {
            let flat: Tensor<3> = features.clone().reshape([batch, channels, positions]);
            (gram.clone() + gram.transpose()).matmul(flat).reshape([batch, channels, height, width])
        });
        let from_mean = slope.mean.map(|mean| {
            let mean: Tensor<4> = mean.reshape([batch, channels, 1, 1]);
            mean.expand([batch, channels, height, width])
        });
        let unweighted = match (from_gram, from_mean) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        let weighted = unweighted.map(|derivative| derivative * self.weights.clone());
        let selected = slope.features.map(|derivative| {
            let zeros = features.zeros_like().reshape([batch, channels, 1, positions]);
            let spread: Tensor<4> = zeros.select_assign(
                3,
                self.positions.clone(),
                derivative,
                burn::tensor::IndexingUpdateOp::Add,
            );
            spread.reshape([batch, channels, height, width])
        });
        match (weighted, selected) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;
    use proptest::prelude::*;
    use style_format::Layer::{Relu1_1, Relu2_1};

    use super::*;
    use crate::test_support::{check_gradient, numbers, relative_error, tensor, values, vgg};
    use crate::{GramLoss, GramScale, MeanVarianceLoss, Objective, SlicedWassersteinLoss, StyleLoss};

    fn guide(mask: &Mask, size: [usize; 2]) -> Guide {
        Guide::new(mask, size, Relu1_1, &Device::flex()).unwrap()
    }

    /// A soft mask without pattern.
    fn soft(width: usize, height: usize, seed: u32) -> Mask {
        Mask::new(width, height, numbers(width * height, seed)).unwrap()
    }

    #[test]
    fn guided_statistics_are_weighted_means() {
        // Two positions, two channels; a mask of 1 and 1/2 gives weights of 4/5 and 1/5.
        let mask = Mask::new(2, 1, vec![1.0, 0.5]).unwrap();
        let features = Tensor::<4>::from_floats([[[[1.0, 2.0]], [[0.0, 5.0]]]], &Device::flex());
        let statistics = guide(&mask, [1, 2]).statistics(features.clone()).unwrap();
        let near = |found: Vec<f32>, expected: &[f32]| {
            assert!(relative_error(&found, expected) < 1e-6, "{found:?} {expected:?}");
        };
        near(values(statistics.mean), &[1.2, 1.0]);
        near(values(statistics.gram), &[1.6, 2.0, 2.0, 5.0]);
        // Only the first position has at least half of the largest weight.
        near(values(guide(&mask, [1, 2]).select(features).unwrap()), &[1.0, 0.0]);
    }

    #[test]
    fn a_region_much_smaller_than_a_position_still_counts_and_none_does_not() {
        let mut one = vec![0.0; 100 * 100];
        one[4242] = 1.0;
        let speck = Mask::new(100, 100, one).unwrap();
        let features = tensor([1, 2, 3, 3], 2);
        let statistics = guide(&speck, [3, 3]).statistics(features.clone()).unwrap();
        let at = |channel: usize| values_at(&features, 9 * channel + 4);
        assert!(relative_error(&values(statistics.mean), &[at(0), at(1)]) < 1e-6);
        let nothing = Mask::new(4, 4, vec![0.0; 16]).unwrap();
        assert!(matches!(
            Guide::new(&nothing, [3, 3], Relu1_1, &Device::flex()),
            Err(Error::EmptyMask { width: 3, height: 3, .. })
        ));
    }

    fn values_at(features: &Tensor<4>, index: usize) -> f32 {
        values(features.clone())[index]
    }

    #[test]
    fn a_map_of_another_size_is_refused() {
        let error = guide(&soft(4, 4, 1), [4, 4]).statistics(tensor([1, 2, 4, 5], 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the guided feature map has shape [1, 2, 4, 5], expected [1, 2, 4, 4], the target's"
        );
    }

    #[test]
    fn derivatives_of_guided_losses_are_those_of_finite_differences() {
        let (mask, features) = (soft(5, 4, 3), tensor([1, 3, 4, 5], 4));
        let guide = guide(&mask, [4, 5]);
        let target = Statistics::of(tensor([1, 3, 6, 6], 5));
        let losses: Vec<Box<dyn StyleLoss>> = vec![
            Box::new(GramLoss::new(target.clone(), GramScale::Relative)),
            Box::new(MeanVarianceLoss::new(target)),
        ];
        for loss in losses {
            let forward =
                |features: Tensor<4>| loss.forward(guide.statistics(features).unwrap().into()).unwrap();
            check_gradient(&features, forward);
            let (_, slope) = loss.evaluate(guide.statistics(features.clone()).unwrap().into(), 1.0).unwrap();
            let written = guide.backward(features.clone(), slope).unwrap();
            let leaf = features.clone().autodiff().require_grad();
            let by_tape = leaf.grad(&forward(leaf.clone()).backward()).unwrap();
            let error = relative_error(&values(written), &values(by_tape));
            assert!(error < 1e-5, "{loss:?}: {error}");
        }
    }

    #[test]
    fn the_derivative_of_selected_features_goes_where_they_came_from() {
        let mask = Mask::new(4, 2, vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]).unwrap();
        let (guide, features) = (guide(&mask, [2, 4]), tensor([1, 3, 2, 4], 6));
        let loss = SlicedWassersteinLoss::new(vec![(1.0, tensor([1, 3, 5, 5], 7))], 1).unwrap();
        let forward = |features: Tensor<4>| loss.forward(guide.select(features).unwrap().into()).unwrap();
        let (_, slope) = loss.evaluate(guide.select(features.clone()).unwrap().into(), 1.0).unwrap();
        let written = values(guide.backward(features.clone(), slope).unwrap());
        let leaf = features.clone().autodiff().require_grad();
        let by_tape = values(leaf.grad(&forward(leaf.clone()).backward()).unwrap());
        assert!(relative_error(&written, &by_tape) < 1e-5, "{written:?} {by_tape:?}");
        assert_eq!(written[1], 0.0, "a position outside of the region has no derivative");
    }

    #[test]
    fn the_pixels_gradient_of_a_guided_objective_is_that_of_finite_differences() {
        let vgg = vgg(Relu2_1);
        let device = Device::flex();
        let mask = soft(16, 12, 8);
        let style = tensor([1, 3, 20, 20], 9);
        let mut objective = Objective::new();
        for (layer, size) in [(Relu1_1, [12, 16]), (Relu2_1, [6, 8])] {
            let pass = vgg.forward(style.clone(), &crate::Taps::new().with_statistics([layer])).unwrap();
            let loss = GramLoss::new(pass.statistics(layer).unwrap().clone(), GramScale::Relative);
            let guide = Guide::new(&mask, size, layer, &device).unwrap();
            objective = objective.with_guided_style(layer, 1.0, loss, (1, guide));
        }
        let image = tensor([1, 3, 12, 16], 10);
        let gradient = values(objective.evaluate(&vgg, image.clone()).unwrap().gradient);
        // Along the gradient itself: one number, far above rounding.
        let norm = gradient.iter().map(|value| value * value).sum::<f32>().sqrt();
        let direction = Tensor::from_data(burn::tensor::TensorData::new(gradient, [1, 3, 12, 16]), &device);
        let at = |step: f32| {
            let moved = image.clone() + direction.clone().mul_scalar(step / norm);
            values(objective.losses(&vgg, moved).unwrap()).iter().sum::<f32>()
        };
        let slope = (at(0.02) - at(-0.02)) / 0.04;
        assert!((slope - norm).abs() < 0.02 * norm, "{slope} against {norm}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_mask_of_ones_gives_the_statistics_of_the_whole_map(
            channels in 1usize..5, height in 1usize..7, width in 1usize..7, seed in any::<u32>(),
        ) {
            let features = tensor([1, channels, height, width], seed);
            let ones = Mask::new(3, 2, vec![1.0; 6]).unwrap();
            let guided = guide(&ones, [height, width]).statistics(features.clone()).unwrap();
            let whole = Statistics::of(features);
            prop_assert!(relative_error(&values(guided.gram), &values(whole.gram)) < 1e-5);
            prop_assert!(relative_error(&values(guided.mean), &values(whole.mean)) < 1e-5);
        }
    }
}
