//! One convolution with its ReLU alone, planes in and planes out, for graphs that are not ours.

use std::sync::{Arc, Mutex, PoisonError};

use crate::convolution::Pass;
use crate::encoder::check;
use crate::epilogue::Epilogue;
use crate::filters::{Filters, padded};
use crate::grid::Grid;
use crate::memory::Buffer;
use crate::simd::{GROUP, Level};
use crate::winograd::{self, Schedule, Source, Workspace};
use crate::{Convolution, Isa, KernelError, layout, parallel};

/// Floats a map may have: a size in bytes must fit an `isize`, with room to spare.
const MOST_FLOATS: usize = isize::MAX as usize / 64;

/// One frozen 3 x 3 convolution with its ReLU, `y = max(w * x + b, 0)`, stride 1, padded by a pixel of zeros.
///
/// Nothing is remembered between a forward and a backward pass but memory to work in: the way back is told
/// the ReLU's output, which is all it needs. So one convolution can stand in a graph many times. Cloning is
/// cheap: weights and that memory are shared. Whoever knows the whole network in advance does better with an
/// [`Encoder`](crate::Encoder), whose maps never become planes in between.
///
/// Channels are padded to a multiple of 32, which makes pictures of three channels cost as much as 32.
///
/// # Memory
///
/// 4 x 18 bytes for every pair of a (padded) input and output channel, and from the first pass on the two maps
/// of one picture and what Winograd's transforms need, kept for the next pass of the same size.
///
/// # Reference
///
/// Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.3. Relative error 1e-6
/// to 2e-6, for white noise in many channels of a large map up to 1e-5. A NaN or infinite input spreads to all
/// outputs of the tiles (up to 6 x 6 positions) it takes part in.
///
/// # Examples
///
/// ```
/// use style_kernels::{Conv3x3, Convolution, Isa};
///
/// let weight = [0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]; // twice the middle
/// let convolution = Convolution { inputs: 1, outputs: 1, weight: &weight, bias: &[-3.0], pooled: false };
/// let conv = Conv3x3::new(&convolution, Isa::Auto)?;
/// let (x, mut y) = ([1.0, 2.0, 3.0, 4.0], [0.0; 4]); // 2 x 2
/// conv.forward([1, 2, 2], &x, &mut y)?;
/// assert!(y[0] == 0.0 && (y[3] - 5.0).abs() < 1e-5);
/// let mut gradient = [0.0; 4];
/// conv.backward([1, 2, 2], &y, &[1.0; 4], &mut gradient)?; // of the sum of y
/// assert!(gradient[0].abs() < 1e-5 && (gradient[3] - 2.0).abs() < 1e-5);
/// # Ok::<(), style_kernels::KernelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Conv3x3 {
    weights: Arc<Weights>,
    /// The memory of the last pass, kept for the next of the same size; absent while a pass has it.
    spare: Arc<Mutex<Option<Work>>>,
    level: Level,
}

#[derive(Debug)]
struct Weights {
    inputs: usize,
    outputs: usize,
    /// Padded like the outputs.
    bias: Buffer<f32>,
    forward: Filters,
    backward: Filters,
}

/// Memory for passes over one picture at a time, all of the same size.
#[derive(Debug)]
struct Work {
    grid: Grid,
    threads: usize,
    /// The maps on both sides, or their gradients: `[group][height][width][16]`.
    input: Buffer<f32>,
    output: Buffer<f32>,
    forward: Schedule,
    backward: Schedule,
    workspace: Workspace,
}

