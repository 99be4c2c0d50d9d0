//! Maps, or pooled gradients, to the points.
//!
//! ```text
//! map  [group][height][width][16]        V  [points][block of rows][group][row][16]
//!
//!  . . . . . . . .                        a row is a tile: the matrix kernel reads V in order
//!  . +-----------+ .
//!  . |   patch   | .   -> B^T d B ->  36 or 64 vectors of 16 channels, one for every point
//!  . |  of tile  | .
//!  . +-----------+ .
//! ```

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::tiles::{Place, Tiles};
use super::transform::Minimal;
use crate::grid::Grid;
use crate::simd::{GROUP, Kernel, Simd};

/// Where the input of a convolution comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// A map `[group][height][width][16]`.
    Map(*const f32),
    /// A gradient of the pooled map, `[group][height / 2][width / 2][16]`, which is spread as it is read.
    Pooled {
        /// The gradient.
        gradient: *const f32,
        /// Which of four inputs gets it: as [`Simd::pool_max`] wrote it.
        routing: *const u8,
        /// What part of it each gets: 1, or 1/4 for averages, times the pooling's gain.
        share: f32,
    },
    /// A gradient of the map pooled by norms, `[group][height / 2][width / 2][16]`, spread as it is read: a value gets
    /// `share * value / norm` of it, and 0 where the norm is 0.
    Norm {
        /// The gradient.
        gradient: *const f32,
        /// The pooled map.
        norms: *const f32,
        /// The map that was pooled, `[group][height][width][16]`.
        map: *const f32,
        /// The square of the pooling's gain, which is in the pooled map too.
        share: f32,
    },
}

// SAFETY: a source is only read, from buffers that outlive the call it is made for.
unsafe impl Send for Source {}
// SAFETY: as above.
unsafe impl Sync for Source {}

/// What of the gradient of a norm goes to a value.
///
/// A square tells whether there is a norm, because a gain may be negative.
#[inline(always)]
pub(crate) fn norm_share<S: Simd>(s: S, gradient: S::V, value: S::V, norm: S::V) -> S::V {
    s.passing(s.mul(gradient, s.div(value, norm)), s.mul(norm, norm))
}

/// Transforms the groups `groups` of the tiles `tiles`.
///
/// The source is a whole map as `all` says; `v` is valid for `block_rows`-row blocks of the tiles in
/// question, `groups_in_all` groups, at `PATCH * PATCH` points `point` floats apart.
#[derive(Debug, Clone)]
pub(super) struct TransformInput<M, const TILE: usize, const PATCH: usize> {
    pub(super) minimal: PhantomData<M>,
    pub(super) source: Source,
    pub(super) all: Tiles,
    pub(super) tiles: std::ops::Range<usize>,
    pub(super) groups: std::ops::Range<usize>,
    pub(super) groups_in_all: usize,
    pub(super) block_rows: usize,
    pub(super) v: *mut f32,
    pub(super) point: usize,
}

/// A patch that had to be put together: rows of positions of 16 channels.
#[repr(align(64))]
struct Patch<const PATCH: usize>([[[f32; GROUP]; PATCH]; PATCH]);

impl<M: Minimal<TILE, PATCH>, const TILE: usize, const PATCH: usize> Kernel
    for TransformInput<M, TILE, PATCH>
{
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        let mut patch = Patch([[[0.0; GROUP]; PATCH]; PATCH]);
        for group in self.groups.clone() {
            let mut place = self.all.place(self.tiles.start);
            let (mut block, mut row) = (0, 0);
            for _ in self.tiles.clone() {
                // SAFETY: `group` and `place` are inside the source, block and row inside `v`, by the
                // contract.
                unsafe {
                    let (from, line) = self.patch(s, group, place, &mut patch);
                    let offset = (block * self.groups_in_all + group) * self.block_rows + row;
                    let to = self.v.add(offset * GROUP);
                    for part in 0..S::PARTS {
                        let lane = part * S::LANES;
                        transform::<S, M, TILE, PATCH>(s, from.add(lane), line, to.add(lane), self.point);
                    }
                }
                place = self.all.next(place);
                row += 1;
                if row == self.block_rows {
                    (block, row) = (block + 1, 0);
                }
            }
        }
    }
}

/// `B^T d B` of one patch, one register wide.
///
/// # Safety
/// `from` is valid for `PATCH` rows, `line` floats apart, of `PATCH` vectors 16 floats apart; `to` for a vector
/// at every point, `point` floats apart.
#[inline(always)]
unsafe fn transform<S: Simd, M: Minimal<TILE, PATCH>, const TILE: usize, const PATCH: usize>(
    s: S,
    from: *const f32,
    line: usize,
    to: *mut f32,
    point: usize,
) {
    // More than fits the registers, and clearing it would cost as much as using it.
    let mut columns = [[MaybeUninit::<S::V>::uninit(); PATCH]; PATCH];
    for x in 0..PATCH {
        let mut column = [s.splat(0.0); PATCH];
        for y in 0..PATCH {
            // SAFETY: the caller's promise.
            column[y] = unsafe { s.load(from.add(y * line + x * GROUP)) };
        }
        column = M::input(s, column);
        for y in 0..PATCH {
            columns[y][x].write(column[y]);
        }
    }
    for y in 0..PATCH {
        let mut row = [s.splat(0.0); PATCH];
        for x in 0..PATCH {
            // SAFETY: every place was written above.
            row[x] = unsafe { columns[y][x].assume_init() };
        }
        for (x, value) in M::input(s, row).into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { s.store(to.add((PATCH * y + x) * point), value) }
        }
    }
}

