//! A contact sheet: pictures in rows, words below each.

use style_transfer::{Image, MAX_PIXELS, MAX_SIDE};

use super::text;
use crate::failure::{Exit, Failure, Result};

/// White around the pictures, px.
const SPACE: usize = 12;
/// Letters of a title or a line at most; what is longer is cut.
const LONGEST: usize = 120;
/// Where no picture is.
const GREY: f32 = 0.93;

/// One place of the sheet.
pub(super) struct Cell {
    pub(super) content: Content,
    /// Below it.
    pub(super) lines: Vec<String>,
}

pub(super) enum Content {
    Picture(Image),
    /// No picture, and why.
    Empty(String),
}

/// What a sheet will hold.
pub(super) struct Extent {
    pub(super) columns: usize,
    pub(super) cells: usize,
    /// The largest picture, width and height in px.
    pub(super) picture: (usize, usize),
    /// Lines below each, and the letters of the longest.
    pub(super) lines: usize,
    pub(super) letters: usize,
}

/// Places of the same size in rows, under a title, on white.
pub(super) struct Sheet {
    title: String,
    columns: usize,
    /// Of a picture and of the lines below it.
    wide: usize,
    high: usize,
    /// Of the whole sheet.
    width: usize,
    height: usize,
}

impl Sheet {
    /// Lays a sheet out.
    ///
    /// # Errors
    ///
    /// Exit code 6 for one that no picture can be.
    pub(super) fn new(title: &str, extent: &Extent) -> Result<Self> {
        let title: String = title.chars().take(LONGEST).collect();
        let columns = extent.columns.max(1);
        let wide = extent.picture.0.max(extent.letters.min(LONGEST) * text::LETTER);
        let high = extent.picture.1;
        let width = (SPACE + columns * (wide + SPACE)).max(2 * SPACE + text::width(&title));
        let rows = extent.cells.div_ceil(columns);
        let height = TOP + SPACE + rows * (high + extent.lines * text::LINE + 2 * SPACE);
        if width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS {
            let message = format!(
                "the sheet of {} pictures would have {width} x {height} px, at most {MAX_SIDE} px a side and \
                 {MAX_PIXELS} pixels can be",
                extent.cells
            );
            return Err(Failure::new(Exit::Limit, message).help("lower --cell, or give fewer values"));
        }
        Ok(Self { title, columns, wide, high, width, height })
    }

    /// The sheet with these places, row by row.
    pub(super) fn draw(&self, cells: &[Cell]) -> Result<Image> {
        let mut paper = Paper::new(self.width, self.height);
        paper.write(&self.title, SPACE, SPACE);
        let rows = cells.len().div_ceil(self.columns).max(1);
        let step = (self.height - TOP - SPACE) / rows;
        for (number, cell) in cells.iter().enumerate() {
            let left = SPACE + number % self.columns * (self.wide + SPACE);
            let upper = TOP + SPACE + number / self.columns * step;
            match &cell.content {
                Content::Picture(picture) => paper.lay(picture, left, upper),
                Content::Empty(why) => self.leave_empty(&mut paper, why, left, upper),
            }
            for (row, line) in cell.lines.iter().enumerate() {
                let line: String = line.chars().take(self.wide / text::LETTER).collect();
                paper.write(&line, left, upper + self.high + SPACE / 2 + row * text::LINE);
            }
        }
        Ok(Image::new(self.width, self.height, paper.pixels)?)
    }

    /// Grey, with the words in it as far as they have room.
    fn leave_empty(&self, paper: &mut Paper, why: &str, left: usize, upper: usize) {
        paper.fill(left, upper, (self.wide, self.high), GREY);
        let room = (self.wide / text::LETTER).saturating_sub(2);
        let lines = text::wrapped(why, room);
        for (row, line) in lines.iter().take(self.high / text::LINE).enumerate() {
            paper.write(line, left + text::LETTER, upper + row * text::LINE);
        }
    }
}

/// Height of the title.
const TOP: usize = SPACE + text::LINE;

struct Paper {
    width: usize,
    pixels: Vec<f32>,
}

impl Paper {
    /// White.
    fn new(width: usize, height: usize) -> Self {
        Self { width, pixels: vec![1.0; 3 * width * height] }
    }

    fn fill(&mut self, left: usize, top: usize, (width, height): (usize, usize), value: f32) {
        for y in top..top + height {
            let start = 3 * (y * self.width + left);
            self.pixels[start..start + 3 * width].fill(value);
        }
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
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        Cell { content: Content::Picture(picture), lines }
    }

    const SMALL: Extent = Extent { columns: 2, cells: 3, picture: (40, 30), lines: 2, letters: 13 };

    #[test]
    fn every_picture_and_every_word_finds_its_place() {
        let sheet = Sheet::new("title", &SMALL).unwrap();
        let cells = [cell(40, 20, &["a"]), cell(30, 30, &["b", "a longer line"]), cell(1, 1, &[])];
        let sheet = sheet.draw(&cells).unwrap();
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
    fn a_place_without_a_picture_says_why() {
        let empty = Cell { content: Content::Empty("it went wrong".into()), lines: vec![] };
        let sheet = Sheet::new("", &SMALL).unwrap();
        let drawn = sheet.draw(&[cell(1, 1, &[]), empty, cell(1, 1, &[])]).unwrap();
        let grey = drawn.pixels().iter().filter(|&&value| value == GREY).count();
        let whole = 3 * sheet.wide * sheet.high;
        assert!(grey > whole / 2 && grey < whole, "{grey} of {whole}: grey, and ink on it");
    }

    #[test]
    fn a_sheet_that_no_picture_can_be_is_refused_before_it_is_drawn() {
        let failure = Sheet::new("", &Extent { columns: 60, cells: 60, picture: (1000, 10), ..SMALL });
        let failure = failure.err().unwrap();
        assert_eq!(failure.exit, Exit::Limit);
        assert!(failure.message.contains("60732 x "), "{failure}");
    }
}
