//! What a plan holds, worked out before anything is allocated.

use crate::filters::padded;
use crate::grid::Grid;
use crate::winograd::{Schedule, Workspace};
use crate::{Algorithm, Encoder, KernelError, Output, Pooling, Tap, direct, gram, parallel};

/// Floats a plan may have in one buffer: a size in bytes must fit an `isize`, with room to spare.
const MOST_FLOATS: usize = isize::MAX as usize / 64;

/// Sizes of everything in a plan.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) batch: usize,
    pub(crate) threads: usize,
    /// One for every convolution that runs.
    pub(crate) stages: Vec<StageLayout>,
    /// Floats of the two buffers that gradients go back and forth between.
    pub(crate) gradients: [usize; 2],
    pub(crate) planes: usize,
    /// Scratch floats of a thread for rows.
    pub(crate) row: usize,
    pub(crate) gram_scratch: usize,
    /// Floats of the largest matrix that a Gram derivative becomes.
    pub(crate) matrix: usize,
    /// Floats of the largest tapped feature map of one picture.
    pub(crate) added: usize,
}

/// One convolution of a plan.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each answers a question of its own
pub(crate) struct StageLayout {
    pub(crate) grid: Grid,
    pub(crate) channels: usize,
    /// Channels, padded.
    pub(crate) wide: usize,
    pub(crate) statistics: bool,
    pub(crate) features: bool,
    pub(crate) pre_activation: bool,
    /// Whether a pooling follows that the plan runs.
    pub(crate) pooled_after: bool,
    /// Whether that pooling is part of the convolution, the map itself never stored.
    pub(crate) fused: bool,
    /// Whether the way back through that pooling is part of the convolution's.
    pub(crate) spread: bool,
    /// Whether that pooling notes in a byte which values pass a gradient.
    pub(crate) routed: bool,
    /// The buffer in which the gradient arrives from above: of the pooled map if there is one.
    pub(crate) arrives: usize,
    /// The buffer in which the gradient is when the convolution's backward pass reads it.
    pub(crate) leaves: usize,
    /// Both directions; `None` for the first convolution and in the strict mode.
    pub(crate) schedules: Option<(Schedule, Schedule)>,
}

impl StageLayout {
    /// Floats of the map of one picture, padded channels included.
    pub(crate) fn map_len(&self) -> usize {
        self.wide * self.grid.positions()
    }

    /// Floats of the pooled map of one picture.
    pub(crate) fn pooled_len(&self) -> usize {
        self.wide * (self.grid.height / 2) * (self.grid.width / 2)
    }

    /// Positions of the map.
    pub(crate) fn positions(&self) -> usize {
        self.grid.height * self.grid.width
    }
}

impl Layout {
    pub(crate) fn new(
        encoder: &Encoder,
        [batch, height, width]: [usize; 3],
        taps: &[Tap],
    ) -> Result<Self, KernelError> {
        let layers = &encoder.weights.layers;
        let deepest = taps.iter().map(|tap| tap.convolution).max().ok_or(KernelError::NoTap)?;
        if deepest >= layers.len() {
            return Err(KernelError::NoSuchConvolution { convolution: deepest, last: layers.len() - 1 });
        }
        if batch == 0 || height == 0 || width == 0 {
            return Err(KernelError::NoPicture { batch, height, width });
        }
        let widest = layers.iter().map(|layer| padded(layer.channels)).max().unwrap_or(0);
        let widest = widest.max(padded(9 * encoder.weights.first.inputs));
        let border = |size: usize| size.checked_add(2);
        let floats = border(height).zip(border(width)).and_then(|(h, w)| h.checked_mul(w));
        let floats = floats.and_then(|n| n.checked_mul(widest)).and_then(|n| n.checked_mul(batch));
        if floats.is_none_or(|n| n > MOST_FLOATS) {
            return Err(KernelError::PictureTooLarge { batch, height, width });
        }

        let threads = parallel::threads();
        let mut stages = Vec::with_capacity(deepest + 1);
        let (mut rows, mut columns) = (height, width);
        for (convolution, layer) in layers.iter().enumerate().take(deepest + 1) {
            if layer.pooled {
                (rows, columns) = (rows / 2, columns / 2);
            }
            if rows == 0 || columns == 0 {
                let poolings = layers[..=convolution].iter().filter(|layer| layer.pooled).count();
                let least = 1 << poolings;
                return Err(KernelError::PictureTooSmall { height, width, convolution, least });
            }
            let has = |output| taps.contains(&Tap { convolution, output });
            let pooled_after = convolution < deepest && layers[convolution + 1].pooled;
            let winograd = convolution > 0 && encoder.algorithm == Algorithm::Winograd;
            let norms = encoder.pool.pooling == Pooling::L2;
            let tapped = taps.iter().any(|tap| tap.convolution == convolution);
            let grid = Grid { height: rows, width: columns };
            let schedules = layer.filters.as_ref().filter(|_| winograd).map(|(forward, backward)| {
                let schedule = |f: &crate::filters::Filters| {
                    Schedule::new(encoder.level, threads, f.inputs, f.outputs, grid)
                };
                (schedule(forward), schedule(backward))
            });
            stages.push(StageLayout {
                grid,
                channels: layer.channels,
                wide: padded(layer.channels),
                statistics: has(Output::Statistics),
                features: has(Output::Features),
                pre_activation: has(Output::PreActivation),
                pooled_after,
                // Norms need the map again on the way back.
                fused: pooled_after && winograd && !tapped && !norms,
                spread: pooled_after && winograd && !tapped,
                routed: pooled_after && !norms,
                arrives: 0,
                leaves: 0,
                schedules,
            });
        }
        Ok(Self::with_scratch(encoder, batch, threads, stages))
    }

