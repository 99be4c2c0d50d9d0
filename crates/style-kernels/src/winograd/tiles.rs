//! How a map is cut into square tiles of outputs.

use crate::grid::Grid;

/// The tiles of a map, counted row by row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiles {
    /// The map.
    pub(super) grid: Grid,
    /// Outputs of a tile, each way.
    pub(super) side: usize,
    /// Tiles side by side.
    pub(super) across: usize,
    /// Tiles in all.
    pub(super) count: usize,
}

/// Place of a tile in the map, counted in tiles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Tiles {
    pub(super) fn of(grid: Grid, side: usize) -> Self {
        let across = grid.width.div_ceil(side);
        Self { grid, side, across, count: across * grid.height.div_ceil(side) }
    }

    /// Where tile number `tile` lies.
    pub(super) fn place(&self, tile: usize) -> Place {
        Place { row: tile / self.across, column: tile % self.across }
    }

    /// The place after `place`.
    #[inline(always)]
    pub(super) fn next(&self, place: Place) -> Place {
        if place.column + 1 == self.across {
            Place { row: place.row + 1, column: 0 }
        } else {
            Place { row: place.row, column: place.column + 1 }
        }
    }
}
