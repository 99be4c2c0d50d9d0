//! The matrix kernel: a few rows times 32 columns, accumulated in registers.
//!
//! ```text
//!             k ->                        32 columns: two groups of 16
//!          +--------+                     +--------+--------+
//!  rows    | A      |         k           | B row k         |      C[half][row][16]
//!  (<= 14) | 16 of k|  x      |           +--------+--------+
//!          +--------+         v
//! ```
//!
//! A is a map or a transformed map: 16 values of `k` side by side, `a_k` floats to the next 16. One value
//! of A is broadcast and multiplied with a row of B. Each output is one sum over `k` in order, whatever the
//! number of rows: results do not depend on how rows are cut into blocks.

use crate::simd::{GROUP, Kernel, Level, Simd};

/// Columns of a panel of B.
pub(crate) const PANEL: usize = 2 * GROUP;

/// `C = A B` or `C += A B` for all rows and one panel of 32 columns.
///
/// Pointers are valid for: `a`, all rows of all blocks as addressed by the strides; `b`, `16 k_groups` rows
/// of 32; `c`, `rows` x 16 floats in each half.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Product {
    /// Rows of A and C.
    pub(crate) rows: usize,
    /// Rows of a block of A, at most what [`Level::rows`] says; the last block may have fewer.
    pub(crate) block_rows: usize,
    /// Sixteenths of the inner dimension.
    pub(crate) k_groups: usize,
    /// A; a row of a block is 16 floats after the one before.
    pub(crate) a: *const f32,
    /// Floats from a block of A to the next.
    pub(crate) a_block: usize,
    /// Floats from 16 values of `k` to the next 16.
    pub(crate) a_k: usize,
    /// B.
    pub(crate) b: *const f32,
    /// Floats from a row of B to the next.
    pub(crate) b_row: usize,
    /// C; a row is 16 floats after the one before.
    pub(crate) c: *mut f32,
    /// Floats from the first 16 columns of C to the second.
    pub(crate) c_half: usize,
    /// Whether to add to C.
    pub(crate) accumulate: bool,
}

/// Rows of a block so that `rows` are cut into blocks of nearly the same size.
pub(crate) fn block_rows(level: Level, rows: usize) -> usize {
    let blocks = rows.div_ceil(level.rows()).max(1);
    rows.div_ceil(blocks).max(1)
}

impl Kernel for Product {
    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        for pass in 0..PANEL / (2 * S::LANES) {
            let columns = [2 * pass * S::LANES, (2 * pass + 1) * S::LANES];
            let (mut row, mut block) = (0, 0);
            while row < self.rows {
                let rows = self.block_rows.min(self.rows - row);
                // SAFETY: block `block` of A and rows `row..row + rows` of C are inside, by the contract.
                unsafe {
                    let a = self.a.add(block * self.a_block);
                    let c = columns.map(|c| self.c.add(c / GROUP * self.c_half + c % GROUP + row * GROUP));
                    self.block(simd, rows, a, self.b.add(columns[0]), c);
                }
                row += rows;
                block += 1;
            }
        }
    }
}

impl Product {
    /// One block, by its number of rows.
    ///
    /// # Safety
    /// As [`Product`]; `a`, `b` and `c` point to the block's parts.
    #[inline(always)]
    unsafe fn block<S: Simd>(&self, simd: S, rows: usize, a: *const f32, b: *const f32, c: [*mut f32; 2]) {
        macro_rules! by_rows {
            ($($n:literal)*) => {
                match rows {
                    // SAFETY: `rows` is the number of rows; the rest is the caller's promise.
                    $($n if $n <= S::ROWS => unsafe { self.rows::<S, $n>(simd, a, b, c) },)*
                    _ => debug_assert!(false, "a block of {rows} rows"),
                }
            };
        }
        by_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }

    /// `R` rows and two registers of columns.
    ///
    /// # Safety
    /// As [`Product::block`].
    #[inline(always)]
    unsafe fn rows<S: Simd, const R: usize>(
        &self,
        simd: S,
        mut a: *const f32,
        mut b: *const f32,
        c: [*mut f32; 2],
    ) {
        let mut sums = [[simd.splat(0.0); 2]; R];
        // SAFETY: reads stay in the `R` rows of `k_groups` groups of A and the rows of B, writes in the rows
        // of C, by the contract of `Product`; prefetched addresses are not read.
        unsafe {
            for _ in 0..self.k_groups {
                for quarter in 0..GROUP / UNROLLED {
                    for step in 0..UNROLLED {
                        let k = quarter * UNROLLED + step;
                        let row = [simd.load(b), simd.load(b.add(S::LANES))];
                        simd.prefetch(b.wrapping_add(AHEAD * self.b_row));
                        if S::LANES == GROUP {
                            simd.prefetch(b.wrapping_add(AHEAD * self.b_row + GROUP));
                        }
                        // The next 16 values of `k` of one row of A.
                        if step < R.div_ceil(GROUP / UNROLLED) {
                            simd.prefetch(a.wrapping_add(self.a_k + k * GROUP));
                        }
                        for r in 0..R {
                            let value = simd.splat(*a.add(r * GROUP + k));
                            sums[r] = [
                                simd.mul_add(value, row[0], sums[r][0]),
                                simd.mul_add(value, row[1], sums[r][1]),
                            ];
                        }
                        b = b.wrapping_add(self.b_row);
                    }
                }
                a = a.wrapping_add(self.a_k);
            }
            // No index that is only known at run time may touch `sums`, or it moves to memory.
            for r in 0..R {
                let (first, second) = (c[0].add(r * GROUP), c[1].add(r * GROUP));
                let [mut left, mut right] = sums[r];
                if self.accumulate {
                    left = simd.add(left, simd.load(first));
                    right = simd.add(right, simd.load(second));
                }
                simd.store(first, left);
                simd.store(second, right);
            }
        }
    }
}

/// Steps of `k` without a branch between them.
const UNROLLED: usize = 4;
/// How many rows of B are asked for ahead of use.
const AHEAD: usize = 16;
