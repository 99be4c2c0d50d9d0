//! Filters from the packed form to the 36 points.

use super::transform::{PATCH, POINTS, filter};
use crate::gemm::PANEL;
use crate::simd::{GROUP, Kernel, Simd};

/// Transforms the filters of one panel of 32 outputs: `packed` `[inputs][9][32]` to `points`
/// `[36][inputs][32]`.
///
/// It is cheap enough to be done anew for every pass, which keeps a network in its nine floats a filter
/// instead of twice 36, and reads a quarter of the memory.
///
/// Pointers are valid for `inputs` filters as drawn; `points` has `point` floats from a point to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct TransformFilters {
    pub(super) packed: *const f32,
    pub(super) inputs: usize,
    pub(super) points: *mut f32,
    pub(super) point: usize,
}

impl Kernel for TransformFilters {
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        for input in 0..self.inputs {
            for lane in (0..PANEL).step_by(S::LANES) {
                // SAFETY: filter `input` and its 36 places are inside, by the contract.
                unsafe {
                    let taps = self.packed.add(input * 9 * PANEL + lane);
                    for line in 0..9 {
                        s.prefetch(taps.wrapping_add((9 * 4 + line) * PANEL));
                    }
                    let mut columns = [[s.splat(0.0); 3]; PATCH];
                    for x in 0..3 {
                        let tap = |y: usize| s.load(taps.add((3 * y + x) * PANEL));
                        let column = filter(s, [tap(0), tap(1), tap(2)]);
                        for y in 0..PATCH {
                            columns[y][x] = column[y];
                        }
                    }
                    let points = self.points.add(input * PANEL + lane);
                    for (y, &row) in columns.iter().enumerate() {
                        for (x, value) in filter(s, row).into_iter().enumerate() {
                            s.store(points.add((PATCH * y + x) * self.point), value);
                        }
                    }
                }
            }
        }
    }
}

/// Floats from a point to the next for filters of so many inputs. The odd number of cache lines keeps the
/// 36 places that are written together out of one set of the cache.
pub(super) fn point_stride(inputs: usize) -> usize {
    inputs * 2 * PANEL + 5 * GROUP
}

/// Floats of the transformed filters of 64 outputs.
pub(super) fn group_len(inputs: usize) -> usize {
    POINTS * point_stride(inputs)
}
