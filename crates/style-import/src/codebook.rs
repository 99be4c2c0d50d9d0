//! 256 floats that stand for all the weights of a convolution with the least squared error.
//!
//! One-dimensional k-means has an exact solution: in sorted order every cluster is an interval, so the best
//! `k` intervals of the first `j` values are the best `k - 1` of the first `i` and one more, for the best
//! `i`. The optimal `i` never decreases with `j`, and dividing at the middle `j` makes each of the 256
//! rounds `O(n log n)`. More than [`CELLS`] values are first put into cells of neighbours; Lloyd's iteration
//! on the values themselves then moves the intervals' ends off the cells' borders.
//!
//! # Reference
//!
//! A. Grønlund et al., *Fast Exact k-Means, k-Medians and Bregman Divergence Clustering in 1D*, 2017,
//! arXiv:1701.07204, section 2.

use std::ops::Range;

use style_format::WeightValues;

/// Size of the table.
const LEVELS: usize = 256;

/// Up to so many values the result is optimal, above it nearly so.
const CELLS: usize = 8192;

/// Lloyd's iteration ends by itself; this only bounds it.
const MOST_ROUNDS: usize = 1000;

/// Encodes finite values; up to 256 different ones exactly. The same values give the same bytes.
///
/// # Memory
///
/// Six bytes a value besides the values: a sorted copy, the indices and a sixteenth of their sums.
pub(crate) fn make(values: &[f32]) -> WeightValues {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    if let Some(different) = few_different(&sorted) {
        let last = different.last().copied().unwrap_or_default();
        let table = Box::new(std::array::from_fn(|level| different.get(level).copied().unwrap_or(last)));
        let index = |value: &f32| different.partition_point(|entry| entry.total_cmp(value).is_lt()) as u8;
        return WeightValues::Codebook { indices: values.iter().map(index).collect(), table };
    }
    let sums = Sums::new(&sorted);
    let ends = refine(&sums, best_intervals(&sums, &cells(&sorted)));
    let table: Box<[f32; LEVELS]> =
        Box::new(std::array::from_fn(|level| sums.mean(&(ends[level]..ends[level + 1])) as f32));
    let borders = borders(&table.map(f64::from));
    let index = |&value: &f32| borders.partition_point(|&border| border < f64::from(value)) as u8;
    WeightValues::Codebook { indices: values.iter().map(index).collect(), table }
}

/// The different values, if a table has room for them.
fn few_different(sorted: &[f32]) -> Option<Vec<f32>> {
    let mut different: Vec<f32> = Vec::new();
    for value in sorted {
        if different.last().is_none_or(|last| last.to_bits() != value.to_bits()) {
            if different.len() == LEVELS {
                return None;
            }
            different.push(*value);
        }
    }
    Some(different)
}

/// Every so many values their sums are kept; between, they are added up anew.
const SUMMED: usize = 16;

/// Sums over any interval of the sorted values, in constant time.
struct Sums<'a> {
    sorted: &'a [f32],
    /// Taken off every value, so that the squares do not cancel.
    centre: f64,
    /// Sum of the first `SUMMED * i` centred values, and of their squares.
    parts: Vec<[f64; 2]>,
}

impl<'a> Sums<'a> {
    fn new(sorted: &'a [f32]) -> Self {
        let centre = sorted.iter().map(|&value| f64::from(value)).sum::<f64>() / sorted.len() as f64;
        let mut sum = [0.0; 2];
        let mut parts = vec![sum];
        parts.reserve_exact(sorted.len() / SUMMED);
        for part in sorted.chunks_exact(SUMMED) {
            sum = add(sum, part, centre);
            parts.push(sum);
        }
        Self { sorted, centre, parts }
    }

    /// Sum of the first `count` centred values, and of their squares.
    fn first(&self, count: usize) -> [f64; 2] {
        let part = count / SUMMED;
        add(self.parts[part], &self.sorted[part * SUMMED..count], self.centre)
    }

    fn mean(&self, interval: &Range<usize>) -> f64 {
        let sum = self.first(interval.end)[0] - self.first(interval.start)[0];
        self.centre + sum / interval.len() as f64
    }
}

