//! The frozen network, ready to run.

use std::sync::Arc;

use crate::filters::{Filters, padded};
use crate::first::First;
use crate::memory::Buffer;
use crate::plan::Layout;
use crate::pool::Pool;
use crate::simd::Level;
use crate::{Algorithm, Convolution, Isa, KernelError, Options, Padding, Plan, Pooling, Tap};

/// A frozen network with its weights packed. Cloning is cheap: the weights are shared.
///
/// # Examples
///
/// ```
/// use style_kernels::{Convolution, Encoder, Options, Padding, Pooling};
///
/// let (weight, bias) = (vec![0.1; 4 * 3 * 9], vec![0.0; 4]);
/// let network = [Convolution { inputs: 3, outputs: 4, weight: &weight, bias: &bias, pooled: false }];
/// let encoder = Encoder::new(&network, &Options::default())?;
/// let smoother = encoder.clone().with_pooling(Pooling::Average).with_padding(Padding::Replicate);
/// # Ok::<(), style_kernels::KernelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Encoder {
    pub(crate) weights: Arc<Weights>,
    pub(crate) pool: Pool,
    pub(crate) padding: Padding,
    pub(crate) algorithm: Algorithm,
    pub(crate) level: Level,
}

/// What is the same for all clones of an encoder.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) first: First,
    /// One for every convolution; the first of them has no filters here.
    pub(crate) layers: Vec<Layer>,
}

/// A convolution as the encoder keeps it.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) channels: usize,
    pub(crate) pooled: bool,
    /// Padded like the channels.
    pub(crate) bias: Buffer<f32>,
    /// Filters forward and backward; `None` for the first convolution.
    pub(crate) filters: Option<(Filters, Filters)>,
}

impl Encoder {
    /// Packs the weights.
    ///
    /// The encoder keeps them as they are, nine floats a filter, once for each direction: 104 MB for VGG-19
    /// to `conv5_1`.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoConvolution`], [`KernelError::NoChannels`], [`KernelError::Channels`],
    /// [`KernelError::PoolingFirst`], [`KernelError::Length`] for a weight, a bias, `scale` or `shift`,
    /// [`KernelError::IsaUnavailable`], [`KernelError::UnknownIsa`], [`KernelError::OutOfMemory`].
    pub fn new(network: &[Convolution<'_>], options: &Options) -> Result<Self, KernelError> {
        let level = Level::detect(options.isa)?;
        let first = check(network)?;
        let per_channel = |what: &str, values: &[f32], default: f32| {
            if values.is_empty() {
                return Ok(vec![default; first.inputs]);
            }
            KernelError::check_length(|| what.to_owned(), values.len(), first.inputs)?;
            Ok(values.to_vec())
        };
        let scale = per_channel("the scale", &options.scale, 1.0)?;
        let shift = per_channel("the shift", &options.shift, 0.0)?;
        let layers = network
            .iter()
            .enumerate()
            .map(|(i, convolution)| {
                let mut bias = Buffer::new(padded(convolution.outputs))?;
                bias[..convolution.outputs].copy_from_slice(convolution.bias);
                let filters = match i {
                    0 => None,
                    _ => Some((Filters::forward(convolution)?, Filters::backward(convolution)?)),
                };
                Ok(Layer { channels: convolution.outputs, pooled: convolution.pooled, bias, filters })
            })
            .collect::<Result<_, KernelError>>()?;
        Ok(Self {
            weights: Arc::new(Weights { first: First::new(first, scale, shift)?, layers }),
            pool: Pool { pooling: options.pooling, gain: 1.0 },
            padding: options.padding,
            algorithm: options.algorithm,
            level,
        })
    }

    /// The same network with another pooling; shares the weights.
    #[must_use]
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pool.pooling = pooling;
        self
    }

