//! What the small good networks have in common, whatever file they lie in.

use half::f16;

/// The shape of the first convolution.
pub(crate) const WEIGHT: [i64; 4] = [64, 3, 3, 3];

/// The shape of a narrow one, for small files, and its number of values.
pub(crate) const NARROW: [i64; 4] = [4, 3, 3, 3];
pub(crate) const NARROW_COUNT: u32 = 4 * 27;

/// Some value that follows from its place; half precision holds it.
pub(crate) fn value(place: usize) -> f32 {
    (place * 37 % 251) as f32 / 64.0 - 125.0 / 64.0
}

/// Little-endian floats.
pub(crate) fn floats(count: usize) -> Vec<u8> {
    (0..count).flat_map(|place| value(place).to_le_bytes()).collect()
}

/// The same in half precision.
pub(crate) fn halves(count: usize) -> Vec<u8> {
    (0..count).flat_map(|place| f16::from_f32(value(place)).to_le_bytes()).collect()
}

/// The same with another value at one place.
pub(crate) fn floats_with(count: usize, place: usize, value: f32) -> Vec<u8> {
    let mut bytes = floats(count);
    bytes[4 * place..4 * place + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}
