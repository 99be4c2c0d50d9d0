//! Whole numbers on the command line: what is none, or out of range, is refused with what is allowed.

use std::num::IntErrorKind;
use std::ops::RangeInclusive;

use style_transfer::MAX_SIDE;

/// The smallest side of a picture that the library makes, px.
pub(crate) const SMALLEST_SIDE: usize = 16;

/// Why a text is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoNumber {
    #[error("allowed is a whole number from {least} to {most}")]
    OutOfRange { least: u64, most: u64 },
    /// Where the only upper limit is that of a type, of which nobody asks.
    #[error("allowed is a whole number from {least} on")]
    TooSmall { least: u64 },
    #[error("allowed is at most {most}")]
    TooLarge { most: u64 },
}

/// A parser of whole numbers in a range.
pub(crate) fn whole<T: TryFrom<u64>>(
    allowed: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, NoNumber> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse::<u64>().ok().filter(|number| allowed.contains(number));
        number.and_then(|number| number.try_into().ok()).ok_or_else(|| refused(text, &allowed))
    }
}

/// A parser of the sides of pictures, px. One out of range is the library's to refuse: it knows which size fits.
pub(crate) fn side(text: &str) -> Result<usize, NoNumber> {
    text.parse().map_err(|_| refused(text, &(SMALLEST_SIDE as u64..=MAX_SIDE as u64)))
}

fn refused(text: &str, allowed: &RangeInclusive<u64>) -> NoNumber {
    let (least, most) = (*allowed.start(), *allowed.end());
    let is_larger = match text.parse::<u64>() {
        Ok(number) => number > most,
        Err(error) => *error.kind() == IntErrorKind::PosOverflow,
    };
    match (most >= i64::MAX as u64, is_larger) {
        (false, _) => NoNumber::OutOfRange { least, most },
        (true, true) => NoNumber::TooLarge { most },
        (true, false) => NoNumber::TooSmall { least },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_its_range_is_taken_and_anything_else_is_told_the_range() {
        let percent = whole::<u8>(1..=100);
        assert_eq!([percent("1"), percent("100")], [Ok(1), Ok(100)]);
        for text in
            ["0", "101", "-1", "1e2", "1.5", "nan", "inf", "", " 5", "5,", "ten", "99999999999999999999"]
        {
            let told = percent(text).unwrap_err().to_string();
            assert_eq!(told, "allowed is a whole number from 1 to 100", "{text:?}");
        }
        let seed = whole::<i64>(0..=i64::MAX as u64);
        assert_eq!(seed("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(seed("-1").unwrap_err().to_string(), "allowed is a whole number from 0 on");
        for text in ["9223372036854775808", "99999999999999999999"] {
            let told = seed(text).unwrap_err().to_string();
            assert_eq!(told, "allowed is at most 9223372036854775807", "{text}");
        }
    }

    #[test]
    fn a_side_out_of_range_is_left_to_who_knows_what_fits() {
        assert_eq!([side("5"), side("20000")], [Ok(5), Ok(20_000)]);
        for text in ["-3", "1e3", "nan", ""] {
            let told = side(text).unwrap_err().to_string();
            assert_eq!(told, "allowed is a whole number from 16 to 16384", "{text:?}");
        }
    }
}
