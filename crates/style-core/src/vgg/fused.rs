//! The network on the CPU kernels: the same questions and answers as the generic way, and faster.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use style_format::PixelTransform;
use style_kernels::{Algorithm, Convolution, Derivative, Encoder, Options, Output, Plan, Tap};

use super::weights::PlainConvolution;
use super::{Kernel, Padding, Pooling};
use crate::convert::read;
use crate::{Error, Statistics};

/// Packs a network for the kernels.
pub(super) fn encoder(plain: &[PlainConvolution], input: PixelTransform) -> Result<Encoder, Error> {
    let network: Vec<Convolution<'_>> = plain
        .iter()
        .map(|plain| Convolution {
            inputs: plain.convolution.inputs(),
            outputs: plain.convolution.outputs(),
            weight: &plain.weight,
            bias: &plain.bias,
            pooled: plain.convolution.starts_block(),
        })
        .collect();
    let (scale, shift) = (input.scale_of_colours().to_vec(), input.shift_of_colours().to_vec());
    Ok(Encoder::new(&network, &Options { scale, shift, ..Options::default() })?)
}

/// What a plan is made for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    /// Batch, height and width of the picture.
    size: [usize; 3],
    taps: Vec<Tap>,
    wishes: Wishes,
}

/// The plan of the last pass, kept for the next one of the same key: a step then allocates nothing big.
pub(super) type SparePlan = Arc<Mutex<Option<(Key, Plan)>>>;

/// A forward pass on the kernels.
#[derive(Debug)]
pub(super) struct FusedPass {
    /// Always there until it goes home.
    plan: Option<(Key, Plan)>,
    home: SparePlan,
    device: Device,
}

/// How the caller wants the network computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wishes {
    pub(super) pooling: Pooling,
    /// Factor of every pooling's output.
    pub(super) gain: f32,
    pub(super) padding: Padding,
    pub(super) kernel: Kernel,
}

impl FusedPass {
    /// Runs the network on `image` `[batch, 3, height, width]`, reading at `taps`.
    pub(super) fn new(
        encoder: &Encoder,
        wishes: Wishes,
        image: Tensor<4>,
        taps: Vec<Tap>,
        home: &SparePlan,
    ) -> Result<Self, Error> {
        let [batch, _, height, width] = image.dims();
        let key = Key { size: [batch, height, width], taps, wishes };
        let spare = home.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut plan = match spare {
            Some((of, plan)) if of == key => plan,
            // Made for something else: the old buffers go before the new ones come.
            other => {
                drop(other);
                configured(encoder, wishes).plan(batch, height, width, &key.taps)?
            }
        };
        let device = image.device();
        plan.forward(&read(image, "reading the picture")?)?;
        Ok(Self { plan: Some((key, plan)), home: Arc::clone(home), device })
    }

    fn plan(&self) -> Result<&Plan, Error> {
        let missing = || Error::Device { doing: "reading a pass", reason: "its plan is gone".into() };
        self.plan.as_ref().map(|(_, plan)| plan).ok_or_else(missing)
    }

    /// A tapped map, `[batch, C, height, width]`.
    pub(super) fn map(&self, tap: Tap) -> Result<Tensor<4>, Error> {
        let plan = self.plan()?;
        let shape = plan.shape(tap.convolution)?;
        let mut map = vec![0.0; shape.iter().product()];
        match tap.output {
            Output::PreActivation => plan.pre_activation(tap.convolution, &mut map)?,
            Output::Features | Output::Statistics => plan.features(tap.convolution, &mut map)?,
        }
        Ok(Tensor::from_data(TensorData::new(map, shape), &self.device))
    }

    /// Tapped statistics.
    pub(super) fn statistics(&self, convolution: usize) -> Result<Statistics, Error> {
        let plan = self.plan()?;
        let [batch, channels, height, width] = plan.shape(convolution)?;
        let mean = TensorData::new(plan.mean(convolution)?.to_vec(), [batch, channels]);
        let gram = TensorData::new(plan.gram(convolution)?.to_vec(), [batch, channels, channels]);
        Ok(Statistics {
            mean: Tensor::from_data(mean, &self.device),
            gram: Tensor::from_data(gram, &self.device),
            positions: height * width,
        })
    }

    /// The gradient of the pixels from the derivatives of what the taps gave.
    pub(super) fn backward(&mut self, derivatives: &HostDerivatives) -> Result<Tensor<4>, Error> {
        let plan = self.plan.as_mut();
        let Some((_, plan)) = plan else {
            return Err(Error::Device { doing: "going back", reason: "its plan is gone".into() });
        };
        let shape = plan.image_shape();
        let mut gradient = vec![0.0; shape.iter().product()];
        let derivatives: Vec<_> = derivatives.0.iter().map(|(of, values)| of.with(values)).collect();
        plan.backward(&derivatives, &mut gradient)?;
        Ok(Tensor::from_data(TensorData::new(gradient, shape), &self.device))
    }
}

impl Drop for FusedPass {
    fn drop(&mut self) {
        if let Some(spare) = self.plan.take() {
            *self.home.lock().unwrap_or_else(PoisonError::into_inner) = Some(spare);
        }
    }
}

/// What a derivative is taken of, at a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Gram(usize),
    Mean(usize),
    Features(usize),
    PreActivation(usize),
}

impl Of {
    fn with(self, values: &[f32]) -> Derivative<'_> {
        match self {
            Self::Gram(convolution) => Derivative::Gram { convolution, values },
            Self::Mean(convolution) => Derivative::Mean { convolution, values },
            Self::Features(convolution) => Derivative::Features { convolution, values },
            Self::PreActivation(convolution) => Derivative::PreActivation { convolution, values },
        }
    }
}

/// Derivatives in host memory, one of each kind and place.
#[derive(Debug, Default)]
pub(super) struct HostDerivatives(Vec<(Of, Vec<f32>)>);

impl HostDerivatives {
    /// Adds a derivative to what is there of its kind and place.
    pub(super) fn add<const D: usize>(&mut self, of: Of, derivative: Tensor<D>) -> Result<(), Error> {
        let values = read(derivative, "reading a derivative")?;
        match self.0.iter_mut().find(|(there, _)| *there == of) {
            Some((_, sum)) => sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
            None => self.0.push((of, values)),
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The encoder in the way the caller wants it; the weights stay shared.
pub(super) fn configured(encoder: &Encoder, wishes: Wishes) -> Encoder {
    let pooling = match wishes.pooling {
        Pooling::Max => style_kernels::Pooling::Max,
        Pooling::Average => style_kernels::Pooling::Average,
        Pooling::L2 => style_kernels::Pooling::L2,
    };
    let padding = match wishes.padding {
        Padding::Zero => style_kernels::Padding::Zero,
        Padding::Replicate => style_kernels::Padding::Replicate,
        Padding::Reflect => style_kernels::Padding::Reflect,
    };
    let algorithm = match wishes.kernel {
        Kernel::Direct => Algorithm::Direct,
        Kernel::Winograd | Kernel::Burn => Algorithm::Winograd,
    };
    let encoder = encoder.clone().with_pooling(pooling).with_pooling_gain(wishes.gain);
    encoder.with_padding(padding).with_algorithm(algorithm)
}
