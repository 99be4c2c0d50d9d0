//! Mean and Gram matrix of a map, and the derivative of a Gram matrix as a matrix.
//!
//! Positions are cut into slabs, and slabs into runs. Sums start anew with every run and every slab, which
//! keeps single precision accurate for millions of positions, and slabs depend on the map alone, so that
//! the result does not depend on the number of threads.

use crate::filters::padded;
use crate::gemm::PANEL;
use crate::memory::Shared;
use crate::parallel;
use crate::simd::{GROUP, Kernel, Level, Simd};

/// Positions of a run.
const RUN: usize = 256;
/// Most slabs of a map.
const SLABS: usize = 16;
/// Most floats that all slabs of a map have together, if there is more than one.
const SLAB_FLOATS: usize = 1 << 20;
/// Columns of the Gram matrix that one task computes.
const TASK_COLUMNS: usize = 128;

fn slabs(wide: usize, positions: usize) -> usize {
    let most = (SLAB_FLOATS / (wide * wide)).clamp(1, SLABS);
    positions.div_ceil(RUN).min(most)
}

/// Floats of scratch for a map.
pub(crate) fn scratch_len(channels: usize, positions: usize) -> usize {
    let channels = padded(channels);
    slabs(channels, positions) * channels * (channels + 1)
}

/// Adds `rows` (as many as a register block takes) x 32 entries over one run.
///
/// `a` is valid for `positions` vectors of 16 floats, `b` for the same twice, `b_half` floats apart; `c` for
/// `ROWS` rows of 32 floats, `c_row` apart.
#[derive(Debug, Clone, Copy)]
struct GramBlock {
    positions: usize,
    a: *const f32,
    b: *const f32,
    b_half: usize,
    c: *mut f32,
    c_row: usize,
    /// Whether to add to `c`.
    accumulate: bool,
}

impl Kernel for GramBlock {
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        // SAFETY: the caller's promise.
        unsafe {
            if S::LANES == GROUP {
                for row in (0..GROUP).step_by(8) {
                    self.rows::<S, 8>(s, row);
                }
            } else {
                for row in (0..GROUP).step_by(4) {
                    self.rows::<S, 4>(s, row);
                }
            }
        }
    }
}

impl GramBlock {
    /// `R` rows from `row` on, all 32 columns.
    ///
    /// # Safety
    /// As [`GramBlock`].
    #[inline(always)]
    unsafe fn rows<S: Simd, const R: usize>(&self, s: S, row: usize) {
        for pass in 0..PANEL / (2 * S::LANES) {
            let columns = [2 * pass * S::LANES, (2 * pass + 1) * S::LANES];
            let mut sums = [[s.splat(0.0); 2]; R];
            // SAFETY: positions, rows and columns are inside, by the contract.
            unsafe {
                let b = columns.map(|c| self.b.add(c / GROUP * self.b_half + c % GROUP));
                for p in 0..self.positions {
                    let right = [s.load(b[0].add(p * GROUP)), s.load(b[1].add(p * GROUP))];
                    for r in 0..R {
                        let left = s.splat(*self.a.add(p * GROUP + row + r));
                        sums[r] =
                            [s.mul_add(left, right[0], sums[r][0]), s.mul_add(left, right[1], sums[r][1])];
                    }
                }
                for r in 0..R {
                    let c = self.c.add((row + r) * self.c_row);
                    let (first, second) = (c.add(columns[0]), c.add(columns[1]));
                    let [mut left, mut right] = sums[r];
                    if self.accumulate {
                        left = s.add(s.load(first), left);
                        right = s.add(s.load(second), right);
                    }
                    s.store(first, left);
                    s.store(second, right);
                }
            }
        }
    }
}

/// Adds up `positions` vectors of 16 floats into one.
#[derive(Debug, Clone, Copy)]
struct SumRun {
    positions: usize,
    a: *const f32,
    sum: *mut f32,
    accumulate: bool,
}

impl Kernel for SumRun {
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        for lane in (0..GROUP).step_by(S::LANES) {
            // SAFETY: the caller's promise.
            unsafe {
                let mut sum = s.splat(0.0);
                for p in 0..self.positions {
                    sum = s.add(sum, s.load(self.a.add(p * GROUP + lane)));
                }
                let to = self.sum.add(lane);
                s.store(to, if self.accumulate { s.add(s.load(to), sum) } else { sum });
            }
        }
    }
}

