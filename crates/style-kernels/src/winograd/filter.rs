//! Filters from the packed form to the 36 points.

use super::transform::{PATCH, POINTS, filter, filter_at};
use crate::gemm::PANEL;
use crate::simd::{GROUP, Kernel, Simd};

/// Transforms the filters of one panel of 32 outputs at six points, one row of the 6 x 6: `packed`
/// `[inputs][9][32]` to `points` `[6][inputs][32]`.
///
/// This is cheap enough to be done anew for every pass, row by row just before the products that need it.
/// So a network is kept in nine floats a filter and direction instead of 36, a quarter of the memory is
/// read, and the products find their filters in the second-level cache.
///
/// Pointers are valid for `inputs` filters as drawn; `points` has [`point_stride`] floats from a point to
/// the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct TransformFilters {
    pub(super) packed: *const f32,
    pub(super) inputs: usize,
    pub(super) row: usize,
    pub(super) points: *mut f32,
}

impl Kernel for TransformFilters {
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        let stride = point_stride(self.inputs);
        for input in 0..self.inputs {
            for lane in (0..PANEL).step_by(S::LANES) {
                // SAFETY: filter `input` and its six places are inside, by the contract.
                unsafe {
                    let taps = self.packed.add(input * 9 * PANEL + lane);
                    let tap = |y: usize, x: usize| s.load(taps.add((3 * y + x) * PANEL));
                    let at = |x: usize| filter_at(s, self.row, [tap(0, x), tap(1, x), tap(2, x)]);
                    let to = self.points.add(input * PANEL + lane);
                    let [a, b, c, d, e, f] = filter(s, [at(0), at(1), at(2)]);
                    s.store(to, a);
                    s.store(to.add(stride), b);
                    s.store(to.add(2 * stride), c);
                    s.store(to.add(3 * stride), d);
                    s.store(to.add(4 * stride), e);
                    s.store(to.add(5 * stride), f);
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

/// Floats of one panel at the six points of a row.
pub(super) fn row_len(inputs: usize) -> usize {
    PATCH * point_stride(inputs)
}

/// Floats of one panel at all points.
pub(super) fn panel_len(inputs: usize) -> usize {
    POINTS * point_stride(inputs)
}
