//! The size of a map.

/// Height and width of a map, in positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Grid {
    /// Number of positions.
    pub(crate) fn positions(&self) -> usize {
        self.height * self.width
    }
}
