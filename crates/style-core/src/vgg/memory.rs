//! The memory of a pass, before it is taken.

use style_format::{Convolution, Layer};

use super::{Kernel, Taps, Vgg, fused};
use crate::{Error, Memory};

impl Vgg {
    /// Memory that a forward pass over one picture of `height` x `width` px takes, its way back included;
    /// `None` where Burn computes the network, whose backends allocate as they go.
    ///
    /// `weights` is taken by the first pass, or by the first forecast: it packs the weights (104 MB for VGG-19 to
    /// `conv5_1`) where that has not been done. `buffers` are those of the kernels, which grow with the threads
    /// of the rayon pool in which this is called. `tensors` are what the taps give out,
    /// `4 * C * height * width` bytes for every map and `4 * C * (C + 1)` for every Gram matrix with its mean.
    /// `packing` is the network in plain floats, 4 x 9 bytes for every pair of an input and an output channel.
    ///
    /// # Errors
    ///
    /// [`Error::LayerUnavailable`], [`Error::PictureTooSmall`], and [`Error::Kernel`] for more than can be
    /// addressed, or where there is no memory for the packed weights.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(vgg: style_core::Vgg) -> Result<(), style_core::Error> {
    /// use style_core::{Layer, Taps};
    ///
    /// let taps = Taps::new().with_statistics([Layer::Relu1_1, Layer::Relu5_1]);
    /// if let Some(memory) = vgg.memory(1024, 1024, &taps)? {
    ///     println!("{memory}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn memory(&self, height: usize, width: usize, taps: &Taps) -> Result<Option<Memory>, Error> {
        let layers = taps.layers();
        self.check_layers(layers.iter().copied())?;
        if let Some(&deepest) = layers.iter().max() {
            self.check_size(width, height, deepest)?;
        }
        if self.kernel == Kernel::Burn {
            return Ok(None);
        }
        if layers.is_empty() {
            return Ok(Some(Memory::default()));
        }
        let encoder = self.weights.encoder()?;
        let (tapped, wanted) = self.taps_of_kernels(taps);
        Ok(Some(Memory {
            weights: encoder.weight_bytes(),
            packing: self
                .weights
                .convolutions()
                .map(|convolution| size_of::<f32>() * floats_of(convolution))
                .sum(),
            buffers: fused::configured(encoder, self.wishes()).plan_bytes(1, height, width, &wanted)?,
            tensors: tapped.iter().map(|&(layer, _)| self.bytes_at(layer, taps, height, width)).sum(),
        }))
    }

    /// Bytes of what `taps` give out at a layer.
    fn bytes_at(&self, layer: Layer, taps: &Taps, height: usize, width: usize) -> usize {
        let channels = self.weights.convolutions().find(|convolution| convolution.is_at(layer));
        let channels = channels.map_or(0, |convolution| convolution.outputs());
        let poolings = layer.position().0 - 1;
        let wants = (taps.wants_features(layer), taps.wants_statistics(layer));
        // Before a ReLU statistics are taken of the map.
        let map = if wants.0 || (wants.1 && !layer.is_relu()) {
            channels * (height >> poolings) * (width >> poolings)
        } else {
            0
        };
        let statistics = if wants.1 { channels * (channels + 1) } else { 0 };
        size_of::<f32>() * (map + statistics)
    }
}

/// Weights and biases of a convolution.
const fn floats_of(convolution: Convolution) -> usize {
    convolution.outputs() * (convolution.inputs() * 9 + 1)
}
