//! Letters in a picture: Noto Sans Mono as bitmaps, 16 px high.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

const WEIGHT: FontWeight = FontWeight::Regular;
const SIZE: RasterHeight = RasterHeight::Size16;

/// Height of a line with the space below it, px.
pub(super) const LINE: usize = SIZE.val() + 2;

/// Width of a text, px.
pub(super) fn width(text: &str) -> usize {
    text.chars().count() * get_raster_width(WEIGHT, SIZE)
}

/// Calls `draw` with place and strength, 0 to 1, of every pixel of a line that is not empty. What the font does not
/// have becomes a question mark.
pub(super) fn line(text: &str, mut draw: impl FnMut(usize, usize, f32)) {
    for (number, letter) in text.chars().enumerate() {
        let left = number * get_raster_width(WEIGHT, SIZE);
        let raster = get_raster(letter, WEIGHT, SIZE).or_else(|| get_raster('?', WEIGHT, SIZE));
        for (y, row) in raster.iter().flat_map(|raster| raster.rows().enumerate()) {
            for (x, &strength) in row.iter().enumerate().filter(|(_, strength)| **strength > 0) {
                draw(left + x, y, f32::from(strength) / 255.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_beside_each_other_inside_of_their_line() {
        let mut ink = vec![0.0; width("il")];
        line("il", |x, y, strength| {
            assert!(y < LINE && strength <= 1.0);
            ink[x] += strength;
        });
        let half = ink.len() / 2;
        assert!(ink[..half].iter().sum::<f32>() > 1.0 && ink[half..].iter().sum::<f32>() > 1.0, "{ink:?}");
        let mut drawn = 0;
        line(" ", |_, _, _| drawn += 1);
        assert_eq!(drawn, 0);
        let of = |text| {
            let mut pixels = Vec::new();
            line(text, |x, y, _| pixels.push((x, y)));
            pixels
        };
        assert_eq!(of("\u{4e16}"), of("?"));
    }
}
