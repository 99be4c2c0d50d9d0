//! The steps that L-BFGS remembers, and what follows from them.

use std::collections::VecDeque;

use burn::tensor::Tensor;

/// Root mean square change of the pixels by a step along the bare gradient.
const FIRST_STEP: f32 = 0.01;

/// Largest root mean square change of the pixels by a quasi-Newton step.
const LARGEST_STEP: f32 = 0.05;

/// One remembered step: how the picture moved, and how the gradient changed.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) moved: Tensor<4>,
    pub(super) changed: Tensor<4>,
}

impl Pair {
    /// `<y, s>`, `<y, y>` and `<s, s>`, still on the device.
    pub(super) fn products(&self) -> [Tensor<1>; 3] {
        let Self { moved, changed } = self;
        [dot(changed, moved), dot(changed, changed), dot(moved, moved)]
    }
}

/// The remembered steps.
#[derive(Debug, Clone)]
pub(super) struct History {
    length: usize,
    /// With each pair `1 / <y, s>`.
    pairs: VecDeque<(Pair, f32)>,
    /// `<y, s> / <y, y>` of the newest pair: the size of the inverse Hessian.
    scaling: f32,
}

impl History {
    pub(super) const fn new(length: usize) -> Self {
        Self { length, pairs: VecDeque::new(), scaling: 1.0 }
    }

    pub(super) fn clear(&mut self) {
        self.pairs.clear();
    }

    /// Remembers a step, if the gradient changed along it as it does in a valley; `products` are those of
    /// [`Pair::products`].
    pub(super) fn remember(&mut self, pair: Pair, [ys, yy, ss]: [f32; 3]) {
        if ys > 1e-7 * yy.sqrt() * ss.sqrt() {
            if self.pairs.len() == self.length {
                self.pairs.pop_front();
            }
            self.pairs.push_back((pair, 1.0 / ys));
            self.scaling = ys / yy;
        }
    }

    /// What a step takes away from the picture, of bounded length, for a gradient whose squares do not overflow.
    pub(super) fn change(&self, gradient: Tensor<4>) -> Tensor<4> {
        if self.pairs.is_empty() {
            let size = root_mean_square(&gradient).recip().mul_scalar(FIRST_STEP);
            gradient * scalar(size)
        } else {
            let direction = self.times_inverse_hessian(gradient);
            let shrink = root_mean_square(&direction).recip().mul_scalar(LARGEST_STEP).clamp_max(1.0);
            direction * scalar(shrink)
        }
    }

    /// The inverse Hessian's estimate times the gradient.
    fn times_inverse_hessian(&self, gradient: Tensor<4>) -> Tensor<4> {
        let mut direction = gradient;
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for (pair, rho) in self.pairs.iter().rev() {
            let alpha = scalar(dot(&pair.moved, &direction).mul_scalar(*rho));
            direction = direction - pair.changed.clone() * alpha.clone();
            alphas.push(alpha);
        }
        direction = direction.mul_scalar(self.scaling);
        for ((pair, rho), alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = scalar(dot(&pair.changed, &direction).mul_scalar(*rho));
            direction = direction + pair.moved.clone() * (alpha - beta);
        }
        direction
    }
}

/// `[1]`, never 0.
fn root_mean_square(tensor: &Tensor<4>) -> Tensor<1> {
    tensor.clone().square().mean().sqrt().clamp_min(f32::MIN_POSITIVE)
}

pub(super) fn dot(a: &Tensor<4>, b: &Tensor<4>) -> Tensor<1> {
    (a.clone() * b.clone()).sum()
}

/// A number on the device, ready to be multiplied with a picture.
pub(super) fn scalar(value: Tensor<1>) -> Tensor<4> {
    value.reshape([1, 1, 1, 1])
}
