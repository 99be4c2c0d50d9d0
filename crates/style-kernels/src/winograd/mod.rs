//! Convolution by Winograd's minimal filtering: F(4 x 4, 3 x 3) at 36 points, F(6 x 6, 3 x 3) at 64.
//!
//! ```text
//!  map ──B^T d B──> V [points][tiles][inputs]   x   U [points][inputs][outputs] <──G g G^T── filters
//!                                   └──> products [points][outputs][tiles] ──A^T m A──> map
//! ```
//!
//! Products of 64 outputs at a time are transformed back at once, while they are in the cache.
//!
//! * Few inputs (up to 128): every thread takes its own piece of the map through all steps; V stays in its
//!   second-level cache.
//! * Many inputs: V of a large piece is shared by the threads, which divide the outputs among themselves, so
//!   that filters are read once.
//!
//! # Reference
//!
//! Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks".

mod filter;
mod input;
mod output;
mod schedule;
mod tiles;
mod transform;

pub(crate) use input::{Source, norm_share};
pub(crate) use schedule::{Schedule, Workspace};

use std::marker::PhantomData;
use std::ops::Range;

use crate::convolution::Pass;
use crate::gemm::{PANEL, Product};
use crate::memory::Shared;
use crate::parallel;
use crate::simd::{GROUP, fence};
use filter::{TransformFilters, point_stride};
use input::TransformInput;
use output::TransformOutput;
use schedule::Filtering;
use transform::{F43, F63, Minimal};

/// Outputs that are transformed back together: two panels.
const TOGETHER: usize = 2 * PANEL;

/// A pass at work: what all its steps need.
struct Run<'a, M, const TILE: usize, const PATCH: usize> {
    minimal: PhantomData<M>,
    pass: &'a Pass<'a>,
    schedule: &'a Schedule,
    /// Floats of V from a point to the next.
    v_point: usize,
}

/// A piece of the map whose V is at hand.
struct Piece {
    /// First tile of V.
    start: usize,
    /// The tiles to compute, a whole number of blocks after `start`.
    tiles: Range<usize>,
    v: *const f32,
}

/// Runs the pass.
///
/// # Safety
/// As [`Pass`] says; `workspace` was made for a schedule at least as large.
pub(crate) unsafe fn convolve(pass: &Pass<'_>, schedule: &Schedule, workspace: &mut Workspace) {
    // SAFETY: the caller's promise.
    unsafe {
        match schedule.filtering {
            Filtering::F43 => run::<F43, 4, 6>(pass, schedule, workspace),
            Filtering::F63 => run::<F63, 6, 8>(pass, schedule, workspace),
        }
    }
}

