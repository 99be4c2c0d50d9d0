//! Features in a graph of the caller's: plain tensor functions.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use style_format::Layer;

use super::{Padding, Vgg, stage};
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
        let mut found: Vec<Option<Tensor<4>>> = vec![None; layers.len()];
        let mut keep = |layer: Option<Layer>, features: &Tensor<4>| {
            for (slot, &wanted) in found.iter_mut().zip(layers) {
                if Some(wanted) == layer {
                    *slot = Some(features.clone());
                }
            }
        };
        let mut x = self.transform_pixels(image);
        for (index, stage) in self.stages[..depth].iter().enumerate() {
            if stage.starts_block() {
                x = stage::pool(x, self.pooling);
            }
            x = stage.convolve(x, self.padding_of(index));
            keep(stage.conv_layer(), &x);
            x = relu(x);
            keep(stage.relu_layer(), &x);
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Only the first convolution sees the picture's border.
    pub(super) const fn padding_of(&self, stage: usize) -> Padding {
        if stage == 0 { self.padding } else { Padding::Zero }
    }
}
