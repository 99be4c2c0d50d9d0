//! Differences of neighbouring pixels, and the way back from them to the pixels.

use burn::tensor::Tensor;
use burn::tensor::ops::PadMode;

/// From a pixel to a neighbour: down 0 or 1, right -1, 0 or 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Direction {
    down: usize,
    right: isize,
}

pub(super) const DOWN: Direction = Direction { down: 1, right: 0 };
pub(super) const RIGHT: Direction = Direction { down: 0, right: 1 };
pub(super) const DOWN_RIGHT: Direction = Direction { down: 1, right: 1 };
pub(super) const DOWN_LEFT: Direction = Direction { down: 1, right: -1 };

impl Direction {
    /// Every pixel's neighbour less the pixel, `[.., height - 1, width]` for [`DOWN`]; `None` where nobody has a
    /// neighbour.
    pub(super) fn differences(self, image: &Tensor<4>) -> Option<Tensor<4>> {
        let [_, _, height, width] = image.dims();
        let (rows, columns) = (height.checked_sub(self.down)?, width.checked_sub(self.right.unsigned_abs())?);
        if rows == 0 || columns == 0 {
            return None;
        }
        let part = |[row, column]: [usize; 2]| image.clone().narrow(2, row, rows).narrow(3, column, columns);
        Some(part(self.ends()) - part(self.starts()))
    }

    /// From derivatives of the differences to derivatives of the pixels: a pixel is the end of one difference and
    /// the start of another.
    pub(super) fn backward(self, differences: Tensor<4>) -> Tensor<4> {
        let width = self.right.unsigned_abs();
        let place = |[row, column]: [usize; 2]| {
            let around = (column, width - column, row, self.down - row);
            differences.clone().pad(around, PadMode::Constant(0.0))
        };
        place(self.ends()) - place(self.starts())
    }

    /// The first row and column of the pixels at the differences' ends.
    const fn ends(self) -> [usize; 2] {
        [self.down, if self.right > 0 { 1 } else { 0 }]
    }

    /// The first row and column of the pixels at the differences' starts.
    const fn starts(self) -> [usize; 2] {
        [0, if self.right < 0 { 1 } else { 0 }]
    }
}

/// The picture with its border pixels repeated around it, one pixel each way.
pub(super) fn framed(image: Tensor<4>) -> Tensor<4> {
    image.pad((1, 1, 1, 1), PadMode::Edge)
}

/// From derivatives of the framed picture to those of the picture: the frame's are those of the border pixels.
pub(super) fn unframed(frame: Tensor<4>) -> Tensor<4> {
    [2, 3].into_iter().fold(frame, |frame, dim| {
        let inside = frame.dims()[dim] - 2;
        let at = |start: usize| {
            let line = frame.clone().narrow(dim, start, 1);
            let (before, after) = if start == 0 { (0, inside - 1) } else { (inside - 1, 0) };
            let around = if dim == 2 { (0, 0, before, after) } else { (before, after, 0, 0) };
            line.pad(around, PadMode::Constant(0.0))
        };
        frame.clone().narrow(dim, 1, inside) + at(0) + at(inside + 1)
    })
}
