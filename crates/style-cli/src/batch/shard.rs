//! A share of the pictures, so that several machines split a folder without talking to each other.

use std::str::FromStr;

use crate::failure::Failure;

/// `K/N`: the pictures K, K + N, K + 2 N and so on, in the order of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    /// From 1.
    number: usize,
    of: usize,
}

impl Shard {
    /// All pictures.
    pub(super) const WHOLE: Self = Self { number: 1, of: 1 };

    /// The share of these.
    pub(super) fn share<T>(self, all: Vec<T>) -> Vec<T> {
        let mine = |index: usize| index % self.of == self.number - 1;
        all.into_iter().enumerate().filter(|(index, _)| mine(*index)).map(|(_, one)| one).collect()
    }
}

impl FromStr for Shard {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let refused = || {
            Failure::usage(format!("--shard {text:?} is no share, expected K/N with K from 1 to N"))
                .help("three machines take --shard 1/3, --shard 2/3 and --shard 3/3")
        };
        let (number, of) = text.split_once('/').ok_or_else(refused)?;
        let (Ok(number), Ok(of)) = (number.parse(), of.parse()) else { return Err(refused()) };
        if number == 0 || number > of {
            return Err(refused());
        }
        Ok(Self { number, of })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_picture_is_in_exactly_one_share_and_shares_are_even(count in 0_usize..200, of in 1_usize..30) {
            let all: Vec<usize> = (0..count).collect();
            let share = |number: usize| format!("{number}/{of}").parse::<Shard>().unwrap().share(all.clone());
            let shares: Vec<Vec<usize>> = (1..=of).map(share).collect();
            let mut together: Vec<usize> = shares.iter().flatten().copied().collect();
            together.sort_unstable();
            prop_assert_eq!(together, all);
            let sizes = || shares.iter().map(Vec::len);
            prop_assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 1);
        }
    }

    #[test]
    fn a_share_that_cannot_be_is_refused() {
        assert_eq!("1/1".parse::<Shard>().unwrap(), Shard::WHOLE);
        for text in ["", "3", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b", "1 /3"] {
            let failure = text.parse::<Shard>().unwrap_err();
            assert_eq!(failure.exit, crate::failure::Exit::Usage, "{text}");
        }
    }
}
