//! The losses of a run, thinned out so that a long one stays small.

use serde::Serialize;

/// Never more points than this are kept.
const MOST: usize = 1000;

/// The losses at one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Point {
    pub(crate) step: usize,
    /// Number of the scale, from 1: losses compare within one only.
    pub(crate) scale: usize,
    /// Every term, times its weight.
    pub(crate) losses: Vec<f32>,
}

/// Points at equal distances, the first step's among them.
#[derive(Debug, Default)]
pub(crate) struct Curve {
    points: Vec<Point>,
    /// A point in so many is kept, less one.
    skip: usize,
    seen: usize,
}

impl Curve {
    pub(crate) fn push(&mut self, point: Point) {
        if self.seen.is_multiple_of(self.skip + 1) {
            self.points.push(point);
        }
        self.seen += 1;
        if self.points.len() > MOST {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.skip = 2 * self.skip + 1;
        }
    }

    /// Those after a step.
    pub(crate) fn after(&self, step: usize) -> &[Point] {
        &self.points[self.points.partition_point(|point| point.step <= step)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: usize) -> Point {
        Point { step, scale: 1, losses: vec![1.0 / step as f32] }
    }

    #[test]
    fn a_million_steps_keep_points_at_equal_distances() {
        let mut curve = Curve::default();
        (1..=1_000_000).for_each(|step| curve.push(point(step)));
        let steps: Vec<_> = curve.after(0).iter().map(|point| point.step).collect();
        assert!((MOST / 2..=MOST).contains(&steps.len()), "{}", steps.len());
        assert_eq!(steps[0], 1);
        assert!(steps.windows(2).all(|two| two[1] - two[0] == curve.skip + 1));
    }

    #[test]
    fn a_reader_gets_what_came_after_the_step_it_knows() {
        let mut curve = Curve::default();
        (1..=10).for_each(|step| curve.push(point(step)));
        assert_eq!(curve.after(8), [point(9), point(10)]);
        assert!(curve.after(10).is_empty());
    }
}
