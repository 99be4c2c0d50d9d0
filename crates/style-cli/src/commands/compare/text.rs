//! Letters in a picture: Noto Sans Mono as bitmaps, 16 px high.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

const WEIGHT: FontWeight = FontWeight::Regular;
const SIZE: RasterHeight = RasterHeight::Size16;

/// Height of a line with the space below it, px.
pub(super) const LINE: usize = SIZE.val() + 2;

/// Width of a letter, px; all have the same.
pub(super) const LETTER: usize = get_raster_width(WEIGHT, SIZE);

/// Width of a text, px.
pub(super) fn width(text: &str) -> usize {
    text.chars().count() * LETTER
}

/// A text in lines of at most so many letters, cut between words where that is possible.
pub(super) fn wrapped(text: &str, letters: usize) -> Vec<String> {
    let letters = letters.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + word.len() <= letters {
            lines.last_mut().into_iter().for_each(|line| line.push(' '));
            used += 1;
        } else if used > 0 {
            lines.push(String::new());
            used = 0;
        }
        while word.len() > letters {
            let rest = word.split_off(letters);
            lines.last_mut().into_iter().for_each(|line| line.extend(&word));
            lines.push(String::new());
            word = rest;
        }
        used += word.len();
        lines.last_mut().into_iter().for_each(|line| line.extend(&word));
    }
    lines
}

/// Calls `draw` with place and strength, 0 to 1, of every pixel of a line that is not empty. What the font does not
/// have becomes a question mark.
pub(super) fn line(text: &str, mut draw: impl FnMut(usize, usize, f32)) {
    for (number, letter) in text.chars().enumerate() {
        let left = number * LETTER;
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
    fn lines_end_between_words_and_no_letter_is_lost() {
        assert_eq!(wrapped("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrapped("", 4), [""]);
        let cut = wrapped("one two three four", 5);
        assert!(cut.iter().all(|line| line.chars().count() <= 5), "{cut:?}");
        assert_eq!(cut.join(" "), "one two three four");
    }

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
