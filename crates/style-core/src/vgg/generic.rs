//! The network in Burn's own tensor operations: the way of every device.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use style_format::Layer;

use super::Vgg;
use super::stage::Pooled;

/// A forward pass that kept what its way back needs.
#[derive(Debug)]
pub(super) struct GenericPass {
    vgg: Vgg,
    /// Output of every ReLU that was computed, with the pooling before it.
    stages: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    pooled: Option<Pooled>,
    relu: Tensor<4>,
}

impl GenericPass {
    /// Runs `depth` convolutions, showing every map to `visit`.
    pub(super) fn new(
        vgg: &Vgg,
        image: Tensor<4>,
        depth: usize,
        mut visit: impl FnMut(Layer, &Tensor<4>),
    ) -> Self {
        let mut stages = Vec::with_capacity(depth);
        let mut x = vgg.transform_pixels(image);
        for (index, convolution) in vgg.weights.convolutions().take(depth).enumerate() {
            let mut pooled = None;
            if convolution.starts_block() {
                let (output, kept) = Pooled::forward(x, vgg.pooling, vgg.pooling_gain);
                (x, pooled) = (output, Some(kept));
            }
            x = vgg.stage(index).convolve(x, vgg.padding_of(index));
            visit(convolution.conv_layer(), &x);
            x = relu(x);
            visit(convolution.relu_layer(), &x);
            stages.push(Kept { pooled, relu: x.clone() });
        }
        Self { vgg: vgg.clone(), stages }
    }

    /// Layer by layer backwards: mask of the ReLU, convolution with rotated weights, un-pooling.
    /// `arriving` are derivatives of maps.
    pub(super) fn backward(self, mut arriving: Vec<(Layer, Tensor<4>)>) -> Option<Tensor<4>> {
        let mut take = |layer: Layer, mut sum: Option<Tensor<4>>| {
            for (_, gradient) in arriving.extract_if(.., |(at, _)| *at == layer) {
                sum = Some(match sum {
                    Some(sum) => sum + gradient,
                    None => gradient,
                });
            }
            sum
        };
        let convolutions: Vec<_> = self.vgg.weights.convolutions().take(self.stages.len()).collect();
        let mut gradient: Option<Tensor<4>> = None;
        for (index, kept) in self.stages.into_iter().enumerate().rev() {
            let stage = self.vgg.stage(index);
            gradient = take(convolutions[index].relu_layer(), gradient);
            gradient = gradient.map(|gradient| gradient.mask_fill(kept.relu.lower_equal_scalar(0.0), 0.0));
            gradient = take(convolutions[index].conv_layer(), gradient);
            gradient = gradient.map(|gradient| {
                let input = stage.convolve_backward(gradient, self.vgg.padding_of(index));
                match kept.pooled {
                    Some(pooled) => pooled.backward(input),
                    None => input,
                }
            });
        }
        gradient.map(|gradient| gradient * self.vgg.scale)
    }
}
