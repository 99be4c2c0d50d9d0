//! Filters from the packed form to the points.

use std::marker::PhantomData;

use super::transform::Minimal;
use crate::gemm::PANEL;
use crate::simd::{GROUP, Kernel, Simd};

/// Transforms the filters of one panel of 32 outputs at one row of points: `packed` `[inputs][9][32]` to
/// `points` `[PATCH][inputs][32]`.
///
/// This is cheap enough to be done anew for every pass, row by row just before the products that need it.
/// So a network is kept in nine floats a filter and direction instead of 36 or 64, a quarter of the memory is
/// read, and the products find their filters in the second-level cache.
///
/// Pointers are valid for `inputs` filters as drawn; `points` has [`point_stride`] floats from a point to
/// the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct TransformFilters<M, const TILE: usize, const PATCH: usize> {
    pub(super) minimal: PhantomData<M>,
    pub(super) packed: *const f32,
    pub(super) inputs: usize,
    pub(super) row: usize,
    pub(super) points: *mut f32,
}

impl<M: Minimal<TILE, PATCH>, const TILE: usize, const PATCH: usize> Kernel
    for TransformFilters<M, TILE, PATCH>
{
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        let stride = point_stride(self.inputs);
        for input in 0..self.inputs {
            for lane in (0..PANEL).step_by(S::LANES) {
                // SAFETY: filter `input` and its places are inside, by the contract.
                unsafe {
                    let taps = self.packed.add(input * 9 * PANEL + lane);
                    let tap = |y: usize, x: usize| s.load(taps.add((3 * y + x) * PANEL));
                    let at = |x: usize| M::filter_at(s, self.row, [tap(0, x), tap(1, x), tap(2, x)]);
                    let to = self.points.add(input * PANEL + lane);
                    let points = M::filter(s, [at(0), at(1), at(2)]);
                    for x in 0..PATCH {
                        s.store(to.add(x * stride), points[x]);
                    }
                }
            }
        }
    }
}

/// Floats from a point to the next for filters of so many inputs. The odd number of cache lines keeps
/// places that are written together out of one set of the cache.
pub(super) fn point_stride(inputs: usize) -> usize {
    inputs * PANEL + 5 * GROUP
}
