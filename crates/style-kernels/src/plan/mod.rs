//! All buffers of a forward and a backward pass, and the passes.

mod backward;
mod forward;
mod layout;

pub(crate) use layout::Layout;

use crate::memory::Buffer;
use crate::winograd::Workspace;
use crate::{Encoder, KernelError, Output, Tap, layout as channels};
use layout::StageLayout;

/// An encoder at work on pictures of one size: every buffer, allocated once.
///
/// A step is [`Plan::forward`], reading what the taps gave, and [`Plan::backward`]. It allocates no buffer.
/// The same picture gives the same bytes, whatever the number of threads.
#[derive(Debug)]
pub struct Plan {
    encoder: Encoder,
    layout: Layout,
    stages: Vec<Stage>,
    /// The picture with its border, and its gradient.
    planes: Buffer<f32>,
    gradients: [Buffer<f32>; 2],
    scratch: Scratch,
    /// Whether a forward pass is complete.
    ran: bool,
}

/// What one convolution leaves for the backward pass and the reader.
#[derive(Debug)]
struct Stage {
    /// The ReLU's output, unless the pooling after it is fused.
    map: Buffer<f32>,
    /// The map before the ReLU, if tapped.
    before: Buffer<f32>,
    /// The pooled map, if a pooling follows.
    pooled: Buffer<f32>,
    /// Where pooled gradients go, a byte each; empty for norms.
    routing: Buffer<u8>,
    gram: Vec<f32>,
    mean: Vec<f32>,
}

/// Memory that nobody reads after a pass.
#[derive(Debug)]
struct Scratch {
    workspace: Workspace,
    rows: Buffer<f32>,
    gram: Buffer<f32>,
    matrix: Buffer<f32>,
    /// The derivative with respect to a mean, divided by the positions.
    mean: Vec<f32>,
    added: Buffer<f32>,
}

impl Stage {
    fn new(batch: usize, layout: &StageLayout) -> Result<Self, KernelError> {
        let if_so = |so: bool, len: usize| if so { batch * len } else { 0 };
        Ok(Self {
            map: Buffer::new(if_so(!layout.fused, layout.map_len()))?,
            before: Buffer::new(if_so(layout.pre_activation, layout.map_len()))?,
            pooled: Buffer::new(if_so(layout.pooled_after, layout.pooled_len()))?,
            routing: Buffer::new(if_so(layout.routed, layout.pooled_len()))?,
            gram: vec![0.0; if_so(layout.statistics, layout.channels * layout.channels)],
            mean: vec![0.0; if_so(layout.statistics, layout.channels)],
        })
    }
}

impl Plan {
    pub(crate) fn new(encoder: Encoder, layout: Layout) -> Result<Self, KernelError> {
        let stages = layout.stages.iter().map(|stage| Stage::new(layout.batch, stage));
        let widest = layout.stages.iter().map(|stage| stage.wide).max().unwrap_or(0);
        Ok(Self {
            stages: stages.collect::<Result<_, _>>()?,
            planes: Buffer::new(layout.planes)?,
            gradients: [Buffer::new(layout.gradients[0])?, Buffer::new(layout.gradients[1])?],
            scratch: Scratch {
                workspace: Workspace::new(&layout.schedules())?,
                rows: Buffer::new(layout.row * layout.threads)?,
                gram: Buffer::new(layout.gram_scratch)?,
                matrix: Buffer::new(layout.matrix)?,
                mean: vec![0.0; widest],
                added: Buffer::new(layout.added)?,
            },
            encoder,
            layout,
            ran: false,
        })
    }

