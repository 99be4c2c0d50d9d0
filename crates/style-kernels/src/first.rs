//! The first convolution: planes of few channels in, groups out; and its gradient back to planes.
//!
//! ```text
//! image [channel][h][w] -> scale, shift, border -> planes [channel][h + 2][w + 2] -> map [group][h][w][16]
//! ```

use crate::filters::padded;
use crate::gemm::{PANEL, Product, block_rows};
use crate::grid::Grid;
use crate::memory::{Buffer, Shared};
use crate::parallel;
use crate::simd::{GROUP, Kernel, Level, Simd, fence};
use crate::{Convolution, KernelError, Padding};

use crate::epilogue::Epilogue;

/// Rows of planes that one task of the gradient computes.
const BAND: usize = 16;

/// The first convolution's filters.
#[derive(Debug)]
pub(crate) struct First {
    pub(crate) inputs: usize,
    /// Output channels, padded.
    outputs: usize,
    /// `[input][3][3][outputs]`.
    forward: Buffer<f32>,
    /// `[panel of 32 columns][outputs][32]`, a column for every `(input, ky, kx)`.
    backward: Buffer<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

/// One row of the map.
///
/// `planes` is valid for three rows of every plane, `epilogue` for the whole map.
#[derive(Debug, Clone, Copy)]
struct ForwardRow<'a> {
    first: &'a First,
    planes: *const f32,
    grid: Grid,
    row: usize,
    epilogue: Epilogue,
}

impl Kernel for ForwardRow<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self, s: S) {
        let width = self.grid.width;
        let wide = S::LANES == GROUP && self.first.outputs.is_multiple_of(4 * GROUP);
        let columns = if wide { 4 } else { 2 } * S::LANES;
        for x in (0..width - width % 4).step_by(4) {
            for channel in (0..self.first.outputs).step_by(columns) {
                // SAFETY: four positions from x on are inside the row.
                unsafe {
                    if wide {
                        self.positions::<S, 4, 4>(s, x, channel);
                    } else {
                        self.positions::<S, 4, 2>(s, x, channel);
                    }
                }
            }
        }
        for x in width - width % 4..width {
            for channel in (0..self.first.outputs).step_by(2 * S::LANES) {
                // SAFETY: x is inside the row.
                unsafe { self.positions::<S, 1, 2>(s, x, channel) }
            }
        }
    }
}

impl ForwardRow<'_> {
    /// `P` positions of `N` registers of channels.
    ///
    /// # Safety
    /// As [`ForwardRow`].
    #[inline(always)]
    unsafe fn positions<S: Simd, const P: usize, const N: usize>(&self, s: S, x: usize, channel: usize) {
        let (height, width) = (self.grid.height, self.grid.width);
        let mut sums = [[s.splat(0.0); N]; P];
        // SAFETY: planes have a border of one, so that all nine taps are inside; filters and output cover
        // the channels.
        unsafe {
            let mut filter = self.first.forward.ptr().add(channel);
            for input in 0..self.first.inputs {
                for tap in 0..9 {
                    let line = input * (height + 2) + self.row + tap / 3;
                    let from = self.planes.add(line * (width + 2) + x + tap % 3);
                    for n in 0..N {
                        let weight = s.load(filter.add(n * S::LANES));
                        for (p, sum) in sums.iter_mut().enumerate() {
                            sum[n] = s.mul_add(s.splat(*from.add(p)), weight, sum[n]);
                        }
                    }
                    filter = filter.add(self.first.outputs);
                }
            }
            for n in 0..N {
                let lane = channel + n * S::LANES;
                let bias = self.epilogue.bias(s, lane);
                for (p, sum) in sums.iter().enumerate() {
                    let position = (lane / GROUP * height + self.row) * width + x + p;
                    self.epilogue.store(s, sum[n], bias, position * GROUP + lane % GROUP);
                }
            }
        }
    }
}

impl First {
    pub(crate) fn new(
        convolution: &Convolution<'_>,
        scale: Vec<f32>,
        shift: Vec<f32>,
    ) -> Result<Self, KernelError> {
        let (inputs, outputs) = (convolution.inputs, padded(convolution.outputs));
        let columns = inputs * 9;
        let mut forward = Buffer::new(columns * outputs)?;
        let mut backward = Buffer::new(padded(columns) * outputs)?;
        for o in 0..convolution.outputs {
            for column in 0..columns {
                let weight = convolution.weight[o * columns + column];
                forward[column * outputs + o] = weight;
                backward[(column / PANEL * outputs + o) * PANEL + column % PANEL] = weight;
            }
        }
        Ok(Self { inputs, outputs, forward, backward, scale, shift })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.forward.bytes() + self.backward.bytes()
    }

    /// Floats of the planes for pictures of this size.
    pub(crate) fn planes_len(&self, height: usize, width: usize) -> usize {
        self.inputs * (height + 2) * (width + 2)
    }

    /// Scratch floats that a thread needs for the gradient.
    pub(crate) fn row_len(&self, width: usize) -> usize {
        padded(9 * self.inputs) * width
    }

