//! A picture as what a terminal is sent.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use style_transfer::{Image, ImageError, PictureFormat};

use super::{Cells, Method};

/// Kitty takes a picture in parts of at most so many characters.
const PART: usize = 4096;

/// Pixels a cell for terminals that show pixels: about what their cells have.
const CELL: usize = 10;

/// What is sent.
pub(super) enum Painted {
    /// Lines of text.
    Lines(Vec<String>),
    /// One sequence that shows the picture at the cursor.
    Inline(String),
}

pub(super) fn paint(method: Method, image: &Image, cells: Cells) -> Result<Painted, ImageError> {
    let Cells { columns, rows } = cells;
    Ok(match method {
        Method::Blocks => Painted::Lines(blocks(&image.resized(columns, 2 * rows)?, columns, any)),
        Method::Blocks256 => Painted::Lines(blocks(&image.resized(columns, 2 * rows)?, columns, of_256)),
        Method::Kitty => Painted::Inline(kitty(&small(image, cells)?, cells)),
        Method::Iterm => Painted::Inline(iterm(&small(image, cells)?, cells)),
    })
}

/// As a PNG with no more pixels than the place has.
fn small(image: &Image, cells: Cells) -> Result<Vec<u8>, ImageError> {
    let longest = CELL * cells.columns.max(2 * cells.rows);
    if image.width().max(image.height()) > longest {
        return image.resized_to_long_side(longest)?.encode(PictureFormat::Png);
    }
    image.encode(PictureFormat::Png)
}

/// Two pixels a character: the upper half in its colour, the lower one in that of the background.
fn blocks(image: &Image, columns: usize, colour: fn([u8; 3]) -> String) -> Vec<String> {
    let pixels: Vec<u8> = image.pixels().iter().map(|&value| (value * 255.0).round() as u8).collect();
    let (rows, _) = pixels.as_chunks::<3>();
    let lines = rows.chunks(2 * columns).map(|two| {
        let (upper, lower) = two.split_at(columns.min(two.len()));
        let (mut line, mut last) = (String::new(), None);
        for pair in upper.iter().zip(lower) {
            // Neighbours of one colour need no further words.
            if last != Some(pair) {
                let _ = write!(line, "\x1b[38;{};48;{}m", colour(*pair.0), colour(*pair.1));
                last = Some(pair);
            }
            line.push('▀');
        }
        line
    });
    lines.collect()
}

fn any([red, green, blue]: [u8; 3]) -> String {
    format!("2;{red};{green};{blue}")
}

/// Six levels of each colour, or one of 24 greys, whichever is nearer; numbers and levels are xterm's.
fn of_256(colour: [u8; 3]) -> String {
    const LEVELS: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let level = |value: u8| {
        let distance = |index: &usize| (LEVELS[*index] - i32::from(value)).abs();
        (0..LEVELS.len()).min_by_key(distance).unwrap_or(0)
    };
    let distance = |other: [i32; 3]| -> i32 {
        colour.iter().zip(other).map(|(&a, b)| (i32::from(a) - b) * (i32::from(a) - b)).sum()
    };
    let cube = colour.map(level);
    let mean = colour.iter().map(|&value| i32::from(value)).sum::<i32>() / 3;
    let grey = ((mean - 3) / 10).clamp(0, 23);
    let number = if distance([8 + 10 * grey; 3]) < distance(cube.map(|index| LEVELS[index])) {
        232 + grey as usize
    } else {
        16 + 36 * cube[0] + 6 * cube[1] + cube[2]
    };
    format!("5;{number}")
}

/// A picture with a number, which takes the place of the last one with it; the cursor stays, and nothing is answered.
///
/// # Reference
///
/// <https://sw.kovidgoyal.net/kitty/graphics-protocol/>
fn kitty(png: &[u8], cells: Cells) -> String {
    let data = STANDARD.encode(png);
    let mut parts = data.as_bytes().chunks(PART).map(String::from_utf8_lossy).peekable();
    let mut text = String::new();
    let mut keys = format!("a=T,f=100,i=7283,p=1,q=2,C=1,c={},r={},", cells.columns, cells.rows);
    while let Some(part) = parts.next() {
        let more = u8::from(parts.peek().is_some());
        let _ = write!(text, "\x1b_G{keys}m={more};{part}\x1b\\");
        keys.clear();
    }
    text
}

/// # Reference
///
/// <https://iterm2.com/documentation-images.html>
fn iterm(png: &[u8], cells: Cells) -> String {
    let (size, data) = (png.len(), STANDARD.encode(png));
    let Cells { columns, rows } = cells;
    format!(
        "\x1b]1337;File=inline=1;size={size};width={columns};height={rows};preserveAspectRatio=0:{data}\x07"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: Cells = Cells { columns: 2, rows: 1 };

    fn four() -> Image {
        Image::new(2, 2, vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]).unwrap()
    }

    #[test]
    fn a_half_block_has_the_upper_pixel_before_the_lower() {
        let Painted::Lines(lines) = paint(Method::Blocks, &four(), CELLS).unwrap() else { panic!() };
        assert_eq!(lines, ["\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[38;2;0;255;0;48;2;255;255;255m▀"]);
    }

    #[test]
    fn a_plain_area_names_its_colour_once() {
        let image = Image::new(50, 4, vec![0.2; 600]).unwrap();
        let Painted::Lines(lines) = paint(Method::Blocks, &image, Cells { columns: 50, rows: 2 }).unwrap()
        else {
            panic!()
        };
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], format!("\x1b[38;2;51;51;51;48;2;51;51;51m{}", "▀".repeat(50)));
    }

    #[test]
    fn colours_become_the_nearest_of_256() {
        for (colour, number) in [
            ([0, 0, 0], 16),
            ([255, 255, 255], 231),
            ([255, 0, 0], 196),
            ([95, 135, 175], 67),
            ([128, 128, 128], 244),
            ([8, 8, 8], 232),
        ] {
            assert_eq!(of_256(colour), format!("5;{number}"), "{colour:?}");
        }
    }

    #[test]
    fn pixels_arrive_whole_where_a_terminal_shows_them() {
        let mut random = 1u32;
        let noise = (0..3 * 60 * 60).map(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as f32 / 255.0
        });
        let image = Image::new(60, 60, noise.collect()).unwrap();
        let cells = Cells { columns: 12, rows: 6 };
        let Painted::Inline(text) = paint(Method::Kitty, &image, cells).unwrap() else { panic!() };
        let parts: Vec<_> = text.split_terminator("\x1b\\").collect();
        assert!(parts.len() > 1);
        assert!(parts[0].starts_with("\x1b_Ga=T,f=100,i=7283,p=1,q=2,C=1,c=12,r=6,m=1;"));
        assert!(parts.last().unwrap().starts_with("\x1b_Gm=0;"));
        let data: String = parts.iter().map(|part| part.split_once(';').unwrap().1).collect();
        let sent = Image::decode(&STANDARD.decode(data).unwrap()).unwrap();
        assert_eq!(sent, Image::decode(&image.encode(PictureFormat::Png).unwrap()).unwrap());

        let Painted::Inline(text) = paint(Method::Iterm, &image, cells).unwrap() else { panic!() };
        let (head, data) = text.trim_end_matches('\x07').rsplit_once(':').unwrap();
        assert!(head.ends_with(";width=12;height=6;preserveAspectRatio=0"), "{head}");
        assert_eq!(Image::decode(&STANDARD.decode(data).unwrap()).unwrap(), sent);
    }
}