    /// The encoder at work.
    #[must_use]
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Memory of all buffers in bytes; what [`Encoder::plan_bytes`] forecasts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.layout.bytes()
    }

    /// Shape of the image and its gradient: `[batch, inputs, height, width]`.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 4] {
        let grid = &self.layout.stages[0].grid;
        [self.layout.batch, self.encoder.weights.first.inputs, grid.height, grid.width]
    }

    /// Shape of the maps at a convolution: `[batch, C, height, width]`.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoSuchConvolution`] for one that does not run in this plan.
    pub fn shape(&self, convolution: usize) -> Result<[usize; 4], KernelError> {
        let last = self.layout.stages.len() - 1;
        let stage = self.layout.stages.get(convolution);
        let stage = stage.ok_or(KernelError::NoSuchConvolution { convolution, last })?;
        Ok([self.layout.batch, stage.channels, stage.grid.height, stage.grid.width])
    }

    /// Gram matrices of the ReLU's output after a convolution: `F F^T / M`, where `F` has a row for every
    /// channel and a column for each of `M` positions.
    ///
    /// # Shapes
    ///
    /// `[batch, C, C]`, row-major, symmetric to the last bit.
    ///
    /// # Errors
    ///
    /// [`KernelError::NotTapped`], [`KernelError::NotRun`].
    pub fn gram(&self, convolution: usize) -> Result<&[f32], KernelError> {
        self.computed(Tap::statistics(convolution)).map(|stage| &*stage.gram)
    }

    /// Means over positions of the ReLU's output after a convolution.
    ///
    /// # Shapes
    ///
    /// `[batch, C]`
    ///
    /// # Errors
    ///
    /// As [`Plan::gram`].
    pub fn mean(&self, convolution: usize) -> Result<&[f32], KernelError> {
        self.computed(Tap::statistics(convolution)).map(|stage| &*stage.mean)
    }

    /// Writes the feature map after a convolution and its ReLU.
    ///
    /// # Shapes
    ///
    /// `map` `[batch, C, height, width]`, see [`Plan::shape`].
    ///
    /// # Errors
    ///
    /// As [`Plan::gram`], and [`KernelError::Length`].
    pub fn features(&self, convolution: usize, map: &mut [f32]) -> Result<(), KernelError> {
        let stage = self.computed(Tap::features(convolution))?;
        self.write(convolution, Output::Features, &stage.map, map)
    }

    /// Writes the map after a convolution, before its ReLU.
    ///
    /// # Shapes
    ///
    /// `map` `[batch, C, height, width]`, see [`Plan::shape`].
    ///
    /// # Errors
    ///
    /// As [`Plan::features`].
    pub fn pre_activation(&self, convolution: usize, map: &mut [f32]) -> Result<(), KernelError> {
        let stage = self.computed(Tap::pre_activation(convolution))?;
        self.write(convolution, Output::PreActivation, &stage.before, map)
    }

    /// The stage of a tap, if the plan has it and has run.
    fn computed(&self, tap: Tap) -> Result<&Stage, KernelError> {
        self.check_tap(tap)?;
        if self.ran { Ok(&self.stages[tap.convolution]) } else { Err(KernelError::NotRun) }
    }

    fn check_tap(&self, Tap { convolution, output }: Tap) -> Result<(), KernelError> {
        let has = |stage: &StageLayout| match output {
            Output::Statistics => stage.statistics,
            Output::Features => stage.features,
            Output::PreActivation => stage.pre_activation,
        };
        if self.layout.stages.get(convolution).is_some_and(has) {
            Ok(())
        } else {
            Err(KernelError::NotTapped { convolution, output })
        }
    }

    fn write(
        &self,
        convolution: usize,
        output: Output,
        grouped: &[f32],
        map: &mut [f32],
    ) -> Result<(), KernelError> {
        let stage = &self.layout.stages[convolution];
        let len = stage.channels * stage.positions();
        let what = || format!("the {output} of convolution {convolution}");
        KernelError::check_length(what, map.len(), self.layout.batch * len)?;
        for (planes, grouped) in map.chunks_exact_mut(len).zip(grouped.chunks_exact(stage.map_len())) {
            channels::ungroup(self.layout.threads, grouped, stage.channels, planes);
        }
        Ok(())
    }
}
