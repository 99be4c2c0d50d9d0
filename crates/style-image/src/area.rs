//! Resampling by the area that pixels cover.

/// The source pixels under one target pixel: the index of the first, and the share of each.
struct Span {
    first: usize,
    shares: Vec<f32>,
}

/// One plane at another size, each new pixel the mean of what it covers of the old ones.
pub(crate) fn by_area(plane: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
    let columns = spans(from.0, to.0);
    let rows = spans(from.1, to.1);
    let along_row = |row: &[f32], span: &Span| -> f32 {
        row[span.first..].iter().zip(&span.shares).map(|(value, share)| value * share).sum()
    };
    let narrowed: Vec<f32> = plane
        .chunks_exact(from.0)
        .flat_map(|row| columns.iter().map(move |span| along_row(row, span)))
        .collect();
    let mut target = vec![0.0; to.0 * to.1];
    for (row, span) in target.chunks_exact_mut(to.0).zip(&rows) {
        for (source, share) in narrowed.chunks_exact(to.0).skip(span.first).zip(&span.shares) {
            for (sum, value) in row.iter_mut().zip(source) {
                *sum += share * value;
            }
        }
    }
    target
}

/// What each of `to` pixels covers of `from` pixels along one side.
///
/// With a source pixel `to` units long and a target pixel `from` units, both rows are equally long, and every
/// overlap is a whole number.
fn spans(from: usize, to: usize) -> Vec<Span> {
    (0..to)
        .map(|pixel| {
            let (start, end) = (pixel * from, (pixel + 1) * from);
            let first = start / to;
            let overlap = |source: usize| end.min((source + 1) * to) - start.max(source * to);
            let shares = (first..end.div_ceil(to)).map(|source| overlap(source) as f32 / from as f32);
            Span { first, shares: shares.collect() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_on_the_border_of_two_is_shared_between_them() {
        assert_eq!(by_area(&[3.0, 6.0, 9.0], (3, 1), (2, 1)), [4.0, 8.0]);
        assert_eq!(by_area(&[3.0, 6.0, 9.0], (1, 3), (1, 2)), [4.0, 8.0]);
        assert_eq!(by_area(&[1.0, 2.0], (2, 1), (3, 1)), [1.0, 1.5, 2.0]);
    }

    #[test]
    fn whole_multiples_repeat_and_whole_fractions_average() {
        assert_eq!(by_area(&[1.0, 2.0], (2, 1), (4, 2)), [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
        assert_eq!(by_area(&[1.0, 2.0, 3.0, 6.0], (2, 2), (1, 1)), [3.0]);
    }
}
