//! Derivatives of statistics and maps to the gradient of the picture.

use super::layout::StageLayout;
use super::{Plan, Stage};
use crate::convolution::{Pass, Style};
use crate::direct::Entry;
use crate::epilogue::Epilogue;
use crate::pool::Pool;
use crate::winograd::Source;
use crate::{Derivative, KernelError, Pooling, gram, layout as channels};

/// The derivatives that enter at one convolution, of the whole batch.
#[derive(Debug, Clone, Copy, Default)]
struct Given<'a> {
    gram: Option<&'a [f32]>,
    mean: Option<&'a [f32]>,
    features: Option<&'a [f32]>,
    pre_activation: Option<&'a [f32]>,
}

/// What enters at the ReLU's output of one convolution, ready to be fused; null where nothing does.
struct Entering {
    style: Option<Style>,
    bias: *const f32,
    added: *const f32,
}

impl Plan {
    /// The gradient of the picture, for the derivatives of a loss with respect to what the taps gave.
    ///
    /// Derivatives that are not given are zero; the pass starts at the deepest one given. It may be called
    /// any number of times after a forward pass.
    ///
    /// The ReLU passes a gradient where its output is positive (or NaN), max pooling to the first largest of
    /// its window in row order, L2 pooling in proportion to the values (none where all are 0).
    ///
    /// # Shapes
    ///
    /// `gradient` `[batch, inputs, height, width]`, overwritten; the derivatives as [`Derivative`] says.
    ///
    /// # Errors
    ///
    /// [`KernelError::NotTapped`], [`KernelError::NotRun`], [`KernelError::Length`].
    pub fn backward(
        &mut self,
        derivatives: &[Derivative<'_>],
        gradient: &mut [f32],
    ) -> Result<(), KernelError> {
        let len = self.image_shape()[1..].iter().product::<usize>();
        KernelError::check_length(|| "the gradient".into(), gradient.len(), self.layout.batch * len)?;
        for derivative in derivatives {
            self.check_derivative(derivative)?;
        }
        if !self.ran {
            return Err(KernelError::NotRun);
        }
        let Some(deepest) = derivatives.iter().map(|derivative| derivative.tap().convolution).max() else {
            gradient.fill(0.0);
            return Ok(());
        };
        for (picture, gradient) in gradient.chunks_exact_mut(len).enumerate() {
            self.backward_picture(picture, deepest, derivatives, gradient);
        }
        Ok(())
    }

    fn check_derivative(&self, derivative: &Derivative<'_>) -> Result<(), KernelError> {
        let tap = derivative.tap();
        self.check_tap(tap)?;
        let stage = &self.layout.stages[tap.convolution];
        let (name, found, expected) = match derivative {
            Derivative::Gram { values, .. } => ("Gram matrix", values.len(), stage.channels * stage.channels),
            Derivative::Mean { values, .. } => ("mean", values.len(), stage.channels),
            Derivative::Features { values, .. } => {
                ("feature map", values.len(), stage.channels * stage.positions())
            }
            Derivative::PreActivation { values, .. } => {
                ("map before the ReLU", values.len(), stage.channels * stage.positions())
            }
        };
        let what = || format!("the derivative of the {name} of convolution {}", tap.convolution);
        KernelError::check_length(what, found, self.layout.batch * expected)
    }

    fn backward_picture(
        &mut self,
        picture: usize,
        deepest: usize,
        derivatives: &[Derivative<'_>],
        gradient: &mut [f32],
    ) {
        let threads = self.layout.threads;
        for index in (0..=deepest).rev() {
            let given = Given::at(index, derivatives);
            let layout = &self.layout.stages[index];
            if index == deepest || layout.leaves != layout.arrives {
                self.enter(picture, index, index == deepest, &given);
            }
            let layout = &self.layout.stages[index];
            if let Some(values) = given.pre_activation {
                let len = layout.channels * layout.positions();
                let values = &values[picture * len..][..len];
                let map = &mut self.gradients[layout.leaves][..layout.map_len()];
                channels::add(threads, values, layout.channels, map);
            }
            if index > 0 {
                self.convolve_back(picture, index, derivatives);
            }
        }
        let encoder = &self.encoder;
        let layout = &self.layout.stages[0];
        encoder.weights.first.backward(
            (encoder.level, threads),
            (layout.grid, encoder.padding),
            &self.gradients[layout.leaves][..layout.map_len()],
            (&mut self.planes, &mut self.scratch.rows),
            gradient,
        );
    }

    /// The gradient of a convolution's sums where it does not come out of the convolution above: at the
    /// deepest, and below a pooling that is not fused.
    fn enter(&mut self, picture: usize, index: usize, deepest: bool, given: &Given<'_>) {
        let entering = self.entering(picture, index, given);
        let layout = &self.layout.stages[index];
        let stage = &self.stages[index];
        let spread = (!deepest && layout.pooled_after)
            .then(|| spread(self.encoder.pool, &self.gradients[layout.arrives], picture, stage, layout));
        let out = &mut self.gradients[layout.leaves];
        let entry = Entry {
            level: self.encoder.level,
            grid: layout.grid,
            channels: layout.wide,
            style: entering.style,
            spread,
            epilogue: Epilogue {
                bias: entering.bias,
                added: entering.added,
                mask: stage.map_of(picture, layout).as_ptr(),
                ..Epilogue::plain(out.mut_ptr(), layout.map_len())
            },
        };
        // SAFETY: map, features and derivative have the grid's size, the two gradient buffers are different
        // ones and large enough, the rows belong to this plan.
        unsafe { entry.run(self.layout.threads, &mut self.scratch.rows) }
    }

    /// The gradient at the input of convolution `index`, with the derivatives that enter there.
    fn convolve_back(&mut self, picture: usize, index: usize, derivatives: &[Derivative<'_>]) {
        let pooled = self.encoder.weights.layers[index].pooled;
        let entering = if pooled {
            Entering { style: None, bias: std::ptr::null(), added: std::ptr::null() }
        } else {
            self.entering(picture, index - 1, &Given::at(index - 1, derivatives))
        };
        let (layout, below) = (&self.layout.stages[index], &self.layout.stages[index - 1]);
        let Some((_, filters)) = &self.encoder.weights.layers[index].filters else { return };
        let (mask, out_len) = if pooled {
            (std::ptr::null(), below.pooled_len())
        } else {
            (self.stages[index - 1].map_of(picture, below).as_ptr(), below.map_len())
        };
        let from = &self.gradients[layout.leaves];
        let source = if layout.spread {
            spread(self.encoder.pool, from, picture, &self.stages[index], layout)
        } else {
            Source::Map(from.ptr())
        };
        let pass = Pass {
            level: self.encoder.level,
            grid: layout.grid,
            source,
            filters,
            style: entering.style,
            epilogue: Epilogue {
                bias: entering.bias,
                added: entering.added,
                mask,
                ..Epilogue::plain(self.gradients[below.arrives].mut_ptr(), out_len)
            },
        };
        debug_assert_ne!(layout.leaves, below.arrives);
        // SAFETY: source and output are different buffers, sized for their grids; mask, features and added
        // derivative have the output's size.
        unsafe {
            let schedule = layout.schedules.as_ref().map(|schedules| &schedules.1);
            self.scratch.convolve(&pass, schedule, self.layout.threads);
        }
    }

    /// Brings what enters at a ReLU's output into the form that passes can fuse.
    fn entering(&mut self, picture: usize, index: usize, given: &Given<'_>) -> Entering {
        let (layout, stage) = (&self.layout.stages[index], &self.stages[index]);
        let (threads, scratch) = (self.layout.threads, &mut self.scratch);
        let positions = layout.positions();
        let of = |values: &'_ [f32], len: usize| picture * len..(picture * len + len).min(values.len());
        let style = given.gram.map(|values| {
            let values = &values[of(values, layout.channels * layout.channels)];
            gram::gradient_matrix(threads, values, layout.channels, positions, &mut scratch.matrix);
            Style { features: stage.map_of(picture, layout).as_ptr(), matrix: scratch.matrix.ptr() }
        });
        let bias = given.mean.map_or(std::ptr::null(), |values| {
            scratch.mean.fill(0.0);
            for (mean, value) in scratch.mean.iter_mut().zip(&values[of(values, layout.channels)]) {
                *mean = value / positions as f32;
            }
            scratch.mean.as_ptr()
        });
        let added = given.features.map_or(std::ptr::null(), |values| {
            let values = &values[of(values, layout.channels * positions)];
            let added = &mut scratch.added[..layout.map_len()];
            if layout.channels < layout.wide {
                added.fill(0.0);
            }
            channels::group(threads, values, layout.channels, added);
            scratch.added.ptr()
        });
        Entering { style, bias, added }
    }
}

/// The pooled gradient of a stage, to be spread over its map.
fn spread(pool: Pool, gradient: &[f32], picture: usize, stage: &Stage, layout: &StageLayout) -> Source {
    let (gradient, share) = (gradient.as_ptr(), pool.share());
    match pool.pooling {
        Pooling::Max | Pooling::Average => {
            Source::Pooled { gradient, routing: stage.routing_of(picture, layout).as_ptr(), share }
        }
        Pooling::L2 => {
            let norms = stage.pooled_of(picture, layout).as_ptr();
            Source::Norm { gradient, norms, map: stage.map_of(picture, layout).as_ptr(), share }
        }
    }
}

impl<'a> Given<'a> {
    /// The derivatives at one convolution.
    fn at(convolution: usize, derivatives: &[Derivative<'a>]) -> Self {
        let mut given = Self::default();
        for derivative in derivatives {
            if derivative.tap().convolution == convolution {
                match *derivative {
                    Derivative::Gram { values, .. } => given.gram = Some(values),
                    Derivative::Mean { values, .. } => given.mean = Some(values),
                    Derivative::Features { values, .. } => given.features = Some(values),
                    Derivative::PreActivation { values, .. } => given.pre_activation = Some(values),
                }
            }
        }
        given
    }
}