    /// The same network with every pooling's output multiplied by a factor, which is 1 unless it is set here; shares
    /// the weights.
    ///
    /// A network that was trained with max pooling sees weaker maps behind averages and stronger ones behind norms;
    /// the factor makes up for that.
    ///
    /// # Reference
    ///
    /// crowsonkb/style-transfer-pytorch multiplies averages by 2.0 and norms by 0.78.
    #[must_use]
    pub fn with_pooling_gain(mut self, gain: f32) -> Self {
        self.pool.gain = gain;
        self
    }

    /// The same network with another padding of its first convolution; shares the weights.
    #[must_use]
    pub fn with_padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// The same network computed another way; shares the weights.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The same network with other instructions; shares the weights.
    ///
    /// # Errors
    ///
    /// [`KernelError::IsaUnavailable`], [`KernelError::UnknownIsa`].
    pub fn with_isa(mut self, isa: Isa) -> Result<Self, KernelError> {
        self.level = Level::detect(isa)?;
        Ok(self)
    }

    /// The instructions in use, never [`Isa::Auto`].
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.level.isa()
    }

    /// Number of convolutions.
    #[must_use]
    pub fn convolutions(&self) -> usize {
        self.weights.layers.len()
    }

    /// Memory of the packed weights in bytes, shared by all clones and plans.
    ///
    /// For channel counts that are multiples of 32 it is 4 x 18 bytes for every pair of an input and an
    /// output channel, plus little for biases and the first convolution.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let layer = |layer: &Layer| {
            let filters = layer.filters.as_ref().map_or(0, |(f, b)| f.bytes() + b.bytes());
            layer.bias.bytes() + filters
        };
        self.weights.first.bytes() + self.weights.layers.iter().map(layer).sum::<usize>()
    }

    /// Memory in bytes that [`Encoder::plan`] would allocate, without doing so.
    ///
    /// It depends on the number of threads of the rayon pool in which it is called, as the plan does.
    ///
    /// # Errors
    ///
    /// As [`Encoder::plan`].
    pub fn plan_bytes(
        &self,
        batch: usize,
        height: usize,
        width: usize,
        taps: &[Tap],
    ) -> Result<usize, KernelError> {
        Ok(Layout::new(self, [batch, height, width], taps)?.bytes())
    }

    /// Allocates everything that passes over pictures of one size with the same taps need.
    ///
    /// The plan uses as many threads as the rayon pool in which it is made (the global one outside of any
    /// pool) and runs in whatever pool its methods are called.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoTap`], [`KernelError::NoSuchConvolution`], [`KernelError::NoPicture`],
    /// [`KernelError::PictureTooSmall`], [`KernelError::PictureTooLarge`], [`KernelError::OutOfMemory`].
    pub fn plan(&self, batch: usize, height: usize, width: usize, taps: &[Tap]) -> Result<Plan, KernelError> {
        Plan::new(self.clone(), Layout::new(self, [batch, height, width], taps)?)
    }
}

/// Checks that the convolutions fit together; returns the first.
pub(crate) fn check<'a, 'b>(network: &'b [Convolution<'a>]) -> Result<&'b Convolution<'a>, KernelError> {
    let first = network.first().ok_or(KernelError::NoConvolution)?;
    if first.pooled {
        return Err(KernelError::PoolingFirst);
    }
    let mut expected = first.inputs;
    for (convolution, &Convolution { inputs, outputs, weight, bias, .. }) in network.iter().enumerate() {
        if inputs == 0 || outputs == 0 {
            return Err(KernelError::NoChannels { convolution, inputs, outputs });
        }
        if inputs != expected {
            return Err(KernelError::Channels { convolution, found: inputs, expected });
        }
        let size = inputs.saturating_mul(outputs).saturating_mul(9);
        KernelError::check_length(|| format!("the weight of convolution {convolution}"), weight.len(), size)?;
        KernelError::check_length(|| format!("the bias of convolution {convolution}"), bias.len(), outputs)?;
        expected = outputs;
    }
    Ok(first)
}
