//! The frozen network, ready to run.

use crate::{Convolution, Isa, KernelError, Options, Padding, Plan, Pooling, Tap};

/// A frozen network with its weights packed. Cloning is cheap: the weights are shared.
#[derive(Debug, Clone)]
pub struct Encoder {}

impl Encoder {
    /// Packs the weights.
    ///
    /// # Errors
    /// See [`KernelError`].
    pub fn new(network: &[Convolution<'_>], options: &Options) -> Result<Self, KernelError> {
        let _ = (network, options);
        todo!()
    }
    /// The same network with another pooling; shares the weights.
    #[must_use]
    pub fn with_pooling(self, _pooling: Pooling) -> Self {
        todo!()
    }
    /// The same network with another padding of its first convolution; shares the weights.
    #[must_use]
    pub fn with_padding(self, _padding: Padding) -> Self {
        todo!()
    }
    /// The instructions in use, never [`Isa::Auto`].
    #[must_use]
    pub fn isa(&self) -> Isa {
        todo!()
    }
    /// Memory of the packed weights in bytes.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        todo!()
    }
    /// Memory a plan would take in bytes, without making it.
    ///
    /// # Errors
    /// As [`Encoder::plan`].
    pub fn plan_bytes(&self, _batch: usize, _height: usize, _width: usize, _taps: &[Tap]) -> Result<usize, KernelError> {
        todo!()
    }
    /// Allocates everything for pictures of one size.
    ///
    /// # Errors
    /// See [`KernelError`].
    pub fn plan(&self, _batch: usize, _height: usize, _width: usize, _taps: &[Tap]) -> Result<Plan, KernelError> {
        todo!()
    }
}
