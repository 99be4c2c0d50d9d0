//! A search along a line for the strong Wolfe conditions, as ask and tell on numbers of the host.

/// Sufficient decrease: the part of the decrease promised by the slope at the start.
const DECREASE: f64 = 1e-4;

/// Curvature: the part of the slope at the start that may be left.
const CURVATURE: f64 = 0.9;

/// Evaluations after which a search ends.
const MOST_EVALUATIONS: usize = 25;

/// Steps beyond this many times the first one are not tried: the valley has no bottom in sight.
const LONGEST: f64 = 1e3;

/// Intervals narrower than this, in units of the first step, hold nothing that `f32` pixels could tell apart.
const NARROWEST: f64 = 1e-6;

/// Differences of losses below this, relative to the loss at the start, are rounding of `f32`.
const ROUNDING: f64 = 2.0 * f32::EPSILON as f64;

/// A point of the line: `loss` and its derivative by the step.
#[derive(Debug, Clone, Copy)]
struct Point {
    step: f64,
    loss: f64,
    slope: f64,
}

/// What was found at the step asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) loss: f64,
    /// The derivative of the loss by the step.
    pub(super) slope: f64,
    /// The change of the loss that the gradient at the start promised for the way really gone: step times slope, if
    /// nothing was clamped.
    pub(super) promised: f64,
}

/// What to do after an evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// Go on from the point just evaluated.
    Accept,
    /// Evaluate at this step. `best`: the point just evaluated is the lowest, to be kept.
    Try { step: f64, best: bool },
    /// Nothing better will be found: go on from the lowest point kept, or give the direction up.
    GiveUp,
}

/// A search that begins with the step 1, at a point with this loss and (negative) slope.
#[derive(Debug, Clone)]
pub(super) struct Wolfe {
    start: Point,
    asked: f64,
    /// The lowest point with a sufficient decrease: the last one while bracketing, an end of the interval after.
    low: Point,
    /// The other end of the interval, once there is one.
    far: Option<Point>,
    width: f64,
    evaluations: usize,
}

impl From<Point> for [f64; 3] {
    fn from(Point { step, loss, slope }: Point) -> Self {
        [step, loss, slope]
    }
}

impl From<[f64; 3]> for Point {
    fn from([step, loss, slope]: [f64; 3]) -> Self {
        Self { step, loss, slope }
    }
}

impl Wolfe {
    /// All of it as numbers: start, lowest point, step asked for, width and number of evaluations; and the other end of
    /// the interval, once there is one.
    pub(super) fn to_numbers(&self) -> (Vec<f64>, Option<[f64; 3]>) {
        let Self { start, asked, low, far, width, evaluations } = *self;
        let points = [<[f64; 3]>::from(start), low.into()].concat();
        ([points, vec![asked, width, evaluations as f64]].concat(), far.map(Into::into))
    }

    pub(super) fn from_numbers(numbers: [f64; 9], far: Option<[f64; 3]>) -> Self {
        let [s0, s1, s2, l0, l1, l2, asked, width, evaluations] = numbers;
        let (start, low) = ([s0, s1, s2].into(), [l0, l1, l2].into());
        Self { start, asked, low, far: far.map(Into::into), width, evaluations: evaluations as usize }
    }

    pub(super) const fn new(loss: f64, slope: f64) -> Self {
        let start = Point { step: 0.0, loss, slope };
        Self { start, asked: 1.0, low: start, far: None, width: f64::INFINITY, evaluations: 0 }
    }

