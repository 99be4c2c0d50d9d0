//! Pictures to statistics and maps.

use super::layout::StageLayout;
use super::{Plan, Scratch, Stage};
use crate::convolution::Pass;
use crate::encoder::Layer;
use crate::epilogue::Epilogue;
use crate::winograd::{self, Source};
use crate::{Encoder, KernelError, direct, gram, pool};

impl Plan {
    /// Runs the network as deep as the deepest tap.
    ///
    /// NaN and infinite pixels give NaN or infinite results; nothing else happens to them.
    ///
    /// # Shapes
    ///
    /// `image` `[batch, inputs, height, width]`
    ///
    /// # Errors
    ///
    /// [`KernelError::Length`].
    pub fn forward(&mut self, image: &[f32]) -> Result<(), KernelError> {
        let picture_len = self.image_shape()[1..].iter().product::<usize>();
        KernelError::check_length(|| "the image".into(), image.len(), self.layout.batch * picture_len)?;
        self.ran = false;
        for (picture, image) in image.chunks_exact(picture_len).enumerate() {
            self.forward_picture(picture, image);
        }
        self.ran = true;
        Ok(())
    }

    fn forward_picture(&mut self, picture: usize, image: &[f32]) {
        let (encoder, threads) = (&self.encoder, self.layout.threads);
        let first = &encoder.weights.first;
        let grid = self.layout.stages[0].grid;
        first.fill_planes(threads, grid, encoder.padding, image, &mut self.planes);
        for index in 0..self.stages.len() {
            let (before, rest) = self.stages.split_at_mut(index);
            let (layout, layer) = (&self.layout.stages[index], &encoder.weights.layers[index]);
            let mut stage = rest[0].picture(picture, layout);
            let epilogue = stage.epilogue(encoder, layout, layer);
            match (before.last(), &layer.filters) {
                (Some(input), Some((filters, _))) => {
                    let below = &self.layout.stages[index - 1];
                    let input = if layer.pooled {
                        input.pooled_of(picture, below)
                    } else {
                        input.map_of(picture, below)
                    };
                    let source = Source::Map(input.as_ptr());
                    let pass = Pass {
                        level: encoder.level,
                        grid: layout.grid,
                        source,
                        filters,
                        style: None,
                        epilogue,
                    };
                    // SAFETY: the input is a whole map of the filters' inputs; the epilogue writes to other
                    // buffers, sized for the grid.
                    unsafe { self.scratch.convolve(&pass, layout.schedules.as_ref().map(|s| &s.0), threads) }
                }
                // SAFETY: the planes are filled; the epilogue writes to buffers sized for the grid.
                _ => unsafe { first.forward(encoder.level, threads, grid, &self.planes, epilogue) },
            }
            stage.derive(encoder, layout, threads, &mut self.scratch);
        }
    }
}

impl Scratch {
    /// One pass, by Winograd where there is a schedule.
    ///
    /// # Safety
    /// As [`Pass`] says.
    pub(super) unsafe fn convolve(
        &mut self,
        pass: &Pass<'_>,
        schedule: Option<&winograd::Schedule>,
        threads: usize,
    ) {
        // SAFETY: the caller's promise; workspace and rows were sized for this plan.
        unsafe {
            match schedule {
                Some(schedule) => winograd::convolve(pass, schedule, &mut self.workspace),
                None => direct::convolve(pass, threads, &mut self.rows),
            }
        }
    }
}

impl Stage {
    /// The map of one picture.
    pub(super) fn map_of(&self, picture: usize, layout: &StageLayout) -> &[f32] {
        &self.map[picture * layout.map_len()..][..layout.map_len()]
    }

    /// The pooled map of one picture.
    pub(super) fn pooled_of(&self, picture: usize, layout: &StageLayout) -> &[f32] {
        &self.pooled[picture * layout.pooled_len()..][..layout.pooled_len()]
    }

    /// The bytes that route one picture's pooled gradient.
    pub(super) fn routing_of(&self, picture: usize, layout: &StageLayout) -> &[u8] {
        &self.routing[picture * layout.pooled_len()..][..layout.pooled_len()]
    }

    fn picture(&mut self, picture: usize, layout: &StageLayout) -> StagePicture<'_> {
        fn part<T>(buffer: &mut [T], picture: usize, len: usize) -> &mut [T] {
            if buffer.is_empty() { buffer } else { &mut buffer[picture * len..][..len] }
        }
        StagePicture {
            map: part(&mut self.map, picture, layout.map_len()),
            before: part(&mut self.before, picture, layout.map_len()),
            pooled: part(&mut self.pooled, picture, layout.pooled_len()),
            routing: part(&mut self.routing, picture, layout.pooled_len()),
            gram: part(&mut self.gram, picture, layout.channels * layout.channels),
            mean: part(&mut self.mean, picture, layout.channels),
        }
    }
}

/// A stage's buffers for one picture of the batch; empty where the plan has none.
struct StagePicture<'a> {
    map: &'a mut [f32],
    before: &'a mut [f32],
    pooled: &'a mut [f32],
    routing: &'a mut [u8],
    gram: &'a mut [f32],
    mean: &'a mut [f32],
}

impl StagePicture<'_> {
    /// Where the convolution stores its result, and what it does to it on the way.
    fn epilogue(&mut self, encoder: &Encoder, layout: &StageLayout, layer: &Layer) -> Epilogue {
        let out = if layout.fused {
            &mut *self.pooled
        } else if layout.pre_activation {
            &mut *self.before
        } else {
            &mut *self.map
        };
        Epilogue {
            bias: layer.bias.ptr(),
            relu: !layout.pre_activation,
            pool: encoder.pool,
            routing: if layout.fused { self.routing.as_mut_ptr() } else { std::ptr::null_mut() },
            ..Epilogue::plain(out.as_mut_ptr(), out.len())
        }
    }

    /// Everything that follows from the convolution's result and was not fused with it.
    fn derive(&mut self, encoder: &Encoder, layout: &StageLayout, threads: usize, scratch: &mut Scratch) {
        let level = encoder.level;
        if layout.pre_activation {
            pool::relu(level, threads, self.before, self.map);
        }
        if layout.statistics {
            let scratch = &mut scratch.gram;
            gram::statistics((level, threads), self.map, layout.channels, scratch, self.mean, self.gram);
        }
        if layout.pooled_after && !layout.fused {
            let (pooled, routing) = (&mut *self.pooled, &mut *self.routing);
            pool::pool((level, threads), encoder.pool, layout.grid, self.map, pooled, routing);
        }
    }
}
