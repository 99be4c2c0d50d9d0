//! How a pass is cut into pieces, and the memory that takes.

use std::ops::Range;

use super::TOGETHER;
use super::filter::point_stride;
use super::tiles::Tiles;
use crate::KernelError;
use crate::gemm::block_rows;
use crate::grid::Grid;
use crate::memory::Buffer;
use crate::simd::{GROUP, Level};

/// Most inputs for which every thread has its own V.
const OWN_V_INPUTS: usize = 128;
/// V of one thread, in bytes: fits a second-level cache with the products.
const OWN_V_BYTES: usize = 640 << 10;
/// V shared by all threads, in bytes: fits a third-level cache.
const SHARED_V_BYTES: usize = 8 << 20;
/// Keeps the points out of one set of the cache.
const SKEW: usize = GROUP;
/// Transforming the filters costs about as much as the products of this many tiles.
const FILTERS_AS_TILES: usize = 20;

/// Which minimal filtering a pass uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filtering {
    /// F(4 x 4, 3 x 3): 36 products for 16 outputs.
    F43,
    /// F(6 x 6, 3 x 3): 64 products for 36 outputs, worth it where its tiles fill the map.
    F63,
}

impl Filtering {
    /// Points each way.
    fn patch(self) -> usize {
        match self {
            Self::F43 => 6,
            Self::F63 => 8,
        }
    }

    fn tiles(self, grid: Grid) -> Tiles {
        Tiles::of(grid, self.patch() - 2)
    }

    /// The one with less work, tiles that reach over the border included.
    fn of(grid: Grid) -> Self {
        let work =
            |filtering: Self| filtering.patch().pow(2) * (filtering.tiles(grid).count + FILTERS_AS_TILES);
        if work(Self::F63) < work(Self::F43) { Self::F63 } else { Self::F43 }
    }
}

/// The plan of one pass. The filtering follows from the map alone; results do not depend on the rest, because every
/// output is the same sum in the same order.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(super) filtering: Filtering,
    pub(super) tiles: Tiles,
    pub(super) threads: usize,
    inputs: usize,
    /// Groups of 64 outputs, the last of which may be half.
    pub(super) output_groups: usize,
    /// Tiles whose V exists at the same time.
    pub(super) chunk_tiles: usize,
    pub(super) chunks: usize,
    /// Tiles of a block of the matrix kernel.
    pub(super) block_rows: usize,
    /// Whether V is shared by the threads, which then divide the outputs.
    pub(super) shared_v: bool,
    /// Whether a task transforms its own filters, which then stay in its cache.
    pub(super) private_filters: bool,
    /// Parts a chunk is cut into when there are more threads than groups of outputs.
    pub(super) parts: usize,
}

impl Schedule {
    pub(crate) fn new(level: Level, threads: usize, inputs: usize, outputs: usize, grid: Grid) -> Self {
        let filtering = Filtering::of(grid);
        let (tiles, points) = (filtering.tiles(grid), filtering.patch().pow(2));
        let shared_v = inputs > OWN_V_INPUTS;
        let output_groups = outputs.div_ceil(TOGETHER);
        let rows = level.rows();
        let fitting = |bytes: usize| (bytes / (points * inputs * size_of::<f32>()) / rows).max(1) * rows;
        let mut most = fitting(if shared_v { SHARED_V_BYTES } else { OWN_V_BYTES });
        while !shared_v && most > rows && tiles.count.div_ceil(most) < 4 * threads {
            most -= rows;
        }
        let chunks = tiles.count.div_ceil(most);
        let block_rows = block_rows(level, tiles.count.div_ceil(chunks));
        let chunk_tiles = tiles.count.div_ceil(chunks);
        let parts = match output_groups {
            groups if groups % threads == 0 || groups >= 4 * threads => 1,
            groups => (2 * threads).div_ceil(groups),
        };
        let private_filters = shared_v && chunks == 1 && parts == 1;
        Self {
            filtering,
            tiles,
            threads,
            inputs,
            output_groups,
            chunk_tiles,
            chunks,
            block_rows,
            shared_v,
            private_filters,
            parts,
        }
    }

