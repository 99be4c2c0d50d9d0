//! The first directory of a TIFF, which is also what Exif data is.
//!
//! TIFF 6.0, section 2: byte order, 42, place of the directory; the directory: number of entries, then 12 bytes each, which
//! are tag, type, count and the value or its place. Tags must be sorted, but not every camera knows that.

use std::borrow::Cow;

/// How the camera was held.
const ORIENTATION: u16 = 0x0112;

/// The ICC profile (ICC.1, annex B.4).
pub(crate) const PROFILE: u16 = 0x8773;

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<usize> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        } as usize)
    }
}

/// Byte order and place of the first directory.
fn start(bytes: &[u8]) -> Option<(Order, usize)> {
    let order = match bytes.get(..4)? {
        b"II*\0" => Order::Little,
        b"MM\0*" => Order::Big,
        _ => return None,
    };
    Some((order, order.u32(bytes, 4)?))
}

/// Where the entry of a tag stands.
fn entry(bytes: &[u8], tag: u16) -> Option<(Order, usize)> {
    let (order, directory) = start(bytes)?;
    let count = order.u16(bytes, directory)?;
    (0..usize::from(count))
        .map(|index| directory + 2 + 12 * index)
        .take_while(|&at| at + 12 <= bytes.len())
        .find(|&at| order.u16(bytes, at) == Some(tag))
        .map(|at| (order, at))
}

/// The place of the next directory stands behind the entries of one.
fn next_at(bytes: &[u8], order: Order, directory: usize) -> Option<usize> {
    Some(directory + 2 + 12 * usize::from(order.u16(bytes, directory)?))
}

/// The number of directories, up to one that was there before or is not there.
pub(crate) fn pages(bytes: &[u8]) -> usize {
    let Some((order, mut place)) = start(bytes) else { return 0 };
    let mut seen = Vec::new();
    // A place of 0 ends the chain.
    while place != 0 && !seen.contains(&place) && seen.len() < 1000 {
        let Some(at) = next_at(bytes, order, place) else { break };
        seen.push(place);
        place = order.u32(bytes, at).unwrap_or_default();
    }
    seen.len()
}

/// The file as if it had one directory: a decoder would refuse the picture for what is wrong with the others.
pub(crate) fn first_page(bytes: &[u8]) -> Cow<'_, [u8]> {
    let next = start(bytes).and_then(|(order, place)| next_at(bytes, order, place));
    match next.and_then(|at| bytes.get(at..at + 4).map(|next| (at, next))) {
        None | Some((_, [0, 0, 0, 0])) => Cow::Borrowed(bytes),
        Some((at, _)) => {
            let mut bytes = bytes.to_vec();
            bytes[at..at + 4].fill(0);
            Cow::Owned(bytes)
        }
    }
}

/// The orientation, as it stands there: 1 to 8 if it is in order.
pub(crate) fn orientation(bytes: &[u8]) -> Option<u16> {
    let (order, at) = entry(bytes, ORIENTATION)?;
    // One number of 16 bits; a byte or 32 bits are read by other programs too.
    match order.u16(bytes, at + 2)? {
        1 => bytes.get(at + 8).copied().map(u16::from),
        3 => order.u16(bytes, at + 8),
        4 => order.u32(bytes, at + 8).map(|value| u16::try_from(value).unwrap_or(u16::MAX)),
        _ => None,
    }
}

/// The bytes that an entry points at.
pub(crate) fn bytes_of(bytes: &[u8], tag: u16) -> Option<&[u8]> {
    let (order, at) = entry(bytes, tag)?;
    let is_bytes = matches!(order.u16(bytes, at + 2)?, 1 | 7);
    let (length, place) = (order.u32(bytes, at + 4)?, order.u32(bytes, at + 8)?);
    if is_bytes && length > 4 { bytes.get(place..place.checked_add(length)?) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(entries: &[[u8; 12]], after: &[u8]) -> Vec<u8> {
        let count = [0, entries.len() as u8];
        [&b"MM\0*\0\0\0\x08"[..], &count, &entries.concat(), &[0; 4], after].concat()
    }

    #[test]
    fn an_orientation_is_found_in_both_byte_orders() {
        let other = [1, 0, 0, 3, 0, 0, 0, 1, 0, 9, 0, 0];
        let big = directory(&[other, [1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]], b"");
        assert_eq!(orientation(&big), Some(6));
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0";
        assert_eq!(orientation(little), Some(8));
        assert_eq!(orientation(&big[..20]), None);
        assert_eq!(orientation(b"II*\0\xff\xff\xff\xff"), None);
    }

    #[test]
    fn a_value_may_not_reach_over_the_end() {
        let at = |length: u8| [0x87, 0x73, 0, 7, 0, 0, 0, length, 0, 0, 0, 26];
        assert_eq!(bytes_of(&directory(&[at(5)], b"12345"), PROFILE), Some(&b"12345"[..]));
        assert_eq!(bytes_of(&directory(&[at(6)], b"12345"), PROFILE), None);
        assert_eq!(
            bytes_of(&directory(&[at(4)], b"12345"), PROFILE),
            None,
            "four bytes are the value itself"
        );
    }
}
