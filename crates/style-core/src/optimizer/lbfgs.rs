//! L-BFGS on one tensor, without a line search.

use std::collections::VecDeque;

use burn::tensor::Tensor;

use super::ImageOptimizer;
use crate::Error;
use crate::convert::read;
use crate::statistics::same_shape;

/// Root mean square change of the pixels by a step along the bare gradient.
const FIRST_STEP: f32 = 0.01;

/// Largest root mean square change of the pixels by a quasi-Newton step.
const LARGEST_STEP: f32 = 0.05;

/// One remembered step: how the picture moved, and how the gradient changed.
#[derive(Debug, Clone)]
struct Pair {
    moved: Tensor<4>,
    changed: Tensor<4>,
    /// `1 / <changed, moved>`
    rho: f32,
}

/// Limited-memory BFGS by the two-loop recursion, one gradient a step, no line search.
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
/// Three scalars are read from the device per step.
///
/// # Reference
///
/// J. Nocedal, *Updating Quasi-Newton Matrices with Limited Storage*, Mathematics of Computation 35, 1980;
/// D. C. Liu and J. Nocedal 1989, algorithm 2.1 and equation 2.6 for the scaling.
#[derive(Debug, Clone)]
pub struct Lbfgs {
    learning_rate: f32,
    history: usize,
    pairs: VecDeque<Pair>,
    /// `<y, s> / <y, y>` of the newest pair: the size of the inverse Hessian.
    scaling: f32,
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
            history: history.max(1),
            pairs: VecDeque::new(),
            scaling: 1.0,
            previous: None,
            unit: None,
        }
    }

    fn remember(&mut self, image: &Tensor<4>, gradient: &Tensor<4>) -> Result<(), Error> {
        let Some((last_image, last_gradient)) = self.previous.take() else { return Ok(()) };
        let moved = image.clone() - last_image;
        let changed = gradient.clone() - last_gradient;
        let products =
            Tensor::cat(vec![dot(&changed, &moved), dot(&changed, &changed), dot(&moved, &moved)], 0);
        let products = read(products, "measuring the last step")?;
        let [ys, yy, ss] = products[..] else { return Ok(()) };
        if ys > 1e-7 * yy.sqrt() * ss.sqrt() {
            if self.pairs.len() == self.history {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { moved, changed, rho: 1.0 / ys });
            self.scaling = ys / yy;
        }
        Ok(())
    }

    /// The inverse Hessian's estimate times the gradient.
    fn times_inverse_hessian(&self, gradient: Tensor<4>) -> Tensor<4> {
        let mut direction = gradient;
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let alpha = scalar(dot(&pair.moved, &direction).mul_scalar(pair.rho));
            direction = direction - pair.changed.clone() * alpha.clone();
            alphas.push(alpha);
        }
        direction = direction.mul_scalar(self.scaling);
        for (pair, alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = scalar(dot(&pair.changed, &direction).mul_scalar(pair.rho));
            direction = direction + pair.moved.clone() * (alpha - beta);
        }
        direction
    }
}

impl ImageOptimizer for Lbfgs {
    fn step(&mut self, image: Tensor<4>, gradient: Tensor<4>) -> Result<Tensor<4>, Error> {
        same_shape("the gradient", &gradient, &image)?;
        if let Some((last, _)) = &self.previous {
            same_shape("the picture", &image, last)?;
        }
        let unit = self
            .unit
            .get_or_insert_with(|| scalar(gradient.clone().abs().max().clamp_min(f32::MIN_POSITIVE).recip()));
        let gradient = gradient * unit.clone();
        self.remember(&image, &gradient)?;
        self.previous = Some((image.clone(), gradient.clone()));
        let change = if self.pairs.is_empty() {
            let size = root_mean_square(&gradient).recip().mul_scalar(FIRST_STEP);
            gradient * scalar(size)
        } else {
            let direction = self.times_inverse_hessian(gradient);
            let shrink = root_mean_square(&direction).recip().mul_scalar(LARGEST_STEP).clamp_max(1.0);
            direction * scalar(shrink)
        };
        Ok(image - change.mul_scalar(self.learning_rate))
    }
}

/// `[1]`, never 0.
fn root_mean_square(tensor: &Tensor<4>) -> Tensor<1> {
    tensor.clone().square().mean().sqrt().clamp_min(f32::MIN_POSITIVE)
}

fn dot(a: &Tensor<4>, b: &Tensor<4>) -> Tensor<1> {
    (a.clone() * b.clone()).sum()
}

/// A number on the device, ready to be multiplied with a picture.
fn scalar(value: Tensor<1>) -> Tensor<4> {
    value.reshape([1, 1, 1, 1])
}
