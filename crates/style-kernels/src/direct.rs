//! Row by row: the direct convolution of the strict mode, and gradients where derivatives enter.

use crate::convolution::{Pass, Style};
use crate::epilogue::Epilogue;
use crate::gemm::{PANEL, Product, block_rows};
use crate::grid::Grid;
use crate::memory::Shared;
use crate::parallel;
use crate::simd::{GROUP, Kernel, Level, Simd, fence};
use crate::winograd::{Source, norm_share};

/// Scratch floats a thread needs for one row of a map.
pub(crate) fn row_len(width: usize) -> usize {
    width * PANEL
}

/// Adds what enters a row, finishes it and stores it, for the two groups of one panel.
///
/// `sums` is null (zeros) or valid for `[2][width][16]`; row, panel and the pointers of `epilogue` are inside
/// the map that `grid` describes; what is pooled in `spread` is half that size.
#[derive(Debug, Clone, Copy)]
struct FinishRow {
    sums: *const f32,
    spread: Option<Source>,
    grid: Grid,
    row: usize,
    panel: usize,
    epilogue: Epilogue,
}

impl Kernel for FinishRow {
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        let (height, width) = (self.grid.height, self.grid.width);
        for half in 0..2 {
            let group = 2 * self.panel + half;
            for x in 0..width {
                for part in 0..S::PARTS {
                    let lane = part * S::LANES;
                    let offset = ((group * height + self.row) * width + x) * GROUP + lane;
                    // SAFETY: position and group are inside the map, by the contract.
                    unsafe {
                        let mut sum = if self.sums.is_null() {
                            s.splat(0.0)
                        } else {
                            s.load(self.sums.add((half * width + x) * GROUP + lane))
                        };
                        if let Some(value) = self.spread(s, (group, x, lane), offset) {
                            sum = s.add(sum, value);
                        }
                        let bias = self.epilogue.bias(s, group * GROUP + lane);
                        self.epilogue.store(s, sum, bias, offset);
                    }
                }
            }
        }
    }
}

impl FinishRow {
    /// What of the pooled gradient goes to a position; `offset` is its place in the map.
    ///
    /// # Safety
    /// As [`FinishRow`].
    #[inline(always)]
    unsafe fn spread<S: Simd>(
        &self,
        s: S,
        (group, x, lane): (usize, usize, usize),
        offset: usize,
    ) -> Option<S::V> {
        let (height, width) = (self.grid.height / 2, self.grid.width / 2);
        let (row, column) = (self.row / 2, x / 2);
        if row >= height || column >= width {
            return None;
        }
        let pooled = ((group * height + row) * width + column) * GROUP + lane;
        // SAFETY: (row, column) was found to be inside the pooled map.
        unsafe {
            let of = |gradient: *const f32, share: f32| s.mul(s.load(gradient.add(pooled)), s.splat(share));
            match self.spread? {
                Source::Map(_) => None,
                Source::Pooled { gradient, routing, share } => {
                    let bit = 1 << (self.row % 2 * 2 + x % 2);
                    Some(s.routed(of(gradient, share), routing.add(pooled), bit))
                }
                Source::Norm { gradient, norms, map, share } => {
                    let (value, norm) = (s.load(map.add(offset)), s.load(norms.add(pooled)));
                    Some(norm_share(s, of(gradient, share), value, norm))
                }
            }
        }
    }
}

/// Scratch floats a thread needs for the filters of a panel, tap by tap.
pub(crate) fn filters_len(inputs: usize) -> usize {
    9 * inputs * PANEL
}

/// Direct convolution; its source is a map.
///
/// A task takes one panel of 32 outputs and a band of rows. It sorts the panel's filters by tap first:
/// then every tap is a product of a row of the map with a matrix that lies in one piece.
///
/// # Safety
/// As [`Pass`] says; `scratch` has [`row_len`] and [`filters_len`] floats for each of `threads` threads.
pub(crate) unsafe fn convolve(pass: &Pass<'_>, threads: usize, scratch: &mut [f32]) {
    let Grid { height, width } = pass.grid;
    let (panels, inputs) = (pass.filters.panels(), pass.filters.inputs);
    let scratch = Shared::new(scratch);
    let (row_len, filters_len) = (row_len(width), filters_len(inputs));
    let bands = (4 * threads).div_ceil(panels).min(height);
    parallel::for_each(threads, panels * bands, |slot, task| {
        let (panel, band) = (task / bands, task % bands);
        let at = slot * (row_len + filters_len);
        let sums = scratch.at(at, row_len);
        // SAFETY: the slot is ours for this task, and its two parts do not overlap.
        let filters = unsafe { scratch.slice(at + row_len, filters_len) };
        for (input, from) in pass.filters.panel(panel).chunks_exact(9 * PANEL).enumerate() {
            for (tap, from) in from.chunks_exact(PANEL).enumerate() {
                filters[(tap * inputs + input) * PANEL..][..PANEL].copy_from_slice(from);
            }
        }
        for row in band * height / bands..(band + 1) * height / bands {
            // SAFETY: source and output rows are inside their maps; tasks write different rows and panels.
            unsafe { convolve_row(pass, filters, (panel, row), sums) }
        }
        fence();
    });
}

