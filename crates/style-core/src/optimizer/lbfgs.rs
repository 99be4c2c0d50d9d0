//! L-BFGS on one tensor.

use burn::tensor::{Device, Tensor};

use super::history::{History, Pair, scalar};
use super::search::Searching;
use super::{ImageOptimizer, LineSearch, Resumable, rescaled};
use crate::checkpoint::Kept;
use crate::convert::read;
use crate::device::is_in_host_memory;
use crate::statistics::same_shape;
use crate::{Error, Evaluation};

/// Limited-memory BFGS by the two-loop recursion, by default one gradient a step and no line search.
///
/// While no step is remembered, a step goes along the negative gradient and changes the pixels by
/// `0.01 * rate`, root mean square; afterwards it is `rate` times the quasi-Newton direction, cut to a change
/// of `0.05 * rate`: without a line search nothing else stops a step that a bad estimate of the curvature
/// made long. (PyTorch's first
/// step is about a hundred times shorter, too short to tell curvature from rounding: its second step then
/// throws the picture far away, or into overflow. See `tools/README.md` for the figures.)
///
/// A step is remembered only when the gradient changed along it as it does in a valley,
/// `<y, s> > 1e-7 |y| |s|`, which keeps the recursion's matrix positive definite whatever the scale of the
/// loss. The step taken is measured between the pictures that come in, so that a picture clamped between two
/// calls is understood.
///
/// Nothing is read from a device whose tensors must be fetched: there a step that is not to be remembered takes the
/// place of one in the history all the same, and counts for nothing. At another size all is forgotten.
///
/// # Line search
///
/// With [`LineSearch::StrongWolfe`] the step above is only the first trial of a search for a point `x'` on the way from
/// `x` along the direction `d` with
///
/// ```text
/// f(x') <= f(x) + 1e-4 <g(x), x' - x>      and      |<g(x'), d>| <= 0.9 |<g(x), d>|
/// ```
///
/// by bracketing and zooming with cubic interpolation, at most 25 evaluations. Every call of
/// [`step`](ImageOptimizer::step) answers with the next trial, usually the first of the next search: so the loss falls from
/// one accepted picture to the next, but the picture answered last is a trial that nobody evaluated yet, and a
/// trial may be worse. Keep the best.
///
/// What is on the way of the search is measured: pixels that were clamped count as far as they really moved, and slopes
/// are taken over those that still follow. A loss or a gradient that is NaN or infinite at a trial means "too far";
/// before such a cliff the first condition is enough.
/// A search that finds nothing lower goes back to where it began and forgets the steps remembered; begun there again
/// without any, it follows the bare gradient. Seven scalars are read from the device per evaluation, in one read.
///
/// # Reference
///
/// J. Nocedal, *Updating Quasi-Newton Matrices with Limited Storage*, Mathematics of Computation 35, 1980;
/// D. C. Liu and J. Nocedal 1989, algorithm 2.1 and equation 2.6 for the scaling; J. Nocedal and S. J. Wright,
/// *Numerical Optimization*, 2nd edition 2006, algorithms 3.5 and 3.6 and equation 3.59 for the search.
#[derive(Debug, Clone)]
pub struct Lbfgs {
    learning_rate: f32,
    line_search: LineSearch,
    history: History,
    cautious: Cautious,
    searching: Searching,
}

/// What the rule without a line search keeps.
#[derive(Debug, Clone, Default)]
struct Cautious {
    previous: Option<(Tensor<4>, Tensor<4>)>,
    /// One over the largest absolute value of the first gradient: in this unit gradients are compared, so
    /// that their squares neither overflow nor vanish whatever the scale of the loss.
    unit: Option<Tensor<4>>,
}

impl Lbfgs {
    /// L-BFGS that remembers `history` steps, at least one (two pictures each).
    #[must_use]
    pub fn new(learning_rate: f32, history: usize) -> Self {
        Self {
            learning_rate,
            line_search: LineSearch::None,
            history: History::new(history.max(1)),
            cautious: Cautious::default(),
            searching: Searching::default(),
        }
    }

