//! The network's weights, once for all that compute with them.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use burn::tensor::Device;
use style_format::{Convolution, ConvolutionWeights, Layer, VggFile};
use style_kernels::Encoder;

use super::stage::Stage;
use super::{Kernel, fused};
use crate::Error;
use crate::checkpoint::fingerprint;
use crate::device::is_in_host_memory;

/// Weights as they came from the file, and what the two ways of computing make of them: each made when
/// it is first needed, and shared by all clones of a network.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    file: Arc<VggFile>,
    stages: Arc<[OnceLock<Stage>]>,
    encoder: Arc<OnceLock<Encoder>>,
    fingerprint: Arc<OnceLock<String>>,
}

/// One convolution in plain floats.
pub(super) struct PlainConvolution {
    pub(super) convolution: Convolution,
    /// `[out, in, 3, 3]`, row-major; the first convolution reads red, green, blue in this order.
    pub(super) weight: Vec<f32>,
    /// `[out]`
    pub(super) bias: Vec<f32>,
}

impl Weights {
    pub(super) fn new(file: VggFile) -> Self {
        let stages = file.convolutions().iter().map(|_| OnceLock::new()).collect();
        Self { file: Arc::new(file), stages, encoder: Arc::default(), fingerprint: Arc::default() }
    }

    pub(super) fn file(&self) -> &VggFile {
        &self.file
    }

    /// The convolutions that are there, in network order.
    pub(super) fn convolutions(&self) -> impl DoubleEndedIterator<Item = Convolution> + ExactSizeIterator {
        self.file.convolutions().iter().map(ConvolutionWeights::convolution)
    }

    /// Position of a layer's convolution in the network.
    pub(super) fn position(&self, layer: Layer) -> Option<usize> {
        self.convolutions().position(|convolution| convolution.is_at(layer))
    }

    /// A convolution's weights as tensors.
    pub(super) fn stage(&self, index: usize, device: &Device) -> &Stage {
        self.stages[index].get_or_init(|| Stage::new(&self.plain(index), device))
    }

    /// All weights, packed for the CPU kernels.
    pub(super) fn encoder(&self) -> Result<&Encoder, Error> {
        if let Some(encoder) = self.encoder.get() {
            return Ok(encoder);
        }
        let plain: Vec<_> = (0..self.stages.len()).map(|index| self.plain(index)).collect();
        let encoder = fused::encoder(&plain, self.file.info().input)?;
        Ok(self.encoder.get_or_init(|| encoder))
    }

    /// SHA-256 of all values, in hex: tells one network from another, whatever their files say about themselves.
    pub(super) fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| {
            let parts = self.file.convolutions().iter().map(|of| (of.weight().to_f32(), of.bias()));
            fingerprint(parts.flat_map(|(weight, bias)| [Cow::Owned(weight), Cow::Borrowed(bias)]))
        })
    }

    fn plain(&self, index: usize) -> PlainConvolution {
        let weights = &self.file.convolutions()[index];
        let (convolution, values) = (weights.convolution(), weights.weight().to_f32());
        let weight = if index == 0 { self.in_order_of_colours(&values) } else { values };
        PlainConvolution { convolution, weight, bias: weights.bias().to_vec() }
    }

    /// Reorders the input channels of the first convolution: channel `i` of the weights reads colour
    /// `order[i]` of the picture.
    fn in_order_of_colours(&self, values: &[f32]) -> Vec<f32> {
        let order = self.file.info().input.order();
        let mut ordered = vec![0.0; values.len()];
        for (from, to) in values.chunks_exact(27).zip(ordered.chunks_exact_mut(27)) {
            for (input, colour) in order.into_iter().enumerate() {
                to[colour * 9..][..9].copy_from_slice(&from[input * 9..][..9]);
            }
        }
        ordered
    }
}

/// What computes on a device unless the caller chooses.
pub(crate) fn default_kernel(device: &Device) -> Kernel {
    if is_in_host_memory(device) { Kernel::Winograd } else { Kernel::Burn }
}
