//! The products of a tile back to its outputs, and what is fused to that.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::tiles::Tiles;
use super::transform::Minimal;
use crate::epilogue::Epilogue;
use crate::grid::Grid;
use crate::simd::{GROUP, Kernel, Simd};

/// Transforms the products of up to four groups of channels and finishes them.
///
/// `products` is valid for `PATCH * PATCH` points `point` floats apart of `[group][column]` with `column` floats
/// from group to group, one vector a tile; `local` is null or `[group][TILE rows][tile][TILE][16]`.
#[derive(Debug, Clone)]
pub(super) struct TransformOutput<M, const TILE: usize, const PATCH: usize> {
    pub(super) minimal: PhantomData<M>,
    pub(super) products: *const f32,
    pub(super) point: usize,
    pub(super) column: usize,
    pub(super) all: Tiles,
    pub(super) tiles: std::ops::Range<usize>,
    /// Groups of the output that the products belong to.
    pub(super) groups: std::ops::Range<usize>,
    /// What to add to every output, or null.
    pub(super) local: *const f32,
    /// Floats from a row of `local` to the next.
    pub(super) local_row: usize,
    pub(super) epilogue: Epilogue,
}

impl<M: Minimal<TILE, PATCH>, const TILE: usize, const PATCH: usize> Kernel
    for TransformOutput<M, TILE, PATCH>
{
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        for (j, group) in self.groups.clone().enumerate() {
            let mut place = self.all.place(self.tiles.start);
            for tile in 0..self.tiles.len() {
                let (y, x) = (place.row * TILE, place.column * TILE);
                for part in 0..S::PARTS {
                    let lane = part * S::LANES;
                    // SAFETY: group, tile and place are inside products and output, by the contract.
                    unsafe {
                        let bias = self.epilogue.bias(s, group * GROUP + lane);
                        let from = self.products.add(j * self.column + tile * GROUP + lane);
                        let rows = Columns::new::<S, M>(s, from, self.point);
                        if self.epilogue.routing.is_null() {
                            self.map(s, &rows, bias, (j, group, lane), (tile, y, x));
                        } else {
                            self.pool(s, &rows, bias, (group, lane), (y, x));
                        }
                    }
                }
                place = self.all.next(place);
            }
        }
    }
}

/// The columns of a tile after `A^T m`, row by row. Not cleared first: that would cost as much as using them.
struct Columns<V, const TILE: usize, const PATCH: usize>([[MaybeUninit<V>; PATCH]; TILE]);

impl<V: Copy, const TILE: usize, const PATCH: usize> Columns<V, TILE, PATCH> {
    /// `A^T m` of all columns.
    ///
    /// # Safety
    /// `from` is valid for a vector at every point, `point` floats apart.
    #[inline(always)]
    unsafe fn new<S: Simd<V = V>, M: Minimal<TILE, PATCH>>(s: S, from: *const f32, point: usize) -> Self {
        let mut rows = [[MaybeUninit::uninit(); PATCH]; TILE];
        for x in 0..PATCH {
            let mut column = [s.splat(0.0); PATCH];
            for y in 0..PATCH {
                // SAFETY: the caller's promise.
                column[y] = unsafe { s.load(from.add((y * PATCH + x) * point)) };
            }
            let column = M::output(s, column);
            for y in 0..TILE {
                rows[y][x].write(column[y]);
            }
        }
        Self(rows)
    }

    /// The outputs of one row.
    #[inline(always)]
    fn row<S: Simd<V = V>, M: Minimal<TILE, PATCH>>(&self, s: S, y: usize) -> [V; TILE] {
        let mut row = [s.splat(0.0); PATCH];
        for x in 0..PATCH {
            // SAFETY: `new` wrote every place.
            row[x] = unsafe { self.0[y][x].assume_init() };
        }
        M::output(s, row)
    }
}

impl<M: Minimal<TILE, PATCH>, const TILE: usize, const PATCH: usize> TransformOutput<M, TILE, PATCH> {
    /// Stores a tile of the map, as much of it as is inside.
    ///
    /// # Safety
    /// As [`TransformOutput`].
    #[inline(always)]
    unsafe fn map<S: Simd>(
        &self,
        s: S,
        rows: &Columns<S::V, TILE, PATCH>,
        bias: S::V,
        (j, group, lane): (usize, usize, usize),
        (tile, top, left): (usize, usize, usize),
    ) {
        let Grid { height, width } = self.all.grid;
        let columns = TILE.min(width - left);
        for y in 0..TILE.min(height - top) {
            let sums = rows.row::<S, M>(s, y);
            let offset = ((group * height + top + y) * width + left) * GROUP + lane;
            let local = (j * TILE + y) * self.local_row + tile * TILE * GROUP + lane;
            for (x, &sum) in sums.iter().enumerate() {
                if x < columns {
                    // SAFETY: (top + y, left + x) is inside the map.
                    unsafe {
                        let sum = if self.local.is_null() {
                            sum
                        } else {
                            s.add(sum, s.load(self.local.add(local + x * GROUP)))
                        };
                        self.epilogue.store(s, sum, bias, offset + x * GROUP);
                    }
                }
            }
        }
    }

    /// Pools a tile and stores the pools that are inside.
    ///
    /// # Safety
    /// As [`TransformOutput`].
    #[inline(always)]
    unsafe fn pool<S: Simd>(
        &self,
        s: S,
        rows: &Columns<S::V, TILE, PATCH>,
        bias: S::V,
        (group, lane): (usize, usize),
        (top, left): (usize, usize),
    ) {
        let (height, width) = (self.all.grid.height / 2, self.all.grid.width / 2);
        for y in 0..TILE / 2 {
            let (upper, lower) = (rows.row::<S, M>(s, 2 * y), rows.row::<S, M>(s, 2 * y + 1));
            for x in 0..TILE / 2 {
                let (row, column) = (top / 2 + y, left / 2 + x);
                if row < height && column < width {
                    let sums = [upper[2 * x], upper[2 * x + 1], lower[2 * x], lower[2 * x + 1]];
                    let offset = ((group * height + row) * width + column) * GROUP + lane;
                    // SAFETY: (row, column) is inside the pooled map.
                    unsafe { self.epilogue.store_pool(s, sums, bias, offset) }
                }
            }
        }
    }
}