    /// Writes the transformed picture with its border.
    pub(crate) fn fill_planes(
        &self,
        threads: usize,
        grid: Grid,
        padding: Padding,
        image: &[f32],
        planes: &mut [f32],
    ) {
        let (height, width) = (grid.height, grid.width);
        let line = width + 2;
        let target = Shared::new(planes);
        parallel::for_each(threads, self.inputs * (height + 2), |_, task| {
            let (channel, row) = (task / (height + 2), task % (height + 2));
            // SAFETY: a task has its own row.
            let to = unsafe { target.slice(task * line, line) };
            let from = match padding.around(height) {
                Some([top, _]) if row == 0 => top,
                Some([_, bottom]) if row == height + 1 => bottom,
                None if row == 0 || row == height + 1 => {
                    to.fill(0.0);
                    return;
                }
                _ => row - 1,
            };
            let from = &image[(channel * height + from) * width..][..width];
            let (scale, shift) = (self.scale[channel], self.shift[channel]);
            for (to, from) in to[1..].iter_mut().zip(from) {
                *to = from * scale + shift;
            }
            let [left, right] = padding.around(width).map_or([0.0; 2], |around| around.map(|x| to[1 + x]));
            (to[0], to[width + 1]) = (left, right);
        });
    }

    /// The convolution of all rows.
    ///
    /// # Safety
    /// `planes` is as [`First::fill_planes`] wrote it; `epilogue` is valid for the map.
    pub(crate) unsafe fn forward(
        &self,
        level: Level,
        threads: usize,
        grid: Grid,
        planes: &[f32],
        epilogue: Epilogue,
    ) {
        debug_assert_eq!(planes.len(), self.planes_len(grid.height, grid.width));
        parallel::for_each(threads, grid.height, |_, row| {
            let planes = planes.as_ptr();
            // SAFETY: the row is inside planes and map; tasks write different rows.
            unsafe { level.run(ForwardRow { first: self, planes, grid, row, epilogue }) }
            fence();
        });
    }

    /// The gradient of the picture, from the gradient `[group][height][width][16]` of the convolution's sums.
    pub(crate) fn backward(
        &self,
        (level, threads): (Level, usize),
        (grid, padding): (Grid, Padding),
        gradient: &[f32],
        (planes, rows): (&mut [f32], &mut [f32]),
        image: &mut [f32],
    ) {
        let (height, width) = (grid.height, grid.width);
        let row_len = self.row_len(width);
        let (target, scratch) = (Shared::new(&mut *planes), Shared::new(rows));
        parallel::for_each(threads, (height + 2).div_ceil(BAND), |slot, task| {
            // SAFETY: the slot is ours for this task.
            let products = unsafe { scratch.slice(slot * row_len, row_len) };
            let band = task * BAND..(height + 2).min((task + 1) * BAND);
            self.band(level, grid, gradient, band, products, target);
        });
        let target = Shared::new(image);
        let planes = &*planes;
        parallel::for_each(threads, self.inputs * height, |_, task| {
            let (channel, row) = (task / height, task % height);
            // SAFETY: a task has its own row.
            let to = unsafe { target.slice(task * width, width) };
            let line = |row: usize| &planes[(channel * (height + 2) + row) * (width + 2)..][..width + 2];
            to.copy_from_slice(&line(row + 1)[1..=width]);
            if let (Some([top, bottom]), Some([left, right])) =
                (padding.around(height), padding.around(width))
            {
                let mut fold = |line: &[f32], inner: bool| {
                    if !inner {
                        to.iter_mut().zip(&line[1..]).for_each(|(to, from)| *to += from);
                    }
                    to[left] += line[0];
                    to[right] += line[width + 1];
                };
                fold(line(row + 1), true);
                if row == top {
                    fold(line(0), false);
                }
                if row == bottom {
                    fold(line(height + 1), false);
                }
            }
            for value in to {
                *value *= self.scale[channel];
            }
        });
    }

    /// The gradient of some rows of the planes: every row of the map's gradient times all filters, its
    /// columns added where they belong.
    fn band(
        &self,
        level: Level,
        grid: Grid,
        gradient: &[f32],
        band: std::ops::Range<usize>,
        products: &mut [f32],
        planes: Shared<'_, f32>,
    ) {
        let (height, width) = (grid.height, grid.width);
        let line = |channel: usize, row: usize| {
            // SAFETY: tasks have different bands, and a line is used by one reference at a time.
            unsafe { planes.slice((channel * (height + 2) + row) * (width + 2), width + 2) }
        };
        for channel in 0..self.inputs {
            for row in band.clone() {
                line(channel, row).fill(0.0);
            }
        }
        let block_rows = block_rows(level, width);
        for from in band.start.saturating_sub(2)..band.end.min(height) {
            for panel in 0..padded(9 * self.inputs) / PANEL {
                let product = Product {
                    rows: width,
                    block_rows,
                    k_groups: self.outputs / GROUP,
                    a: gradient[from * width * GROUP..].as_ptr(),
                    a_block: block_rows * GROUP,
                    a_k: height * width * GROUP,
                    b: self.backward[panel * self.outputs * PANEL..].as_ptr(),
                    b_row: PANEL,
                    c: products[panel * width * PANEL..][..width * PANEL].as_mut_ptr(),
                    c_half: width * GROUP,
                    accumulate: false,
                };
                // SAFETY: the row of the gradient, the panel and the products are of the right size.
                unsafe { level.run(product) }
            }
            for column in 0..9 * self.inputs {
                let (channel, ky, kx) = (column / 9, column / 3 % 3, column % 3);
                if band.contains(&(from + ky)) {
                    let values = products[column / GROUP * width * GROUP + column % GROUP..].iter();
                    let to = line(channel, from + ky);
                    for (to, value) in to[kx..].iter_mut().zip(values.step_by(GROUP)).take(width) {
                        *to += value;
                    }
                }
            }
        }
    }
}
