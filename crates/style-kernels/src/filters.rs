//! Weights as they are kept: grouped, not transformed.
//!
//! ```text
//! [panel of 32 outputs][input][9 taps][32 outputs]
//! ```
//!
//! The gradient of a convolution with respect to its input is a convolution again, with inputs and outputs
//! exchanged and every filter turned by half a turn; it is packed in the same form.

use crate::gemm::PANEL;
use crate::memory::Buffer;
use crate::{Convolution, KernelError};

/// Channels are padded with zeros to a multiple of this.
pub(crate) fn padded(channels: usize) -> usize {
    channels.next_multiple_of(PANEL)
}

/// The filters of one convolution, packed.
#[derive(Debug)]
pub(crate) struct Filters {
    /// Input channels, padded.
    pub(crate) inputs: usize,
    /// Output channels, padded.
    pub(crate) outputs: usize,
    data: Buffer<f32>,
}

impl Filters {
    /// The filters as given.
    pub(crate) fn forward(convolution: &Convolution<'_>) -> Result<Self, KernelError> {
        let (inputs, weight) = (convolution.inputs, convolution.weight);
        Self::pack(inputs, convolution.outputs, |o, i, tap| weight[(o * inputs + i) * 9 + tap])
    }

    /// The filters of the gradient.
    pub(crate) fn backward(convolution: &Convolution<'_>) -> Result<Self, KernelError> {
        let (inputs, weight) = (convolution.inputs, convolution.weight);
        Self::pack(convolution.outputs, inputs, |o, i, tap| weight[(i * inputs + o) * 9 + 8 - tap])
    }

    fn pack(
        inputs: usize,
        outputs: usize,
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Result<Self, KernelError> {
        let (wide, high) = (padded(inputs), padded(outputs));
        let mut data = Buffer::new(wide * high * 9)?;
        for (panel, packed) in data.chunks_exact_mut(wide * 9 * PANEL).enumerate() {
            for o in panel * PANEL..outputs.min((panel + 1) * PANEL) {
                for i in 0..inputs {
                    for tap in 0..9 {
                        packed[(i * 9 + tap) * PANEL + o % PANEL] = weight(o, i, tap);
                    }
                }
            }
        }
        Ok(Self { inputs: wide, outputs: high, data })
    }

    /// Panels of 32 outputs.
    pub(crate) fn panels(&self) -> usize {
        self.outputs / PANEL
    }

    /// `[input][9][32]` of one panel.
    pub(crate) fn panel(&self, panel: usize) -> &[f32] {
        let len = self.inputs * 9 * PANEL;
        &self.data[panel * len..][..len]
    }

    pub(crate) fn bytes(&self) -> usize {
        self.data.bytes()
    }
}