/// Mean `[channels]` and Gram matrix `[channels, channels]`, `F F^T / positions`, of a grouped map.
pub(crate) fn statistics(
    (level, threads): (Level, usize),
    map: &[f32],
    channels: usize,
    scratch: &mut [f32],
    mean: &mut [f32],
    gram: &mut [f32],
) {
    let wide = padded(channels);
    let positions = map.len() / wide;
    let slabs = slabs(wide, positions);
    let (sums, means) = scratch[..slabs * wide * (wide + 1)].split_at_mut(slabs * wide * wide);
    let (shared_sums, shared_means) = (Shared::new(sums), Shared::new(means));
    let parts = wide.div_ceil(TASK_COLUMNS);
    // The last columns have most rows; they go first.
    parallel::for_each(threads, slabs * parts, |_, task| {
        let (slab, part) = (task % slabs, parts - 1 - task / slabs);
        let runs = positions.div_ceil(RUN);
        let (first, last) = (slab * runs / slabs, (slab + 1) * runs / slabs);
        let sums = shared_sums.at(slab * wide * wide, wide * wide);
        let means = shared_means.at(slab * wide, wide);
        let panels = part * TASK_COLUMNS / PANEL..((part + 1) * TASK_COLUMNS).min(wide) / PANEL;
        for run in first..last {
            let (start, accumulate) = (run * RUN, run > first);
            let count = RUN.min(positions - start);
            let at = |group: usize| map[(group * positions + start) * GROUP..][..count * GROUP].as_ptr();
            for panel in panels.clone() {
                for group in 0..2 * panel + 2 {
                    let kernel = GramBlock {
                        positions: count,
                        a: at(group),
                        b: at(2 * panel),
                        b_half: positions * GROUP,
                        c: sums.wrapping_add(group * GROUP * wide + panel * PANEL),
                        c_row: wide,
                        accumulate,
                    };
                    // SAFETY: `at` checked the run; the task has its own columns of its slab's sums.
                    unsafe { level.run(kernel) }
                }
                for group in 2 * panel..2 * panel + 2 {
                    let sum = means.wrapping_add(group * GROUP);
                    // SAFETY: as above.
                    unsafe { level.run(SumRun { positions: count, a: at(group), sum, accumulate }) }
                }
            }
        }
    });
    let scale = 1.0 / positions as f32;
    for (channel, mean) in mean.iter_mut().enumerate() {
        *mean = (0..slabs).map(|slab| means[slab * wide + channel]).sum::<f32>() * scale;
    }
    let sums = &*sums;
    let target = Shared::new(gram);
    parallel::for_each(threads, channels, |_, i| {
        // SAFETY: a task has its own row.
        let row = unsafe { target.slice(i * channels + i, channels - i) };
        row.fill(0.0);
        for slab in sums.chunks_exact(wide * wide) {
            for (entry, sum) in row.iter_mut().zip(&slab[i * wide + i..]) {
                *entry += sum;
            }
        }
        for entry in row {
            *entry *= scale;
        }
    });
    for i in 1..channels {
        for j in 0..i {
            gram[i * channels + j] = gram[j * channels + i];
        }
    }
}

/// `(D + D^T) / positions` in panels `[panel][channels][32]`: what the features are multiplied with to
/// give their gradient, for `D = dL/dG` `[channels, channels]`.
pub(crate) fn gradient_matrix(
    threads: usize,
    derivative: &[f32],
    channels: usize,
    positions: usize,
    matrix: &mut [f32],
) {
    let wide = padded(channels);
    let scale = 1.0 / positions as f32;
    let target = Shared::new(matrix);
    parallel::for_each(threads, wide / PANEL, |_, panel| {
        // SAFETY: a task has its own panel.
        let packed = unsafe { target.slice(panel * wide * PANEL, wide * PANEL) };
        packed.fill(0.0);
        for (i, row) in packed.chunks_exact_mut(PANEL).enumerate().take(channels) {
            for (j, entry) in (panel * PANEL..channels).zip(row) {
                *entry = (derivative[i * channels + j] + derivative[j * channels + i]) * scale;
            }
        }
    });
}
