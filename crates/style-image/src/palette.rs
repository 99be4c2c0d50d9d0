//! Pixels of a PNG that name a colour its palette has not. Decoders paint them black and say nothing.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};

/// The first such number, and how many colours there are. `bytes` are a PNG that a decoder has found in order.
pub(crate) fn beyond(bytes: &[u8], max_bytes: usize) -> Option<(u8, usize)> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: max_bytes });
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().ok()?;
    let colours = reader.info().palette.as_ref()?.len() / 3;
    let depth = match (reader.output_color_type(), colours) {
        ((ColorType::Indexed, BitDepth::One), ..2) => 1,
        ((ColorType::Indexed, BitDepth::Two), ..4) => 2,
        ((ColorType::Indexed, BitDepth::Four), ..16) => 4,
        ((ColorType::Indexed, BitDepth::Eight), ..256) => 8,
        // The palette has every colour that the bits can name.
        _ => return None,
    };
    let width = reader.info().width as usize;
    let mut samples = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut samples).ok()?;
    let rows = samples.chunks_exact(frame.line_size);
    // The first pixel of a byte has the upper bits; what follows the last one in its byte is filling.
    let mask = 0xff >> (8 - depth);
    let in_byte = |byte: u8| (0..8 / depth).rev().map(move |place| (byte >> (place * depth)) & mask);
    rows.flat_map(|row| row.iter().copied().flat_map(in_byte).take(width))
        .find(|&colour| usize::from(colour) >= colours)
        .map(|colour| (colour, colours))
}

#[cfg(test)]
mod tests {
    use crate::test_pictures::{chunk, png};

    #[test]
    fn a_colour_beyond_the_palette_is_found_in_any_number_of_bits() {
        let palette = |colours: usize| chunk(*b"PLTE", &vec![7; 3 * colours]);
        let beyond = |width, depth, colours, row: &[u8]| {
            super::beyond(&png((width, 1), depth, 3, &palette(colours), row), 1 << 20)
        };
        assert_eq!(beyond(3, 2, 3, &[0, 0b00_01_11_00]), Some((3, 3)));
        assert_eq!(beyond(2, 2, 3, &[0, 0b00_01_11_11]), None, "what fills the last byte is no pixel");
        assert_eq!(beyond(8, 1, 1, &[0, 0b0000_0001]), Some((1, 1)));
        assert_eq!(beyond(2, 4, 16, &[0, 0xff]), None);
        assert_eq!(beyond(2, 4, 15, &[0, 0x0f]), Some((15, 15)));
        assert_eq!(beyond(1, 8, 255, &[0, 255]), Some((255, 255)));
    }
}
