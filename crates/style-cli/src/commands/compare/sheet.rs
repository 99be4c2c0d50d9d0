//! A contact sheet: pictures in rows, words below each.

use style_transfer::{Image, ImageError};

use super::text;

/// White around the pictures, px.
const SPACE: usize = 12;

/// A picture with the lines below it.
pub(super) struct Cell {
    pub(super) picture: Image,
    pub(super) lines: Vec<String>,
}

/// Pictures in rows of so many `columns`, under a title, on white. All cells have the size of the largest.
pub(super) fn sheet(title: &str, columns: usize, cells: &[Cell]) -> Result<Image, ImageError> {
    let most = |of: &dyn Fn(&Cell) -> usize| cells.iter().map(of).max().unwrap_or(0);
    let words = |cell: &Cell| cell.lines.iter().map(|line| text::width(line)).max().unwrap_or(0);
    let wide = most(&|cell| cell.picture.width().max(words(cell)));
    let (high, lines) = (most(&|cell| cell.picture.height()), most(&|cell| cell.lines.len()));
    let (columns, below) = (columns.max(1), lines * text::LINE);
    let step = (wide + SPACE, high + below + 2 * SPACE);
    let width = (SPACE + columns * step.0).max(2 * SPACE + text::width(title));
    let top = SPACE + text::LINE;
    let height = top + SPACE + cells.len().div_ceil(columns) * step.1;
    let mut paper = Paper::new(width, height)?;
    paper.write(title, SPACE, SPACE);
    for (number, cell) in cells.iter().enumerate() {
        let left = SPACE + number % columns * step.0;
        let upper = top + SPACE + number / columns * step.1;
        paper.lay(&cell.picture, left, upper);
        for (row, line) in cell.lines.iter().enumerate() {
            paper.write(line, left, upper + high + SPACE / 2 + row * text::LINE);
        }
    }
    Image::new(width, height, paper.pixels)
}

struct Paper {
    width: usize,
    pixels: Vec<f32>,
}

impl Paper {
    /// White. Checked by the library before so much memory is asked for.
    fn new(width: usize, height: usize) -> Result<Self, ImageError> {
        let white = Image::new(1, 1, vec![1.0; 3])?.resized(width, height)?;
        Ok(Self { width, pixels: white.pixels().to_vec() })
    }

    fn lay(&mut self, picture: &Image, left: usize, top: usize) {
        for (y, row) in picture.pixels().chunks_exact(3 * picture.width()).enumerate() {
            let start = 3 * ((top + y) * self.width + left);
            self.pixels[start..start + row.len()].copy_from_slice(row);
        }
    }

    fn write(&mut self, line: &str, left: usize, top: usize) {
        let Self { width, pixels } = self;
        text::line(line, |x, y, strength| {
            let start = 3 * ((top + y) * *width + left + x);
            pixels[start..start + 3].iter_mut().for_each(|value| *value *= 1.0 - 0.9 * strength);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(width: usize, height: usize, lines: &[&str]) -> Cell {
        let picture = Image::new(width, height, vec![0.25; 3 * width * height]).unwrap();
        Cell { picture, lines: lines.iter().map(|&line| line.to_owned()).collect() }
    }

    #[test]
    fn every_picture_and_every_word_finds_its_place() {
        let cells = [cell(40, 20, &["a"]), cell(30, 30, &["b", "a longer line"]), cell(1, 1, &[])];
        let sheet = sheet("title", 2, &cells).unwrap();
        let of_pictures = sheet.pixels().iter().filter(|&&value| value == 0.25).count();
        assert_eq!(of_pictures, 3 * (40 * 20 + 30 * 30 + 1));
        let wide = text::width("a longer line");
        assert_eq!(sheet.width(), 12 + 2 * (wide + 12));
        // The first picture begins below title and margins.
        let at = |x: usize, y: usize| sheet.pixels()[3 * (y * sheet.width() + x)];
        assert_eq!([at(12, 42), at(11, 42), at(12, 41)], [0.25, 1.0, 1.0]);
        assert!(sheet.pixels().iter().any(|&value| value < 0.2), "ink");
    }

    #[test]
    fn a_sheet_that_no_picture_can_be_is_refused() {
        let cells: Vec<Cell> = (0..60).map(|_| cell(1000, 10, &[])).collect();
        assert!(sheet("", 60, &cells).is_err());
    }
}