/// Runs the pass with one filtering algorithm.
///
/// # Safety
/// As [`convolve`], and the schedule is one for this algorithm.
unsafe fn run<M: Minimal<TILE, PATCH>, const TILE: usize, const PATCH: usize>(
    pass: &Pass<'_>,
    schedule: &Schedule,
    workspace: &mut Workspace,
) {
    let run = Run::<M, TILE, PATCH> { minimal: PhantomData, pass, schedule, v_point: schedule.v_point() };
    let slot_len = workspace.slot_len;
    let slots = Shared::new(&mut workspace.slots);
    let filters = Shared::new(&mut workspace.filters);
    let v = Shared::new(&mut workspace.v);
    let groups = schedule.output_groups;
    let inputs = pass.filters.inputs;
    debug_assert_eq!(schedule.tiles.side, TILE);
    debug_assert_eq!(schedule.tiles.grid, pass.grid);
    let threads = schedule.threads;

    if !schedule.private_filters {
        parallel::for_each(threads, pass.filters.panels(), |_, panel| {
            for row in 0..PATCH {
                let at = panel * schedule.panel_len() + row * schedule.row_len();
                // SAFETY: every panel has its own place.
                unsafe { run.transform_filters(panel, row, filters.at(at, schedule.row_len())) }
            }
        });
    }
    if !schedule.shared_v {
        parallel::for_each(threads, schedule.chunks, |slot, chunk| {
            let range = schedule.range(chunk);
            let scratch = slots.at(slot * slot_len, slot_len);
            // SAFETY: the slot is ours for this task; its parts are laid out by the schedule.
            unsafe {
                let v = scratch.add(schedule.v_at());
                run.transform_input(range.clone(), 0..inputs / GROUP, v);
                for group in 0..groups {
                    let piece = Piece { start: range.start, tiles: range.clone(), v };
                    run.finish(&piece, group, filters, scratch);
                }
            }
            fence();
        });
        return;
    }
    let input_tasks = (inputs / GROUP).min(4 * threads);
    for chunk in 0..schedule.chunks {
        let range = schedule.range(chunk);
        let v = v.at(0, schedule.v_len());
        let v = SendPtr(v);
        parallel::for_each(threads, input_tasks, |_, task| {
            let all = inputs / GROUP;
            let groups = task * all / input_tasks..(task + 1) * all / input_tasks;
            // SAFETY: tasks write different groups of V.
            unsafe { run.transform_input(range.clone(), groups, v.get()) }
        });
        parallel::for_each(threads, groups * schedule.parts, |slot, task| {
            let (group, part) = (task / schedule.parts, task % schedule.parts);
            let tiles = schedule.part(&range, part);
            if tiles.is_empty() {
                return;
            }
            let scratch = slots.at(slot * slot_len, slot_len);
            // SAFETY: the slot is ours for this task; different tasks write different outputs.
            unsafe {
                let piece = Piece { start: range.start, tiles, v: v.get() };
                run.finish(&piece, group, filters, scratch);
            }
            fence();
        });
    }
}

/// A pointer that goes along with a parallel loop.
#[derive(Clone, Copy)]
struct SendPtr(*mut f32);
// SAFETY: the loops it is used in write disjoint parts.
unsafe impl Send for SendPtr {}
// SAFETY: as above.
unsafe impl Sync for SendPtr {}
impl SendPtr {
    fn get(self) -> *mut f32 {
        self.0
    }
}

