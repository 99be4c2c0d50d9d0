//! Features in a graph of the caller's: plain tensor functions.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use style_format::{Convolution, Layer};

use super::stage::Stage;
use super::{Kernel, Padding, Taps, Vgg, stage};
use crate::Error;

impl Vgg {
    /// The feature maps of a picture, in the order of `layers`; the network runs only as deep as asked.
    ///
    /// On a tracked picture the features are part of its autodiff graph; the weights are constants there.
    ///
    /// # Shapes
    ///
    /// `image` `[batch, 3, height, width]`, RGB, sRGB in `[0, 1]`; a layer of block `b` with `C`
    /// channels gives `[batch, C, height / 2^(b-1), width / 2^(b-1)]`, rounded down at every pooling.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`], [`Error::OtherDevice`], [`Error::LayerUnavailable`], [`Error::PictureTooSmall`].
    pub fn features(&self, image: Tensor<4>, layers: &[Layer]) -> Result<Vec<Tensor<4>>, Error> {
        let depth = self.check_input(&image, layers)?;
        if self.kernel != Kernel::Burn && !image.is_autodiff() {
            let pass = self.forward(image, &Taps::new().with_features(layers.iter().copied()))?;
            return layers.iter().map(|&layer| pass.features(layer).cloned()).collect();
        }
        let mut found: Vec<Option<Tensor<4>>> = vec![None; layers.len()];
        let mut keep = |layer: Layer, features: &Tensor<4>| {
            for (slot, &wanted) in found.iter_mut().zip(layers) {
                if wanted == layer {
                    *slot = Some(features.clone());
                }
            }
        };
        let mut x = image;
        for (index, convolution) in self.weights.convolutions().take(depth).enumerate() {
            x = self.convolve(index, convolution, x);
            keep(convolution.conv_layer(), &x);
            x = relu(x);
            keep(convolution.relu_layer(), &x);
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// A convolution in Burn's operations, without its ReLU: from the map before it, whose pooling belongs to it, or from
    /// the picture for the first.
    fn convolve(&self, index: usize, convolution: Convolution, input: Tensor<4>) -> Tensor<4> {
        let input = match index {
            0 => self.transform_pixels(input),
            _ if convolution.starts_block() => stage::pool(input, self.pooling, self.pooling_gain),
            _ => input,
        };
        self.stage(index).convolve(input, self.padding_of(index))
    }

    /// The map after a ReLU in Burn's operations, whatever the kernel, from the map after the ReLU before it, or from the
    /// picture for the first.
    pub(crate) fn one_layer(&self, layer: Layer, input: Tensor<4>) -> Result<Tensor<4>, Error> {
        let found = self.weights.convolutions().enumerate().find(|(_, convolution)| convolution.is_at(layer));
        let missing = || Error::LayerUnavailable { layer, available: self.extent() };
        let (index, convolution) = found.ok_or_else(missing)?;
        Ok(relu(self.convolve(index, convolution, input)))
    }

    /// A convolution's weights as tensors.
    pub(super) fn stage(&self, index: usize) -> &Stage {
        self.weights.stage(index, &self.device)
    }

    /// Only the first convolution sees the picture's border.
    pub(super) const fn padding_of(&self, stage: usize) -> Padding {
        if stage == 0 { self.padding } else { Padding::Zero }
    }
}