/// One row of one panel; `filters` `[9][inputs][32]`, `sums` room for [`row_len`] floats.
///
/// # Safety
/// As [`Pass`] says.
unsafe fn convolve_row(pass: &Pass<'_>, filters: &[f32], (panel, row): (usize, usize), sums: *mut f32) {
    let Source::Map(map) = pass.source else {
        debug_assert!(false, "the strict mode stores every map");
        return;
    };
    let Grid { height, width } = pass.grid;
    let inputs = pass.filters.inputs;
    // SAFETY: the caller's promise; rows and columns outside of the map are left out, as zeros.
    unsafe {
        std::ptr::write_bytes(sums, 0, row_len(width));
        for (tap, filters) in filters.chunks_exact(inputs * PANEL).enumerate() {
            let (Some(from), kx) = ((row + tap / 3).checked_sub(1), tap % 3) else { continue };
            let (first, last) = (usize::from(kx == 0), width - usize::from(kx == 2));
            if from >= height || first >= last {
                continue;
            }
            let block_rows = block_rows(pass.level, last - first);
            pass.level.run(Product {
                rows: last - first,
                block_rows,
                k_groups: inputs / GROUP,
                a: map.add((from * width + first + kx - 1) * GROUP),
                a_block: block_rows * GROUP,
                a_k: height * width * GROUP,
                b: filters.as_ptr(),
                b_row: PANEL,
                c: sums.add(first * GROUP),
                c_half: width * GROUP,
                accumulate: true,
            });
        }
        if let Some(style) = &pass.style {
            let place = (row * width, width, height * width * GROUP);
            let panel = (panel, pass.filters.outputs);
            let product = style.product(pass.level, place, panel, sums, width * GROUP);
            pass.level.run(Product { accumulate: true, ..product });
        }
        let (grid, epilogue) = (pass.grid, pass.epilogue);
        pass.level.run(FinishRow { sums, spread: None, grid, row, panel, epilogue });
    }
}

/// The gradient of a map at which derivatives enter, where no convolution's backward pass ends: the deepest
/// one, or one below a pooling.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) level: Level,
    pub(crate) grid: Grid,
    pub(crate) channels: usize,
    pub(crate) style: Option<Style>,
    /// The gradient of the pooled map, if there is one.
    pub(crate) spread: Option<Source>,
    pub(crate) epilogue: Epilogue,
}

impl Entry {
    /// Computes and stores it.
    ///
    /// # Safety
    /// All pointers are valid for maps of `channels` channels on `grid` (pooled ones for half that size);
    /// `rows` has [`row_len`] floats for each of `threads` threads.
    pub(crate) unsafe fn run(&self, threads: usize, rows: &mut [f32]) {
        let (height, width) = (self.grid.height, self.grid.width);
        let scratch = Shared::new(rows);
        let len = row_len(width);
        parallel::for_each(threads, height, |slot, row| {
            for panel in 0..self.channels / PANEL {
                let sums = scratch.at(slot * len, len);
                // SAFETY: the slot is ours; the row is inside the maps.
                unsafe {
                    if let Some(style) = &self.style {
                        let place = (row * width, width, height * width * GROUP);
                        let panel = (panel, self.channels);
                        self.level.run(style.product(self.level, place, panel, sums, width * GROUP));
                    }
                    self.level.run(FinishRow {
                        sums: if self.style.is_some() { sums } else { std::ptr::null() },
                        spread: self.spread,
                        grid: self.grid,
                        row,
                        panel,
                        epilogue: self.epilogue,
                    });
                }
            }
            fence();
        });
    }
}