    /// The same with a line search.
    #[must_use]
    pub const fn with_line_search(mut self, line_search: LineSearch) -> Self {
        self.line_search = line_search;
        self
    }

    fn forget(&mut self) {
        self.history.clear();
        self.cautious = Cautious::default();
        self.searching = Searching::default();
    }
}

impl ImageOptimizer for Lbfgs {
    fn step(&mut self, image: Tensor<4>, evaluation: Evaluation) -> Result<Tensor<4>, Error> {
        same_shape("the gradient", &evaluation.gradient, &image)?;
        match self.line_search {
            LineSearch::None => {
                let is_far = !is_in_host_memory(&image.device());
                self.cautious.step(&mut self.history, self.learning_rate, image, evaluation.gradient, is_far)
            }
            LineSearch::StrongWolfe => {
                self.searching.step(&mut self.history, self.learning_rate, image, evaluation)
            }
        }
    }

    fn resize(&mut self, _: [usize; 2]) -> Result<(), Error> {
        self.forget();
        Ok(())
    }

    fn restart(&mut self, factor: f32) {
        self.learning_rate = rescaled(self.learning_rate, factor);
        self.forget();
    }
}

impl Resumable for Lbfgs {
    fn keep(&self, kept: &mut Kept) {
        kept.put_numbers("lbfgs", [self.learning_rate]);
        self.history.keep(kept);
        match self.line_search {
            LineSearch::None => self.cautious.keep(kept),
            LineSearch::StrongWolfe => self.searching.keep(kept),
        }
    }

    fn restore(&mut self, kept: &Kept, shape: [usize; 4], device: &Device) -> Result<(), Error> {
        let [learning_rate] = kept.array("lbfgs")?;
        self.learning_rate = learning_rate as f32;
        self.history.restore(kept, shape, device)?;
        match self.line_search {
            LineSearch::None => self.cautious.restore(kept, shape, device),
            LineSearch::StrongWolfe => self.searching.restore(kept, shape, device),
        }
    }
}

impl Cautious {
    fn keep(&self, kept: &mut Kept) {
        if let Some((image, gradient)) = &self.previous {
            kept.put("lbfgs.image", image);
            kept.put("lbfgs.gradient", gradient);
        }
        if let Some(unit) = &self.unit {
            kept.put("lbfgs.unit", unit);
        }
    }

    fn restore(&mut self, kept: &Kept, shape: [usize; 4], device: &Device) -> Result<(), Error> {
        if kept.has("lbfgs.image") {
            let image = kept.tensor("lbfgs.image", shape, device)?;
            self.previous = Some((image, kept.tensor("lbfgs.gradient", shape, device)?));
        }
        if kept.has("lbfgs.unit") {
            self.unit = Some(kept.tensor("lbfgs.unit", [1; 4], device)?);
        }
        Ok(())
    }

    fn step(
        &mut self,
        history: &mut History,
        rate: f32,
        image: Tensor<4>,
        gradient: Tensor<4>,
        is_far: bool,
    ) -> Result<Tensor<4>, Error> {
        if let Some((last, _)) = &self.previous {
            same_shape("the picture", &image, last)?;
        }
        let unit = self
            .unit
            .get_or_insert_with(|| scalar(gradient.clone().abs().max().clamp_min(f32::MIN_POSITIVE).recip()));
        let gradient = gradient * unit.clone();
        if let Some((last_image, last_gradient)) = self.previous.take() {
            let pair = Pair { moved: image.clone() - last_image, changed: gradient.clone() - last_gradient };
            if is_far {
                history.remember_unread(pair);
            } else {
                let products = read(Tensor::cat(pair.products().into(), 0), "measuring the last step")?;
                if let &[ys, yy, ss] = &products[..] {
                    history.remember(pair, [ys, yy, ss]);
                }
            }
        }
        self.previous = Some((image.clone(), gradient.clone()));
        Ok(image - history.change(gradient).mul_scalar(rate))
    }
}

#[cfg(test)]
#[path = "lbfgs_tests.rs"]
mod tests;