    /// Tells what was found at the step asked for last.
    pub(super) fn tell(&mut self, found: Found) -> Verdict {
        self.evaluations += 1;
        let Found { loss, slope, promised } = found;
        let here = Point { step: self.asked, loss, slope };
        let enough = self.start.loss + DECREASE * promised.min(0.0) + ROUNDING * self.start.loss.abs();
        let finite = loss.is_finite() && slope.is_finite();
        // The comparison with the start, which the sufficient decrease implies, must not undo the allowance for rounding.
        let not_lower = self.low.step > 0.0 && loss >= self.low.loss;
        if !finite || loss > enough || not_lower {
            if self.start.slope < 0.0 {
                self.far = Some(here);
                return self.zoom(false);
            }
            return Verdict::GiveUp;
        }
        // `!(slope < 0)` at the start: there is nothing to search for on a line that does not fall.
        let falls = self.start.slope < 0.0;
        if !falls || slope.abs() <= -CURVATURE * self.start.slope || here.step >= LONGEST {
            return Verdict::Accept;
        }
        let before = std::mem::replace(&mut self.low, here);
        match self.far {
            // The valley runs on into a cliff; to feel one's way to its edge would take all evaluations.
            Some(far) if !far.loss.is_finite() || !far.slope.is_finite() => return Verdict::Accept,
            None if slope < 0.0 => return self.go_further(before),
            None => self.far = Some(before),
            Some(far) if slope * (far.step - here.step) >= 0.0 => self.far = Some(before),
            Some(_) => {}
        }
        self.zoom(true)
    }

    /// The next step inside the interval.
    fn zoom(&mut self, best: bool) -> Verdict {
        let low = self.low;
        let Some(far) = self.far else { return Verdict::GiveUp };
        let way = far.step - low.step;
        if self.evaluations >= MOST_EVALUATIONS || way.abs() < NARROWEST {
            return if best { Verdict::Accept } else { Verdict::GiveUp };
        }
        // An interval that interpolation does not narrow quickly is halved.
        let slow = way.abs() > 0.66 * self.width;
        self.width = way.abs();
        let part = (cubic_minimum(low, far) - low.step) / way;
        let part = if slow || !part.is_finite() { 0.5 } else { part.clamp(0.1, 0.9) };
        self.asked = low.step + part * way;
        Verdict::Try { step: self.asked, best }
    }

    /// The next step while the loss still falls.
    fn go_further(&mut self, before: Point) -> Verdict {
        if self.evaluations >= MOST_EVALUATIONS {
            return Verdict::Accept;
        }
        let factor = cubic_minimum(before, self.low) / self.low.step;
        let factor = if factor.is_finite() { factor.clamp(2.0, 8.0) } else { 2.0 };
        self.asked = (factor * self.low.step).min(LONGEST);
        Verdict::Try { step: self.asked, best: true }
    }
}