fn add(sum: [f64; 2], values: &[f32], centre: f64) -> [f64; 2] {
    values.iter().fold(sum, |[sum, squares], &value| {
        let value = f64::from(value) - centre;
        [sum + value, squares + value * value]
    })
}

/// A place where an interval may end: the number of values before it, and their sums.
type Cell = (usize, [f64; 2]);

/// Sum of the squared distances from the mean, of the values between two places.
fn cost((start, before): Cell, (end, after): Cell) -> f64 {
    let sum = after[0] - before[0];
    after[1] - before[1] - sum * sum / (end - start) as f64
}

/// Where intervals may end: everywhere, or at half of [`CELLS`] places of equal count and half of equal
/// width, so that neither the crowded middle nor the sparse tails are coarse.
fn cells(sorted: &[f32]) -> Vec<usize> {
    let count = sorted.len();
    if count <= CELLS {
        return (0..=count).collect();
    }
    let half = CELLS / 2;
    let (low, high) = (f64::from(sorted[0]), f64::from(sorted[count - 1]));
    let equal_count = (0..=half).map(|i| count * i / half);
    let equal_width = (0..half).map(|i| {
        let limit = low + (high - low) * i as f64 / half as f64;
        sorted.partition_point(|&value| f64::from(value) < limit)
    });
    let mut cells: Vec<_> = equal_count.chain(equal_width).collect();
    cells.sort_unstable();
    cells.dedup();
    cells
}

/// One round of the dynamic programme: the best costs with one interval more.
struct Round<'a> {
    cells: &'a [Cell],
    /// Least cost of the values before each cell's end with one interval less.
    before: &'a [f64],
    costs: Vec<f64>,
    /// Where the last interval starts.
    starts: Vec<u16>,
}

impl Round<'_> {
    /// Fills `ends`, knowing that the best starts lie between the first and the last of `starts`.
    fn fill(&mut self, ends: Range<usize>, starts: Range<usize>) {
        if ends.is_empty() {
            return;
        }
        let end = usize::midpoint(ends.start, ends.end - 1);
        let mut best = (f64::INFINITY, starts.start);
        for start in starts.start..starts.end.min(end) {
            let cost = self.before[start] + cost(self.cells[start], self.cells[end]);
            if cost < best.0 {
                best = (cost, start);
            }
        }
        self.costs[end] = best.0;
        self.starts[end] = best.1 as u16;
        self.fill(ends.start..end, starts.start..best.1 + 1);
        self.fill(end + 1..ends.end, best.1..starts.end);
    }
}

/// The 257 ends of the intervals with the least cost among those that end at cells.
fn best_intervals(sums: &Sums<'_>, cells: &[usize]) -> Vec<usize> {
    let count = cells.len();
    let cells: Vec<Cell> = cells.iter().map(|&cell| (cell, sums.first(cell))).collect();
    let mut costs = vec![f64::INFINITY; count];
    costs[0] = 0.0;
    let mut rounds = Vec::new();
    for level in 1..=LEVELS {
        let mut round = Round {
            cells: &cells,
            before: &costs,
            costs: vec![f64::INFINITY; count],
            starts: vec![0; count],
        };
        round.fill(level..count, level - 1..count);
        let Round { costs: filled, starts, .. } = round;
        costs = filled;
        rounds.push(starts);
    }
    let mut at = count - 1;
    let mut ends = vec![cells[at].0];
    for starts in rounds.iter().rev() {
        at = usize::from(starts[at]);
        ends.push(cells[at].0);
    }
    ends.reverse();
    ends
}

/// Lloyd's iteration: every value to the nearest mean, every mean to the middle of its values.
fn refine(sums: &Sums<'_>, mut ends: Vec<usize>) -> Vec<usize> {
    for _ in 0..MOST_ROUNDS {
        let means: Vec<_> = ends.windows(2).map(|pair| sums.mean(&(pair[0]..pair[1]))).collect();
        let place = |border: f64| sums.sorted.partition_point(|&value| f64::from(value) <= border);
        let inner = borders(&means).into_iter().map(place);
        let next: Vec<_> = [0].into_iter().chain(inner).chain([sums.sorted.len()]).collect();
        // An interval can run empty only through rounding; the ends before it are as good.
        if next == ends || next.windows(2).any(|pair| pair[0] == pair[1]) {
            break;
        }
        ends = next;
    }
    ends
}