impl Conv3x3 {
    /// Packs the weights.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoChannels`], [`KernelError::PoolingFirst`], [`KernelError::Length`] for weight or bias,
    /// [`KernelError::IsaUnavailable`], [`KernelError::UnknownIsa`], [`KernelError::OutOfMemory`].
    pub fn new(convolution: &Convolution<'_>, isa: Isa) -> Result<Self, KernelError> {
        let level = Level::detect(isa)?;
        let convolution = check(std::slice::from_ref(convolution))?;
        let &Convolution { inputs, outputs, .. } = convolution;
        let mut bias = Buffer::new(padded(outputs))?;
        bias[..outputs].copy_from_slice(convolution.bias);
        let (forward, backward) = (Filters::forward(convolution)?, Filters::backward(convolution)?);
        let weights = Weights { inputs, outputs, bias, forward, backward };
        Ok(Self { weights: Arc::new(weights), spare: Arc::default(), level })
    }

    /// Input channels.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.weights.inputs
    }

    /// Output channels.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.weights.outputs
    }

    /// Allocates what the next pass over pictures of this size will need, so that it cannot fail for want of
    /// memory (unless another thread takes it first).
    ///
    /// # Errors
    ///
    /// [`KernelError::NoPicture`], [`KernelError::PictureTooLarge`], [`KernelError::OutOfMemory`].
    pub fn reserve(&self, height: usize, width: usize) -> Result<(), KernelError> {
        self.check_size([1, height, width])?;
        self.with_work([height, width], |_| ())
    }

    /// `output = max(w * input + b, 0)`.
    ///
    /// # Shapes
    ///
    /// `input` `[batch, inputs, height, width]`, `output` `[batch, outputs, height, width]`, overwritten;
    /// `size` is `[batch, height, width]`.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoPicture`], [`KernelError::PictureTooLarge`], [`KernelError::Length`],
    /// [`KernelError::OutOfMemory`].
    pub fn forward(&self, size: [usize; 3], input: &[f32], output: &mut [f32]) -> Result<(), KernelError> {
        let [from, to] = self.check_size(size)?;
        let [batch, height, width] = size;
        check_length("the input", input.len(), batch.saturating_mul(from))?;
        check_length("the output", output.len(), batch.saturating_mul(to))?;
        self.with_work([height, width], |work| {
            for (input, output) in input.chunks_exact(from).zip(output.chunks_exact_mut(to)) {
                work.forward(&self.weights, self.level, input, output);
            }
        })
    }

    /// The gradient of the input from that of the output: the ReLU passes it where its output is positive
    /// (or NaN), then comes the convolution with the rotated weights.
    ///
    /// # Shapes
    ///
    /// `output`, as [`Conv3x3::forward`] wrote it, and its gradient `d_output` `[batch, outputs, height,
    /// width]`; `d_input` `[batch, inputs, height, width]`, overwritten; `size` is `[batch, height, width]`.
    ///
    /// # Errors
    ///
    /// As [`Conv3x3::forward`].
    pub fn backward(
        &self,
        size: [usize; 3],
        output: &[f32],
        d_output: &[f32],
        d_input: &mut [f32],
    ) -> Result<(), KernelError> {
        let [to, from] = self.check_size(size)?;
        let [batch, height, width] = size;
        check_length("the output", output.len(), batch.saturating_mul(from))?;
        check_length("the gradient of the output", d_output.len(), batch.saturating_mul(from))?;
        check_length("the gradient of the input", d_input.len(), batch.saturating_mul(to))?;
        self.with_work([height, width], |work| {
            let outputs = output.chunks_exact(from).zip(d_output.chunks_exact(from));
            for ((output, d_output), d_input) in outputs.zip(d_input.chunks_exact_mut(to)) {
                work.backward(&self.weights, self.level, (output, d_output), d_input);
            }
        })
    }

    /// Floats of one picture's input and output; refuses sizes that cannot be computed.
    fn check_size(&self, [batch, height, width]: [usize; 3]) -> Result<[usize; 2], KernelError> {
        if batch == 0 || height == 0 || width == 0 {
            return Err(KernelError::NoPicture { batch, height, width });
        }
        let &Weights { inputs, outputs, .. } = &*self.weights;
        let positions = height.checked_mul(width).filter(|&positions| {
            positions.checked_mul(padded(inputs.max(outputs))).is_some_and(|floats| floats <= MOST_FLOATS)
        });
        let positions = positions.ok_or(KernelError::PictureTooLarge { batch, height, width })?;
        Ok([inputs * positions, outputs * positions])
    }

    /// Lends the memory for one size to `run`.
    fn with_work<R>(&self, size: [usize; 2], run: impl FnOnce(&mut Work) -> R) -> Result<R, KernelError> {
        let threads = parallel::threads();
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut work = match spare {
            Some(work) if work.fits(size, threads) => work,
            // Another size: the old memory goes before the new one comes.
            other => {
                drop(other);
                Work::new(&self.weights, self.level, size, threads)?
            }
        };
        let result = run(&mut work);
        *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
        Ok(result)
    }
}

