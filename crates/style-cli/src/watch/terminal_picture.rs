//! The picture in the terminal, above the bar.

mod method;
mod paint;

use method::{Environment, Method};

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::ProgressBar;
use style_transfer::{Image, Step};

use super::pace::Pace;
use super::{End, Watcher, Watchers};
use crate::arguments::{PictureKind, ShowingArguments};
use crate::failure::Result;
use crate::terminal::said;

/// The terminal gets a newer picture at most so often.
const BETWEEN_PICTURES: Duration = Duration::from_millis(400);

/// Lines of the terminal that the picture leaves to others.
const FREE_ROWS: usize = 6;

/// More would push away what was said before.
const MOST_ROWS: usize = 24;

/// Adds the picture above a bar, where the terminal can show one.
pub(super) fn add_to(watchers: &mut Watchers<'_>, arguments: &ShowingArguments, bar: &ProgressBar) {
    let environment = Environment::of_process();
    let method = match arguments.terminal_picture.unwrap_or_default() {
        _ if !Term::stderr().is_term() => None,
        PictureKind::Auto => environment.best(),
        PictureKind::Kitty => Some(Method::Kitty),
        PictureKind::Iterm => Some(Method::Iterm),
        PictureKind::Blocks => environment.blocks().or(Some(Method::Blocks256)),
        PictureKind::None => None,
    };
    if let Some(method) = method {
        watchers.add(TerminalPicture::new(method, bar.clone()));
    }
}

/// Draws the picture in place, above a bar.
struct TerminalPicture {
    method: Method,
    /// What stands below; it is taken away while the picture is drawn.
    bar: ProgressBar,
    pace: Pace,
    /// Cells of the picture that stands there, and how much had been said until then.
    drawn: Option<(Cells, usize)>,
}

/// A place in the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cells {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl TerminalPicture {
    fn new(method: Method, bar: ProgressBar) -> Self {
        Self { method, bar, pace: Pace::new(BETWEEN_PICTURES), drawn: None }
    }

    fn draw(&mut self, image: &Image) -> Result<()> {
        let terminal = Term::stderr();
        let (rows, columns) = terminal.size();
        let Some(cells) = Cells::fitting(image, usize::from(columns), usize::from(rows)) else {
            return Ok(());
        };
        let painted = paint::paint(self.method, image, cells)?;
        // What was said since stands below the picture and must not be drawn over.
        let now = (cells, said());
        let text = frame(&painted, cells, self.drawn == Some(now));
        // A terminal that has gone away is no reason to end the run.
        let written = self.bar.suspend(|| terminal.write_str(&text).and_then(|()| terminal.flush()));
        self.drawn = written.is_ok().then_some(now);
        Ok(())
    }
}

impl Watcher for TerminalPicture {
    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        let began = Instant::now();
        if self.pace.is_due(began) {
            self.draw(&step.image()?)?;
            self.pace.looked(began, Instant::now());
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, end: &End<'_>) -> Result<()> {
        match end {
            End::Done(outcome) if self.drawn.is_some() => self.draw(outcome.image()),
            _ => Ok(()),
        }
    }
}

impl Cells {
    /// The largest place for a picture, cells being twice as high as wide; `None` where a terminal has no room.
    fn fitting(image: &Image, columns: usize, rows: usize) -> Option<Self> {
        let rows = rows.checked_sub(FREE_ROWS)?.min(MOST_ROWS);
        // The last column stays free: what is written there makes some terminals begin a line.
        let columns = columns.checked_sub(1)?;
        let shape = image.width() as f64 / image.height() as f64;
        let wide = (2.0 * rows as f64 * shape).round() as usize;
        let cells = if wide <= columns {
            Self { columns: wide.max(1), rows }
        } else {
            Self { columns, rows: ((columns as f64 / shape / 2.0).round() as usize).max(1) }
        };
        (rows >= 2 && columns >= 4).then_some(cells)
    }
}

/// Everything to write for a picture: over the one before, or on new lines. It ends on the line below.
fn frame(painted: &paint::Painted, cells: Cells, again: bool) -> String {
    let rows = cells.rows;
    let place = if again { String::new() } else { "\n".repeat(rows) };
    let up = format!("\x1b[{rows}A\r");
    match painted {
        paint::Painted::Lines(lines) => {
            format!("{place}{up}{}\x1b[0m\x1b[K\n", lines.join("\x1b[0m\x1b[K\n"))
        }
        // Back to where the cursor was, wherever the terminal leaves it.
        paint::Painted::Inline(image) => format!("{place}{up}\x1b7{image}\x1b8\x1b[{rows}B\r"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: usize, height: usize) -> Image {
        Image::new(width, height, vec![0.5; 3 * width * height]).unwrap()
    }

    #[test]
    fn the_picture_keeps_its_shape_and_leaves_room() {
        let fitting = |width, height, columns, rows| {
            Cells::fitting(&image(width, height), columns, rows).map(|cells| (cells.columns, cells.rows))
        };
        assert_eq!(fitting(300, 200, 80, 24), Some((54, 18)));
        assert_eq!(fitting(300, 200, 200, 100), Some((72, 24)));
        assert_eq!(fitting(1000, 100, 80, 24), Some((79, 4)));
        assert_eq!(fitting(100, 1000, 80, 24), Some((4, 18)));
        assert_eq!(fitting(300, 200, 80, 7), None);
        assert_eq!(fitting(300, 200, 0, 0), None);
    }

    #[test]
    fn the_second_picture_is_drawn_over_the_first() {
        let cells = Cells { columns: 2, rows: 2 };
        let painted = paint::Painted::Lines(vec!["ab".into(), "cd".into()]);
        let second = "\x1b[2A\rab\x1b[0m\x1b[K\ncd\x1b[0m\x1b[K\n";
        assert_eq!(frame(&painted, cells, true), second);
        assert_eq!(frame(&painted, cells, false), format!("\n\n{second}"));
        let painted = paint::Painted::Inline("picture".into());
        assert_eq!(frame(&painted, cells, true), "\x1b[2A\r\x1b7picture\x1b8\x1b[2B\r");
    }
}