/// The middles between neighbours.
fn borders(levels: &[f64]) -> Vec<f64> {
    levels.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that look like a convolution's: many small, few large; from a fixed linear congruence.
    fn weights(count: usize) -> Vec<f32> {
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..count).map(|_| (uniform() + uniform() + uniform()) * uniform() * 0.1).collect()
    }

    fn parts(weight: &WeightValues) -> (&[u8], &[f32; LEVELS]) {
        match weight {
            WeightValues::Codebook { indices, table } => (indices, table),
            _ => panic!("not a codebook"),
        }
    }

    fn error(values: &[f32], weight: &WeightValues) -> f64 {
        values.iter().zip(weight.to_f32()).map(|(&a, b)| f64::from(a - b).powi(2)).sum()
    }

    #[test]
    fn up_to_256_different_values_come_out_exact() {
        for count in [1, 2, 255, 256] {
            let values: Vec<f32> = (0..5000).map(|i| ((i * 7919) % count) as f32 * 0.1 - 3.0).collect();
            assert_eq!(make(&values).to_f32(), values, "{count}");
        }
        let zeros = make(&[0.0, -0.0, 1.0]).to_f32();
        assert!(zeros[0].is_sign_positive() && zeros[1].is_sign_negative());
        assert!(make(&[]).is_empty());
    }

    #[test]
    fn one_value_too_many_merges_the_two_nearest() {
        let mut values: Vec<f32> = (0..256).map(|i| i as f32).collect();
        values.push(100.25);
        let decoded = make(&values).to_f32();
        assert_eq!(decoded[100], 100.125);
        assert_eq!(decoded[256], 100.125);
        assert_eq!(decoded[99], 99.0);
        assert_eq!(decoded[255], 255.0);
    }

    #[test]
    fn the_dynamic_programme_finds_the_optimum() {
        let mut sorted = weights(600);
        sorted.sort_unstable_by(f32::total_cmp);
        let sums = Sums::new(&sorted);
        let at = |place: usize| (place, sums.first(place));
        // The same recurrence with every start tried for every end.
        let mut costs = vec![f64::INFINITY; sorted.len() + 1];
        costs[0] = 0.0;
        for _ in 0..LEVELS {
            let best = |end: usize| {
                (0..end).map(|start| costs[start] + cost(at(start), at(end))).fold(f64::INFINITY, f64::min)
            };
            costs = (0..=sorted.len()).map(best).collect();
        }
        let ends = best_intervals(&sums, &cells(&sorted));
        let cost: f64 = ends.windows(2).map(|pair| cost(at(pair[0]), at(pair[1]))).sum();
        let optimum = costs[sorted.len()];
        assert!((cost - optimum).abs() <= 1e-9 * optimum, "{cost} {optimum}");
    }

    #[test]
    fn many_values_are_encoded_almost_as_well_as_theory_allows() {
        let values = weights(40_000);
        let weight = make(&values);
        let (indices, table) = parts(&weight);
        assert!(table.is_sorted());
        assert_eq!(indices.iter().collect::<std::collections::HashSet<_>>().len(), LEVELS);
        // Cells alone are an upper bound, which Lloyd's iteration has to beat.
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let sums = Sums::new(&sorted);
        let at = |place: usize| (place, sums.first(place));
        let ends = best_intervals(&sums, &cells(&sorted));
        let cells_only: f64 = ends.windows(2).map(|pair| cost(at(pair[0]), at(pair[1]))).sum();
        let error = error(&values, &weight);
        assert!(error <= cells_only * (1.0 + 1e-6), "{error} {cells_only}");
        let energy: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
        assert!((error / energy).sqrt() < 0.01, "{}", (error / energy).sqrt());
    }
}
