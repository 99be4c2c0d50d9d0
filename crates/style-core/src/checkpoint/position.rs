//! Where in a run a checkpoint was made.

use super::kept::{Kept, unusable};
use crate::Error;
use crate::transfer::{Losses, ScaleRun};

/// Where a run has come to, and what it knows of the way.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    /// Index of the scale, from 0.
    pub(crate) scale: usize,
    /// Steps of this scale that are done.
    pub(crate) index: usize,
    /// Steps that are done over all scales, and in all.
    pub(crate) step: usize,
    pub(crate) steps: usize,
    /// Width and height of the picture, px.
    pub(crate) size: (usize, usize),
    /// Index of the scale's first entry in the history.
    pub(crate) first: usize,
    /// Index of the best picture's entry there, where one is known.
    pub(crate) best: Option<usize>,
    /// How often the run has been taken up again.
    pub(crate) recoveries: usize,
    /// The scales before this one.
    pub(crate) scales: Vec<ScaleRun>,
    /// The newest of the history.
    pub(crate) losses: Losses,
}

/// Names in the file.
const POSITION: &str = "position";
const SCALES: &str = "scales";
const BEST: &str = "best";
pub(crate) const HISTORY: &str = "history";

impl Position {
    pub(crate) fn keep(&self, kept: &mut Kept) {
        let Self { scale, index, step, steps, size: (width, height), first, recoveries, .. } = *self;
        kept.put_counts(POSITION, [scale, index, step, steps, width, height, first, recoveries]);
        kept.put_counts(BEST, self.best);
        let scales = self.scales.iter().flat_map(|run| [run.width, run.height, run.first, run.steps]);
        kept.put_counts(SCALES, scales);
    }

    /// Reads what [`keep`](Self::keep) wrote, as far as it makes sense by itself.
    pub(super) fn read(kept: &Kept) -> Result<Self, Error> {
        let counts = kept.counts(POSITION)?;
        let &[scale, index, step, steps, width, height, first, recoveries] = &counts[..] else {
            return Err(unusable(format!("{POSITION} has {} numbers, expected 8", counts.len())));
        };
        let scales = kept.counts(SCALES)?;
        let (scales, rest) = scales.as_chunks();
        let scales: Vec<ScaleRun> = scales
            .iter()
            .map(|&[width, height, first, steps]| ScaleRun { width, height, first, steps })
            .collect();
        let history = kept.rows(HISTORY)?;
        let best = kept.counts(BEST)?;
        let before = scales.iter().try_fold(0_usize, |sum, run| sum.checked_add(run.steps));
        let is_sound = rest.is_empty()
            && scales.len() == scale
            && (1..=step).contains(&index)
            && step <= steps
            && before == Some(first)
            && best.len() <= 1
            && best.iter().all(|best| (first..history.len()).contains(best))
            && history.len() <= step;
        if !is_sound {
            return Err(unusable("it contradicts itself about where the run had come to"));
        }
        let Some(losses) = history.into_iter().last().map(Losses) else {
            return Err(unusable("it has no losses"));
        };
        let (size, best) = ((width, height), best.first().copied());
        Ok(Self { scale, index, step, steps, size, first, best, recoveries, scales, losses })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_no_number_can_count_are_no_small_number_of_steps() {
        let position = |more: usize| {
            // Together 2^64 and 5 more, or less.
            let steps =
                [8_000_000_000_000_000].repeat(2305).into_iter().chain([6_744_073_709_551_616 + more]);
            let mut kept = Kept::default();
            kept.put_counts(POSITION, [2306, 1, 10, 20, 16, 16, 5, 0]);
            kept.put_counts(SCALES, steps.flat_map(|steps| [16, 16, 0, steps]));
            kept.put_counts(BEST, None);
            kept.put_rows(HISTORY, 1, [&[1.0_f32][..]].into_iter());
            Position::read(&kept)
        };
        for more in [0, 5] {
            let refused = position(more).unwrap_err().to_string();
            assert!(refused.contains("contradicts itself"), "{refused}");
        }
    }
}