impl<M: Minimal<TILE, PATCH>, const TILE: usize, const PATCH: usize> Run<'_, M, TILE, PATCH> {
    /// The filters of one panel at the points of a row.
    ///
    /// # Safety
    /// `points` is valid for [`Schedule::row_len`] floats.
    unsafe fn transform_filters(&self, panel: usize, row: usize, points: *mut f32) {
        let packed = self.pass.filters.panel(panel).as_ptr();
        let inputs = self.pass.filters.inputs;
        let kernel = TransformFilters { minimal: self.minimal, packed, inputs, row, points };
        // SAFETY: the panel is complete and `points` large enough.
        unsafe { self.pass.level.run(kernel) }
    }

    /// V of some groups of some tiles.
    ///
    /// # Safety
    /// `v` is valid for the schedule's V.
    unsafe fn transform_input(&self, tiles: Range<usize>, groups: Range<usize>, v: *mut f32) {
        let kernel = TransformInput {
            minimal: self.minimal,
            source: self.pass.source,
            all: self.schedule.tiles,
            tiles,
            groups,
            groups_in_all: self.pass.filters.inputs / GROUP,
            block_rows: self.schedule.block_rows,
            v,
            point: self.v_point,
        };
        // SAFETY: the source is a whole map, `v` is large enough.
        unsafe { self.pass.level.run(kernel) }
    }

    /// Products and output of one group of 64 outputs.
    ///
    /// # Safety
    /// `filters` holds the filters at the points if they are shared; `scratch` is a slot.
    unsafe fn finish(&self, piece: &Piece, group: usize, filters: Shared<'_, f32>, scratch: *mut f32) {
        let (pass, schedule) = (self.pass, self.schedule);
        let panels = 2 * group..pass.filters.panels().min(2 * group + 2);
        let products = scratch;
        let column = schedule.chunk_tiles * GROUP;
        // SAFETY: panels, rows of points and blocks are inside the filters, V and the slot, as the schedule
        // laid them out.
        unsafe {
            let local = scratch.add(schedule.local_at());
            if pass.style.is_some() {
                self.style(piece, panels.clone(), local);
            }
            for row in 0..PATCH {
                for (half, panel) in panels.clone().enumerate() {
                    let u = if schedule.private_filters {
                        let u = scratch.add(schedule.filters_at());
                        self.transform_filters(panel, row, u);
                        u
                    } else {
                        let at = panel * schedule.panel_len() + row * schedule.row_len();
                        filters.at(at, schedule.row_len())
                    };
                    self.multiply(piece, row, u, products.add(half * 2 * column));
                }
            }
            pass.level.run(TransformOutput {
                minimal: self.minimal,
                products,
                point: schedule.product_point(),
                column,
                all: schedule.tiles,
                tiles: piece.tiles.clone(),
                groups: 2 * panels.start..2 * panels.end,
                local: if pass.style.is_some() { local } else { std::ptr::null() },
                local_row: schedule.chunk_tiles * TILE * GROUP,
                epilogue: pass.epilogue,
            });
        }
    }

    /// The products of one panel at the points of a row.
    ///
    /// # Safety
    /// `u` holds the filters at these points; `products` is the panel's place in a slot.
    unsafe fn multiply(&self, piece: &Piece, row: usize, u: *const f32, products: *mut f32) {
        let (schedule, inputs) = (self.schedule, self.pass.filters.inputs);
        let first_block = (piece.tiles.start - piece.start) / schedule.block_rows;
        let block_len = schedule.block_rows * inputs;
        for x in 0..PATCH {
            let point = PATCH * row + x;
            // SAFETY: points and blocks are inside V, U and the products.
            unsafe {
                self.pass.level.run(Product {
                    rows: piece.tiles.len(),
                    block_rows: schedule.block_rows,
                    k_groups: inputs / GROUP,
                    a: piece.v.add(point * self.v_point + first_block * block_len),
                    a_block: block_len,
                    a_k: schedule.block_rows * GROUP,
                    b: u.add(x * point_stride(inputs)),
                    b_row: PANEL,
                    c: products.add(point * schedule.product_point()),
                    c_half: schedule.chunk_tiles * GROUP,
                    accumulate: false,
                });
            }
        }
    }

    /// The style gradient of the piece's positions, row by row: `local[group][TILE][tile][TILE][16]`.
    ///
    /// # Safety
    /// `local` is valid for the schedule's part of a slot.
    unsafe fn style(&self, piece: &Piece, panels: Range<usize>, local: *mut f32) {
        let Some(style) = &self.pass.style else { return };
        let (all, grid) = (&self.schedule.tiles, self.pass.grid);
        let row_len = self.schedule.chunk_tiles * TILE * GROUP;
        let plane = grid.positions() * GROUP;
        let mut tile = piece.tiles.start;
        while tile < piece.tiles.end {
            let place = all.place(tile);
            let run = (all.across - place.column).min(piece.tiles.end - tile);
            let count = (run * TILE).min(grid.width - place.column * TILE);
            for y in 0..TILE.min(grid.height - place.row * TILE) {
                let position = (place.row * TILE + y) * grid.width + place.column * TILE;
                for (half, panel) in panels.clone().enumerate() {
                    let offset = (2 * half * TILE + y) * row_len + (tile - piece.tiles.start) * TILE * GROUP;
                    // SAFETY: positions are inside the map, `offset` inside the slot.
                    unsafe {
                        self.pass.level.run(style.product(
                            self.pass.level,
                            (position, count, plane),
                            (panel, self.pass.filters.outputs),
                            local.add(offset),
                            TILE * row_len,
                        ));
                    }
                }
            }
            tile += run;
        }
    }
}
