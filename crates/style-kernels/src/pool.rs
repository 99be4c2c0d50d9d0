//! Pooling and ReLU of maps that are stored, because somebody reads them.

use std::ptr;

use crate::Pooling;
use crate::grid::Grid;
use crate::memory::Shared;
use crate::parallel;
use crate::simd::{GROUP, Kernel, Level, Simd};

/// How four values become one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pool {
    pub(crate) pooling: Pooling,
    /// Factor of the result.
    pub(crate) gain: f32,
}

impl Pool {
    /// Factor of the gradient on its way to the values that get it; for norms see [`Source::Norm`].
    ///
    /// [`Source::Norm`]: crate::winograd::Source::Norm
    pub(crate) fn share(self) -> f32 {
        match self.pooling {
            Pooling::Max => self.gain,
            Pooling::Average => 0.25 * self.gain,
            // A value's share is gain x value / norm, and what is stored is gain x norm.
            Pooling::L2 => self.gain * self.gain,
        }
    }

    /// Pools four ReLU outputs, and notes which of them pass a gradient; nothing is noted for norms, whose shares are
    /// worked out from the values themselves.
    ///
    /// # Safety
    /// `routing` is valid for writing `LANES` bytes; for norms it may be anything.
    #[inline(always)]
    pub(crate) unsafe fn four<S: Simd>(self, s: S, v: [S::V; 4], routing: *mut u8) -> S::V {
        // SAFETY: the caller's promise.
        let pooled = unsafe {
            match self.pooling {
                Pooling::Max => s.pool_max(v, routing),
                Pooling::Average => s.pool_average(v, routing),
                Pooling::L2 => {
                    let [first, second] =
                        [[v[0], v[1]], [v[2], v[3]]].map(|[a, b]| s.mul_add(a, a, s.mul(b, b)));
                    s.sqrt(s.add(first, second))
                }
            }
        };
        s.mul(pooled, s.splat(self.gain))
    }
}

/// Pools a row of one group.
///
/// `from` is valid for two rows of `width` positions, `to` and `routing` for `width / 2`; for norms `routing` is not
/// used.
#[derive(Debug, Clone, Copy)]
struct PoolRow {
    from: *const f32,
    width: usize,
    pool: Pool,
    to: *mut f32,
    routing: *mut u8,
}

impl Kernel for PoolRow {
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        for x in 0..self.width / 2 {
            for part in 0..S::PARTS {
                let lane = part * S::LANES;
                // SAFETY: x is inside the pooled row, by the contract.
                unsafe {
                    let at = |y: usize, i: usize| {
                        s.load(self.from.add((y * self.width + 2 * x + i) * GROUP + lane))
                    };
                    let four = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
                    let offset = x * GROUP + lane;
                    let pooled = self.pool.four(s, four, self.routing.wrapping_add(offset));
                    s.store(self.to.add(offset), pooled);
                }
            }
        }
    }
}

/// Pools a map of `grid` into `to`, and notes in `routing` where the gradient will go; for norms that is empty.
pub(crate) fn pool(
    (level, threads): (Level, usize),
    pool: Pool,
    grid: Grid,
    map: &[f32],
    to: &mut [f32],
    routing: &mut [u8],
) {
    let (height, width) = (grid.height / 2, grid.width / 2);
    let row_len = width * GROUP;
    let groups = map.len() / (grid.height * grid.width * GROUP);
    let routed = !routing.is_empty();
    let (to, routing) = (Shared::new(to), Shared::new(routing));
    parallel::for_each(threads, groups * height, |_, task| {
        let (group, row) = (task / height, task % height);
        let from = &map[(group * grid.height + 2 * row) * grid.width * GROUP..][..2 * grid.width * GROUP];
        let kernel = PoolRow {
            from: from.as_ptr(),
            width: grid.width,
            pool,
            to: to.at(task * row_len, row_len),
            routing: if routed { routing.at(task * row_len, row_len) } else { ptr::null_mut() },
        };
        // SAFETY: all rows that are used are of the right length; every task writes its own.
        unsafe { level.run(kernel) }
    });
}

/// `max(x, 0)` of `len` floats, a multiple of 16.
#[derive(Debug, Clone, Copy)]
struct Relu {
    from: *const f32,
    to: *mut f32,
    len: usize,
}

impl Kernel for Relu {
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        for i in (0..self.len).step_by(S::LANES) {
            // SAFETY: `i` is inside both, by the contract.
            unsafe { s.store(self.to.add(i), s.relu(s.load(self.from.add(i)))) }
        }
    }
}

/// The ReLU of a whole map.
pub(crate) fn relu(level: Level, threads: usize, from: &[f32], to: &mut [f32]) {
    const PIECE: usize = 1 << 14;
    let target = Shared::new(to);
    parallel::for_each(threads, from.len().div_ceil(PIECE), |_, task| {
        let piece = from.chunks(PIECE).nth(task).unwrap_or_default();
        let to = target.at(task * PIECE, piece.len());
        // SAFETY: both pieces have the same length; every task writes its own.
        unsafe { level.run(Relu { from: piece.as_ptr(), to, len: piece.len() }) }
    });
}
