//! Sorting rows of numbers on the host, on all cores: backends sort there too, most of them on one core.

use std::thread;

/// Bits that one pass of the sort looks at, and the passes that 32 bits take.
const DIGIT: u32 = 11;
const PASSES: usize = 3;
const BUCKETS: usize = 1 << DIGIT;

/// Rows shorter than this are not worth the counting.
const SHORT: usize = 512;

/// Sorts row after row, in the same memory.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    entries: Vec<u64>,
    other: Vec<u64>,
}

impl Sorter {
    /// The places of a row's numbers, from the smallest number's to the largest's.
    ///
    /// By digits from the lowest on, since feature maps have long rows: three passes over a row of 100 000 take a
    /// third of the time of comparing.
    pub(super) fn places(&mut self, row: &[f32]) -> impl Iterator<Item = usize> + use<'_> {
        self.entries.clear();
        self.entries.extend(row.iter().enumerate().map(|(place, &value)| packed(value, place)));
        if row.len() < SHORT {
            self.entries.sort_unstable();
        } else {
            self.sort_by_digits();
        }
        self.entries.iter().map(|entry| (entry & u64::from(u32::MAX)) as usize)
    }

    fn sort_by_digits(&mut self) {
        let digit = |entry: u64, pass: usize| (entry >> (32 + DIGIT * pass as u32)) as usize & (BUCKETS - 1);
        let mut counts = vec![[0_u32; BUCKETS]; PASSES];
        for &entry in &self.entries {
            for (pass, counts) in counts.iter_mut().enumerate() {
                counts[digit(entry, pass)] += 1;
            }
        }
        self.other.resize(self.entries.len(), 0);
        for (pass, counts) in counts.iter_mut().enumerate() {
            // From how many there are to where the first of them goes.
            let mut start = 0;
            for count in counts.iter_mut() {
                start += std::mem::replace(count, start);
            }
            for &entry in &self.entries {
                let next = &mut counts[digit(entry, pass)];
                self.other[*next as usize] = entry;
                *next += 1;
            }
            std::mem::swap(&mut self.entries, &mut self.other);
        }
    }
}

/// A number with the place it came from, as one integer that sorts like the number.
fn packed(value: f32, place: usize) -> u64 {
    let bits = value.to_bits();
    // Floats sort like integers once the sign is turned about, and all of a negative number's bits.
    let key = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(key) << 32 | place as u64
}

/// Does some work on every row of `length` numbers and gives the results in the order of the rows, whatever the
/// number of threads.
pub(super) fn for_rows<R: Send>(
    values: &mut [f32],
    length: usize,
    work: impl Fn(usize, &mut [f32], &mut Sorter) -> R + Sync,
) -> Vec<R> {
    let rows = values.len() / length.max(1);
    let share = rows.div_ceil(style_kernels::threads()).max(1);
    let work = &work;
    thread::scope(|scope| {
        let part = |(first, part): (usize, &mut [f32])| {
            let mut sorter = Sorter::default();
            let rows = part.chunks_exact_mut(length.max(1)).enumerate();
            rows.map(|(row, values)| work(first * share + row, values, &mut sorter)).collect::<Vec<R>>()
        };
        let parts = values.chunks_mut(share * length.max(1)).enumerate();
        let running: Vec<_> = parts.map(|one| scope.spawn(move || part(one))).collect();
        let join = |one: thread::ScopedJoinHandle<'_, Vec<R>>| {
            one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        running.into_iter().flat_map(join).collect()
    })
}

/// `count` quantiles of sorted numbers, at `(i + 1/2) / count`, between two numbers by linear interpolation; the
/// numbers themselves when there are as many.
pub(super) fn quantiles(sorted: &[f32], count: usize) -> impl Iterator<Item = f32> + use<'_> {
    let last = sorted.len() - 1;
    (0..count).map(move |index| {
        // Every number stands in the middle of its share.
        let position = (index as f64 + 0.5) * sorted.len() as f64 / count as f64 - 0.5;
        let position = position.clamp(0.0, last as f64);
        let below = position as usize;
        let (low, high) = (sorted[below], sorted[last.min(below + 1)]);
        low + (high - low) * (position - below as f64) as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::numbers;

    #[test]
    fn places_sort_short_and_long_rows_of_either_sign_with_ties_and_infinities() {
        for length in [1, 2, 511, 512, 5000] {
            let mut row: Vec<f32> = numbers(length, 3).iter().map(|x| (x - 0.5) * 100.0).collect();
            row.extend([0.0, -0.0, 1.0, 1.0, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE]);
            let sorted: Vec<f32> = Sorter::default().places(&row).map(|place| row[place]).collect();
            let mut expected = row;
            expected.sort_by(f32::total_cmp);
            assert_eq!(sorted, expected);
        }
    }

    #[test]
    fn a_sorter_forgets_the_row_before() {
        let mut sorter = Sorter::default();
        for length in [900, 600, 3, 700] {
            let row = numbers(length, length as u32);
            let mut places: Vec<usize> = sorter.places(&row).collect();
            assert!(places.windows(2).all(|pair| row[pair[0]] <= row[pair[1]]));
            places.sort_unstable();
            assert!(places.into_iter().eq(0..length));
        }
    }

    #[test]
    fn rows_come_back_in_order_whatever_their_number() {
        for rows in 0..9 {
            let mut values: Vec<f32> = (0..rows * 3).map(|i| i as f32).collect();
            let found = for_rows(&mut values, 3, |index, row, _| (index, row[0]));
            assert!(found.into_iter().eq((0..rows).map(|row| (row, row as f32 * 3.0))));
        }
    }

    #[test]
    fn quantiles_are_the_numbers_themselves_or_lie_between() {
        let of = |count| quantiles(&[1.0, 3.0, 5.0], count).collect::<Vec<f32>>();
        assert_eq!(of(3), [1.0, 3.0, 5.0]);
        assert_eq!(of(1), [3.0]);
        assert_eq!(of(6), [1.0, 1.5, 2.5, 3.5, 4.5, 5.0]);
    }
}
