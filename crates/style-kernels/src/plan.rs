//! All buffers of a forward and a backward pass.

use crate::{Derivative, KernelError};

/// An encoder at work on pictures of one size: every buffer, allocated once. Holds its encoder (shared).
#[derive(Debug)]
pub struct Plan {}

impl Plan {
    /// Runs the network as deep as the deepest tap. `image` `[batch, inputs, height, width]`.
    ///
    /// # Errors
    /// [`KernelError::Length`].
    pub fn forward(&mut self, _image: &[f32]) -> Result<(), KernelError> {
        todo!()
    }
    /// Gram matrices `[batch, C, C]`: `F F^T / M`, `M` positions.
    ///
    /// # Errors
    /// [`KernelError::NotTapped`], [`KernelError::NotRun`].
    pub fn gram(&self, _convolution: usize) -> Result<&[f32], KernelError> {
        todo!()
    }
    /// Means `[batch, C]` over positions.
    ///
    /// # Errors
    /// As [`Plan::gram`].
    pub fn mean(&self, _convolution: usize) -> Result<&[f32], KernelError> {
        todo!()
    }
    /// Writes the feature map `[batch, C, height, width]`.
    ///
    /// # Errors
    /// As [`Plan::gram`], and [`KernelError::Length`].
    pub fn features(&self, _convolution: usize, _map: &mut [f32]) -> Result<(), KernelError> {
        todo!()
    }
    /// Writes the map before the ReLU `[batch, C, height, width]`.
    ///
    /// # Errors
    /// As [`Plan::features`].
    pub fn pre_activation(&self, _convolution: usize, _map: &mut [f32]) -> Result<(), KernelError> {
        todo!()
    }
    /// The gradient of the picture `[batch, inputs, height, width]`, overwritten. May be called several
    /// times after one forward.
    ///
    /// # Errors
    /// [`KernelError::NotTapped`], [`KernelError::NotRun`], [`KernelError::Length`].
    pub fn backward(&mut self, _derivatives: &[Derivative<'_>], _gradient: &mut [f32]) -> Result<(), KernelError> {
        todo!()
    }
    /// Shape of the maps at a convolution: `[batch, C, height, width]`.
    ///
    /// # Errors
    /// [`KernelError::NoSuchConvolution`].
    pub fn shape(&self, _convolution: usize) -> Result<[usize; 4], KernelError> {
        todo!()
    }
    /// Memory of all buffers in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        todo!()
    }
}