/// The minimum of the cubic through two points with their slopes (Nocedal and Wright, equation 3.59); not finite
/// where there is none.
fn cubic_minimum(a: Point, b: Point) -> f64 {
    let way = b.step - a.step;
    let d1 = a.slope + b.slope - 3.0 * (b.loss - a.loss) / way;
    let d2 = way.signum() * (d1 * d1 - a.slope * b.slope).sqrt();
    b.step - way * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Searches along a function that gives value and slope; the accepted step and the number of evaluations.
    fn search(function: impl Fn(f64) -> (f64, f64)) -> (Option<f64>, usize) {
        let (loss, slope) = function(0.0);
        let mut wolfe = Wolfe::new(loss, slope);
        let (mut step, mut kept) = (1.0, None);
        for evaluations in 1.. {
            let (loss, here) = function(step);
            match wolfe.tell(Found { loss, slope: here, promised: step * slope }) {
                Verdict::Accept => return (Some(step), evaluations),
                Verdict::GiveUp => return (kept, evaluations),
                Verdict::Try { step: next, best } => {
                    if best {
                        kept = Some(step);
                    }
                    step = next;
                }
            }
        }
        unreachable!("a search ends")
    }

    fn is_wolfe(function: impl Fn(f64) -> (f64, f64), step: f64) -> bool {
        let ((from, slope), (to, here)) = (function(0.0), function(step));
        let rounding = ROUNDING * from.abs();
        to <= from + DECREASE * step * slope + rounding && here.abs() <= -CURVATURE * slope
    }

    #[test]
    fn the_minimum_of_a_cubic_is_found_exactly() {
        let cubic = |x: f64| (x * x * x - 3.0 * x, 3.0 * x * x - 3.0); // minimum at 1
        let at = |step| Point { step, loss: cubic(step).0, slope: cubic(step).1 };
        for (a, b) in [(0.0, 3.0), (3.0, 0.0), (0.5, 0.9)] {
            assert!((cubic_minimum(at(a), at(b)) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_good_first_step_is_accepted_at_once() {
        assert_eq!(search(|x| ((x - 1.1) * (x - 1.1), 2.0 * (x - 1.1))), (Some(1.0), 1));
    }

    #[test]
    fn a_parabola_takes_two_evaluations_when_its_bottom_is_near_and_few_when_it_is_far() {
        for (bottom, most) in [(0.3, 2), (0.15, 2), (0.02, 4), (40.0, 3), (900.0, 6)] {
            let parabola = |x: f64| ((x - bottom) * (x - bottom), 2.0 * (x - bottom));
            let (step, evaluations) = search(parabola);
            assert!(is_wolfe(parabola, step.unwrap()), "{bottom}: {step:?}");
            assert!(evaluations <= most, "{bottom}: {evaluations}");
        }
    }

    #[test]
    fn too_far_may_mean_nan_or_infinity() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let cliff =
                |x: f64| if x > 0.01 { (bad, bad) } else { ((x - 0.01) * (x - 0.01), 2.0 * (x - 0.01)) };
            let (step, evaluations) = search(cliff);
            assert!(step.is_some_and(|step| is_wolfe(cliff, step)), "{step:?}");
            // A slope that runs on into the cliff is left at the first finite step.
            let plane = |x: f64| if x > 0.3 { (0.0, bad) } else { (-x, -1.0) };
            assert_eq!(search(plane), (Some(0.25), 3));
            assert!(evaluations < 10, "{evaluations}");
        }
        // Nothing but NaN behind the start: given up after at most 25, with nothing kept.
        let (step, evaluations) = search(|x| if x > 0.0 { (f64::NAN, 0.0) } else { (1.0, -1.0) });
        assert_eq!(step, None);
        assert!(evaluations <= MOST_EVALUATIONS);
    }

    #[test]
    fn a_fall_without_end_is_followed_for_a_while() {
        let (step, evaluations) = search(|x| (-x, -1.0));
        assert_eq!(step, Some(LONGEST));
        assert!(evaluations <= 11, "{evaluations}");
    }

    #[test]
    fn a_line_that_does_not_fall_is_left_at_once() {
        assert_eq!(search(|x| (x, 1.0)), (None, 1));
        assert_eq!(search(|x| (x, f64::NAN)), (None, 1));
        // On level ground the first step does no harm.
        assert_eq!(search(|_| (1.0, 0.0)), (Some(1.0), 1));
    }

    proptest! {
        /// Valleys with ripples less steep than their walls, of any scale: what is accepted satisfies both conditions.
        #[test]
        fn what_is_found_satisfies_both_conditions(
            exponent in -25..26,
            bottom in 0.001_f64..500.0,
            ripple in 0.0_f64..0.9,
            frequency in 0.1_f64..20.0,
        ) {
            let scale = 10_f64.powi(exponent);
            let valley = |x: f64| {
                let t = (x - bottom) / bottom;
                let (sine, cosine) = (frequency * t).sin_cos();
                (
                    scale * (t * t + ripple * (1.0 - cosine) / frequency),
                    scale * (2.0 * t + ripple * sine) / bottom,
                )
            };
            let (step, evaluations) = search(valley);
            prop_assert!(evaluations <= MOST_EVALUATIONS);
            let step = step.unwrap();
            prop_assert!(is_wolfe(valley, step), "{step} after {evaluations}");
        }

        /// Whatever is told, a search ends, and asks for finite steps.
        #[test]
        fn any_answers_at_all_come_to_an_end(
            told in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 25),
            loss in any::<f64>(),
            slope in any::<f64>(),
        ) {
            let mut wolfe = Wolfe::new(loss, slope);
            let mut ended = false;
            for (loss, slope, promised) in told {
                match wolfe.tell(Found { loss, slope, promised }) {
                    Verdict::Try { step, .. } => prop_assert!(step > 0.0 && step <= LONGEST, "{step}"),
                    Verdict::Accept | Verdict::GiveUp => {
                        ended = true;
                        break;
                    }
                }
            }
            prop_assert!(ended);
        }
    }
}
