//! One convolution of one picture, either way.

use crate::epilogue::Epilogue;
use crate::filters::Filters;
use crate::gemm::{PANEL, Product, block_rows};
use crate::grid::Grid;
use crate::simd::{GROUP, Level};
use crate::winograd::Source;

/// The derivative of a Gram matrix, applied on the fly: `features x matrix` is added to the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// `[group][height][width][16]`, laid out as the output.
    pub(crate) features: *const f32,
    /// `[panel of 32][channels][32]`.
    pub(crate) matrix: *const f32,
}

// SAFETY: the pointers are only read, from buffers that outlive the call.
unsafe impl Send for Style {}
// SAFETY: as above.
unsafe impl Sync for Style {}

/// Everything about one pass through one convolution.
///
/// `source` is a whole map of `filters.inputs` channels on `grid`; `epilogue` writes `filters.outputs`
/// channels; all pointers stay valid and unaliased by writes during the call.
#[derive(Debug, Clone)]
pub(crate) struct Pass<'a> {
    pub(crate) level: Level,
    pub(crate) grid: Grid,
    pub(crate) source: Source,
    pub(crate) filters: &'a Filters,
    pub(crate) style: Option<Style>,
    pub(crate) epilogue: Epilogue,
}

impl Style {
    /// `features x matrix` of `count` neighbouring positions from `position` on, for one panel of `channels`
    /// channels; `plane` floats from a group to the next.
    pub(crate) fn product(
        &self,
        level: Level,
        (position, count, plane): (usize, usize, usize),
        (panel, channels): (usize, usize),
        c: *mut f32,
        c_half: usize,
    ) -> Product {
        let block_rows = block_rows(level, count);
        Product {
            rows: count,
            block_rows,
            k_groups: channels / GROUP,
            a: self.features.wrapping_add(position * GROUP),
            a_block: block_rows * GROUP,
            a_k: plane,
            b: self.matrix.wrapping_add(panel * channels * PANEL),
            b_row: PANEL,
            c,
            c_half,
            accumulate: false,
        }
    }
}