impl<M: Minimal<TILE, PATCH>, const TILE: usize, const PATCH: usize> TransformInput<M, TILE, PATCH> {
    /// The inputs of a tile and the floats between their rows: in the map where all are inside,
    /// otherwise copied to `patch`.
    ///
    /// # Safety
    /// As [`TransformInput`].
    #[inline(always)]
    unsafe fn patch<S: Simd>(
        &self,
        s: S,
        group: usize,
        place: Place,
        patch: &mut Patch<PATCH>,
    ) -> (*const f32, usize) {
        let Grid { height, width } = self.all.grid;
        let line = width * GROUP;
        // SAFETY: the caller's promise; `group` selects a plane of the source.
        unsafe {
            match self.source {
                Source::Map(map) => {
                    let plane = map.add(group * height * line);
                    let (top, left) = (place.row * TILE, place.column * TILE);
                    let inside =
                        top > 0 && left > 0 && top + PATCH - 1 <= height && left + PATCH - 1 <= width;
                    if inside {
                        let from = plane.add(((top - 1) * width + left - 1) * GROUP);
                        for y in 0..PATCH {
                            for x in PATCH..PATCH + TILE {
                                s.prefetch(from.wrapping_add(y * line + x * GROUP));
                            }
                        }
                        return (from, line);
                    }
                    self.copy_edge(s, plane, top, left, patch);
                }
                Source::Pooled { gradient, routing, share } => {
                    let plane = group * (height / 2) * (width / 2) * GROUP;
                    let (gradient, routing) = (gradient.add(plane), routing.add(plane));
                    let share = s.splat(share);
                    self.spread(s, place, patch, |pooled, _, bit| {
                        let value = s.mul(s.load(gradient.add(pooled)), share);
                        s.routed(value, routing.add(pooled), 1 << bit)
                    });
                }
                Source::Norm { gradient, norms, map, share } => {
                    let plane = group * (height / 2) * (width / 2) * GROUP;
                    let (gradient, norms) = (gradient.add(plane), norms.add(plane));
                    let (map, share) = (map.add(group * height * line), s.splat(share));
                    self.spread(s, place, patch, |pooled, at, _| {
                        let gradient = s.mul(s.load(gradient.add(pooled)), share);
                        norm_share(s, gradient, s.load(map.add(at)), s.load(norms.add(pooled)))
                    });
                }
            }
        }
        (patch.0.as_ptr().cast(), PATCH * GROUP)
    }

    /// Copies a patch that reaches over the border, with zeros outside.
    ///
    /// # Safety
    /// `plane` is valid for one group of the map.
    #[inline(always)]
    unsafe fn copy_edge<S: Simd>(
        &self,
        s: S,
        plane: *const f32,
        top: usize,
        left: usize,
        patch: &mut Patch<PATCH>,
    ) {
        let Grid { height, width } = self.all.grid;
        for y in 0..PATCH {
            for x in 0..PATCH {
                let to = &mut patch.0[y][x];
                let (row, column) = ((top + y).wrapping_sub(1), (left + x).wrapping_sub(1));
                let inside = row < height && column < width;
                for part in 0..S::PARTS {
                    let lane = part * S::LANES;
                    // SAFETY: the position was found to be inside the map; `to` has 16 floats.
                    unsafe {
                        let value = if inside {
                            s.load(plane.add((row * width + column) * GROUP + lane))
                        } else {
                            s.splat(0.0)
                        };
                        s.store(to.as_mut_ptr().add(lane), value);
                    }
                }
            }
        }
    }

    /// Spreads the pooled gradient over a patch: `TILE / 2 + 2` pooled positions each way touch it, the outer
    /// ones by half. `value` says what goes to a value of the map: it is told where the vector of the pooled map is,
    /// where that of the map, and which of the four it is.
    ///
    /// # Safety
    /// `value` may be called for one group of the pooled map.
    #[inline(always)]
    unsafe fn spread<S: Simd>(
        &self,
        s: S,
        place: Place,
        patch: &mut Patch<PATCH>,
        value: impl Fn(usize, usize, usize) -> S::V,
    ) {
        let (height, width) = (self.all.grid.height / 2, self.all.grid.width / 2);
        for j in 0..=PATCH / 2 {
            for i in 0..=PATCH / 2 {
                let (row, column) = (
                    (place.row * (TILE / 2) + j).wrapping_sub(1),
                    (place.column * (TILE / 2) + i).wrapping_sub(1),
                );
                let inside = row < height && column < width;
                let from = if inside { (row * width + column) * GROUP } else { 0 };
                for part in 0..S::PARTS {
                    let lane = part * S::LANES;
                    // Pooled position (j, i) covers the patch's rows 2j - 1 and 2j, and columns alike.
                    for bit in 0..4 {
                        let (y, x) = ((2 * j + bit / 2).wrapping_sub(1), (2 * i + bit % 2).wrapping_sub(1));
                        if y >= PATCH || x >= PATCH {
                            continue;
                        }
                        let to = &mut patch.0[y][x];
                        let value = if inside {
                            let at = (2 * row + bit / 2) * self.all.grid.width + 2 * column + bit % 2;
                            value(from + lane, at * GROUP + lane, bit)
                        } else {
                            s.splat(0.0)
                        };
                        // SAFETY: `to` has 16 floats.
                        unsafe { s.store(to.as_mut_ptr().add(lane), value) }
                    }
                }
            }
        }
    }
}