    /// Tiles of a chunk.
    pub(super) fn range(&self, chunk: usize) -> Range<usize> {
        let tiles = self.tiles.count;
        let start = chunk * self.chunk_tiles;
        start.min(tiles)..(start + self.chunk_tiles).min(tiles)
    }

    /// Tiles of a part of a chunk, a whole number of blocks after its start.
    pub(super) fn part(&self, chunk: &Range<usize>, part: usize) -> Range<usize> {
        let blocks = chunk.len().div_ceil(self.block_rows);
        let at = |part: usize| (chunk.start + part * blocks / self.parts * self.block_rows).min(chunk.end);
        at(part)..at(part + 1)
    }

    /// Points of the plane.
    fn points(&self) -> usize {
        self.filtering.patch().pow(2)
    }

    /// Floats of V from a point to the next.
    pub(super) fn v_point(&self) -> usize {
        self.chunk_tiles.div_ceil(self.block_rows) * self.block_rows * self.inputs + SKEW
    }

    /// Floats of V.
    pub(super) fn v_len(&self) -> usize {
        self.points() * self.v_point()
    }

    /// Floats of the products from a point to the next.
    pub(super) fn product_point(&self) -> usize {
        self.chunk_tiles * TOGETHER + SKEW
    }

    /// Where the style gradient starts in a slot.
    pub(super) fn local_at(&self) -> usize {
        self.points() * self.product_point()
    }

    /// Where a thread's own V starts in a slot.
    pub(super) fn v_at(&self) -> usize {
        self.local_at() + TOGETHER * self.tiles.side.pow(2) * self.chunk_tiles
    }

    /// Where a task's own filters start in a slot.
    pub(super) fn filters_at(&self) -> usize {
        self.v_at()
    }

    /// Floats of one panel of filters at a row of points.
    pub(super) fn row_len(&self) -> usize {
        self.filtering.patch() * point_stride(self.inputs)
    }

    /// Floats of one panel of filters at all points.
    pub(super) fn panel_len(&self) -> usize {
        self.points() * point_stride(self.inputs)
    }

    fn slot_len(&self) -> usize {
        let own_v = if self.shared_v { 0 } else { self.v_len() };
        let own_filters = if self.private_filters { self.row_len() } else { 0 };
        self.v_at() + own_v + own_filters
    }
}

/// Sizes of a workspace in floats.
#[derive(Debug, Clone, Copy, Default)]
struct Sizes {
    slot: usize,
    slots: usize,
    v: usize,
    filters: usize,
}

/// Scratch memory for the passes of a plan, one after the other.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// One slot a thread: products, style gradient, and own V or filters.
    pub(super) slots: Buffer<f32>,
    pub(super) slot_len: usize,
    /// V shared by the threads.
    pub(super) v: Buffer<f32>,
    /// Filters at the points, shared by the threads.
    pub(super) filters: Buffer<f32>,
}

impl Workspace {
    fn sizes(schedules: &[Schedule]) -> Sizes {
        let mut sizes = Sizes::default();
        for schedule in schedules {
            sizes.slots = sizes.slots.max(schedule.threads);
            // A whole number of cache lines, so that threads never share one.
            sizes.slot = sizes.slot.max(schedule.slot_len().next_multiple_of(GROUP));
            if schedule.shared_v {
                sizes.v = sizes.v.max(schedule.v_len());
            }
            if !schedule.private_filters {
                sizes.filters = sizes.filters.max(2 * schedule.output_groups * schedule.panel_len());
            }
        }
        sizes
    }

    /// Bytes that [`Workspace::new`] would take.
    pub(crate) fn forecast(schedules: &[Schedule]) -> usize {
        let sizes = Self::sizes(schedules);
        (sizes.slot * sizes.slots + sizes.v + sizes.filters) * size_of::<f32>()
    }

    /// Memory for any of these passes.
    pub(crate) fn new(schedules: &[Schedule]) -> Result<Self, KernelError> {
        let sizes = Self::sizes(schedules);
        Ok(Self {
            slots: Buffer::new(sizes.slot * sizes.slots)?,
            slot_len: sizes.slot,
            v: Buffer::new(sizes.v)?,
            filters: Buffer::new(sizes.filters)?,
        })
    }
}