impl Work {
    fn new(
        weights: &Weights,
        level: Level,
        [height, width]: [usize; 2],
        threads: usize,
    ) -> Result<Self, KernelError> {
        let grid = Grid { height, width };
        let schedule =
            |filters: &Filters| Schedule::new(level, threads, filters.inputs, filters.outputs, grid);
        let (forward, backward) = (schedule(&weights.forward), schedule(&weights.backward));
        let map = |channels: usize| Buffer::new(padded(channels) * height * width);
        Ok(Self {
            grid,
            threads,
            input: map(weights.inputs)?,
            output: map(weights.outputs)?,
            workspace: Workspace::new(&[forward.clone(), backward.clone()])?,
            forward,
            backward,
        })
    }

    fn fits(&self, size: [usize; 2], threads: usize) -> bool {
        [self.grid.height, self.grid.width] == size && self.threads == threads
    }

    fn forward(&mut self, weights: &Weights, level: Level, input: &[f32], output: &mut [f32]) {
        group(self.threads, input, weights.inputs, &mut self.input);
        let epilogue = Epilogue {
            bias: weights.bias.ptr(),
            relu: true,
            ..Epilogue::plain(self.output.mut_ptr(), self.output.len())
        };
        let (source, filters) = (Source::Map(self.input.ptr()), &weights.forward);
        let pass = Pass { level, grid: self.grid, source, filters, style: None, epilogue };
        // SAFETY: both maps are whole and padded as the filters are, and different buffers; the bias covers the
        // padded outputs; the workspace was made for this schedule.
        unsafe { winograd::convolve(&pass, &self.forward, &mut self.workspace) }
        layout::ungroup(self.threads, &self.output, weights.outputs, output);
    }

    fn backward(
        &mut self,
        weights: &Weights,
        level: Level,
        (output, d_output): (&[f32], &[f32]),
        d_input: &mut [f32],
    ) {
        group(self.threads, d_output, weights.outputs, &mut self.output);
        layout::mask(self.threads, output, weights.outputs, &mut self.output);
        let epilogue = Epilogue::plain(self.input.mut_ptr(), self.input.len());
        let (source, filters) = (Source::Map(self.output.ptr()), &weights.backward);
        let pass = Pass { level, grid: self.grid, source, filters, style: None, epilogue };
        // SAFETY: both maps are whole and padded as the filters are, and different buffers; the workspace was
        // made for this schedule.
        unsafe { winograd::convolve(&pass, &self.backward, &mut self.workspace) }
        layout::ungroup(self.threads, &self.input, weights.inputs, d_input);
    }
}

fn check_length(what: &str, found: usize, expected: usize) -> Result<(), KernelError> {
    KernelError::check_length(|| what.into(), found, expected)
}

/// Planes to groups, the channels that only pad set to zero: a pass the other way may have left NaN there.
fn group(threads: usize, planes: &[f32], channels: usize, groups: &mut [f32]) {
    let positions = planes.len() / channels;
    groups[channels / GROUP * GROUP * positions..].fill(0.0);
    layout::group(threads, planes, channels, groups);
}
