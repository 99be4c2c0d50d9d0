//! How a map is cut into tiles of 4 x 4 outputs.

use super::transform::TILE;

/// The tiles of a map, counted row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiles {
    /// Height of the map.
    pub(crate) height: usize,
    /// Width of the map.
    pub(crate) width: usize,
    /// Tiles side by side.
    pub(crate) across: usize,
    /// Tiles in all.
    pub(crate) count: usize,
}

/// Place of a tile in the map, counted in tiles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl Tiles {
    pub(crate) fn of(height: usize, width: usize) -> Self {
        let across = width.div_ceil(TILE);
        Self { height, width, across, count: across * height.div_ceil(TILE) }
    }

    /// Where tile number `tile` lies.
    pub(crate) fn place(&self, tile: usize) -> Place {
        Place { row: tile / self.across, column: tile % self.across }
    }

    /// The place after `place`.
    #[inline(always)]
    pub(crate) fn next(&self, place: Place) -> Place {
        if place.column + 1 == self.across {
            Place { row: place.row + 1, column: 0 }
        } else {
            Place { row: place.row, column: place.column + 1 }
        }
    }
}