    fn with_scratch(encoder: &Encoder, batch: usize, threads: usize, mut stages: Vec<StageLayout>) -> Self {
        let (mut gradients, mut buffer) = ([0; 2], 1);
        for stage in stages.iter_mut().rev() {
            let mut take = |len: usize| {
                buffer = 1 - buffer;
                gradients[buffer] = gradients[buffer].max(len);
                buffer
            };
            stage.arrives = take(if stage.pooled_after { stage.pooled_len() } else { stage.map_len() });
            stage.leaves =
                if stage.pooled_after && !stage.spread { take(stage.map_len()) } else { stage.arrives };
        }
        let first = &encoder.weights.first;
        let Grid { height, width } = stages[0].grid;
        let run = &encoder.weights.layers[..stages.len()];
        let inputs = run.iter().filter_map(|layer| layer.filters.as_ref());
        let inputs = inputs.flat_map(|(forward, backward)| [forward.inputs, backward.inputs]).max();
        let filters = match encoder.algorithm {
            Algorithm::Winograd => 0,
            Algorithm::Direct => inputs.map_or(0, direct::filters_len),
        };
        let most = |of: &dyn Fn(&StageLayout) -> usize| stages.iter().map(of).max().unwrap_or(0);
        Self {
            batch,
            threads,
            gradients,
            planes: first.planes_len(height, width),
            row: first.row_len(width).max(direct::row_len(width) + filters),
            gram_scratch: most(&|stage| {
                if stage.statistics { gram::scratch_len(stage.channels, stage.positions()) } else { 0 }
            }),
            matrix: most(&|stage| if stage.statistics { stage.wide * stage.wide } else { 0 }),
            added: most(&|stage| if stage.features { stage.map_len() } else { 0 }),
            stages,
        }
    }

    /// The schedules of all passes.
    pub(crate) fn schedules(&self) -> Vec<Schedule> {
        let both = self.stages.iter().filter_map(|stage| stage.schedules.clone());
        both.flat_map(|(forward, backward)| [forward, backward]).collect()
    }

    /// Bytes of all buffers.
    pub(crate) fn bytes(&self) -> usize {
        let stage = |stage: &StageLayout| {
            let map = if stage.fused { 0 } else { stage.map_len() };
            let before = if stage.pre_activation { stage.map_len() } else { 0 };
            let pooled = if stage.pooled_after { stage.pooled_len() } else { 0 };
            let statistics = if stage.statistics { stage.channels * (stage.channels + 1) } else { 0 };
            let routing = if stage.routed { stage.pooled_len() } else { 0 };
            self.batch * (4 * (map + before + pooled + statistics) + routing)
        };
        let scratch = self.gradients.iter().sum::<usize>()
            + self.planes
            + self.row * self.threads
            + self.gram_scratch
            + self.matrix
            + self.added;
        self.stages.iter().map(stage).sum::<usize>() + 4 * scratch + Workspace::forecast(&self.schedules())
    }
}
