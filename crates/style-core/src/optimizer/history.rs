//! The steps that L-BFGS remembers, and what follows from them.

use std::collections::VecDeque;

use burn::tensor::{Device, Tensor};

use crate::Error;
use crate::checkpoint::{Kept, count};

/// Root mean square change of the pixels by a step along the bare gradient.
const FIRST_STEP: f32 = 0.01;

/// Largest root mean square change of the pixels by a quasi-Newton step.
const LARGEST_STEP: f32 = 0.05;

/// Least cosine between the way of a step and the change of the gradient that counts as a valley.
const FLATTEST: f32 = 1e-7;

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

/// A number that the host knows, or one `[1, 1, 1, 1]` that stays on the device.
#[derive(Debug, Clone)]
enum Number {
    Host(f32),
    Device(Box<Tensor<4>>),
}

impl Number {
    fn keep(&self, name: &str, kept: &mut Kept) {
        match self {
            Self::Host(number) => kept.put_numbers(name, [*number]),
            Self::Device(number) => kept.put(name, number),
        }
    }

    fn restored(name: &str, kept: &Kept, device: &Device) -> Result<Self, Error> {
        if kept.has(name) {
            return Ok(Self::Device(Box::new(kept.tensor(name, [1; 4], device)?)));
        }
        let [number] = kept.array(name)?;
        Ok(Self::Host(number as f32))
    }
}

/// The remembered steps.
#[derive(Debug, Clone)]
pub(super) struct History {
    length: usize,
    /// With each pair `1 / <y, s>`; 0 for one that only the device knows to be none.
    pairs: VecDeque<(Pair, Number)>,
    /// `<y, s> / <y, y>` of the newest pair: the size of the inverse Hessian.
    scaling: Number,
    /// Whether any pair is one, 1 or 0, where only the device knows it.
    any: Option<Tensor<4>>,
}

impl Number {
    fn times<const D: usize>(&self, tensor: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Host(number) => tensor.mul_scalar(*number),
            Self::Device(number) => tensor * Tensor::clone(number).reshape([1; D]),
        }
    }

    fn on_device(self, like: &Tensor<4>) -> Tensor<4> {
        match self {
            Self::Host(number) => Tensor::full([1; 4], number, &like.device()),
            Self::Device(number) => *number,
        }
    }
}

impl History {
    pub(super) const fn new(length: usize) -> Self {
        Self { length, pairs: VecDeque::new(), scaling: Number::Host(1.0), any: None }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.length);
    }

    /// Remembers a step, if the gradient changed along it as it does in a valley; `products` are those of
    /// [`Pair::products`].
    pub(super) fn remember(&mut self, pair: Pair, [ys, yy, ss]: [f32; 3]) {
        if ys > FLATTEST * yy.sqrt() * ss.sqrt() {
            self.push(pair, Number::Host(1.0 / ys));
            self.scaling = Number::Host(ys / yy);
        }
    }

    /// The same without reading anything from the device: a step that would not be remembered takes a place, and
    /// changes nothing.
    pub(super) fn remember_unread(&mut self, pair: Pair) {
        let [ys, yy, ss] = pair.products().map(scalar);
        let is_flat = ys.clone().greater((yy.clone().sqrt() * ss.sqrt()).mul_scalar(FLATTEST)).bool_not();
        let before = std::mem::replace(&mut self.scaling, Number::Host(1.0)).on_device(&ys);
        let scaling = (ys.clone() / yy).mask_where(is_flat.clone(), before);
        self.scaling = Number::Device(Box::new(scaling));
        let is_valley = is_flat.clone().bool_not().float();
        // Zero times what is not finite would not be zero.
        let or_nothing = |part: Tensor<4>| {
            let all = is_flat.clone().expand(part.dims());
            part.mask_fill(all, 0.0)
        };
        let pair = Pair { moved: or_nothing(pair.moved), changed: or_nothing(pair.changed) };
        self.any = Some(match self.any.take() {
            Some(any) => any.max_pair(is_valley),
            None => is_valley,
        });
        self.push(pair, Number::Device(Box::new(ys.recip().mask_fill(is_flat, 0.0))));
    }

    fn push(&mut self, pair: Pair, rho: Number) {
        if self.pairs.len() == self.length {
            self.pairs.pop_front();
        }
        self.pairs.push_back((pair, rho));
    }

    /// Adds all steps to a checkpoint.
    pub(super) fn keep(&self, kept: &mut Kept) {
        kept.put_counts("lbfgs.pairs", [self.pairs.len()]);
        for (index, (pair, rho)) in self.pairs.iter().enumerate() {
            kept.put(format!("lbfgs.moved.{index}"), &pair.moved);
            kept.put(format!("lbfgs.changed.{index}"), &pair.changed);
            rho.keep(&format!("lbfgs.rho.{index}"), kept);
        }
        self.scaling.keep("lbfgs.scaling", kept);
        if let Some(any) = &self.any {
            kept.put("lbfgs.any", any);
        }
    }

    /// Goes on from the steps of a checkpoint.
    pub(super) fn restore(&mut self, kept: &Kept, shape: [usize; 4], device: &Device) -> Result<(), Error> {
        let [pairs] = kept.array("lbfgs.pairs")?;
        let pairs = count("lbfgs.pairs", pairs)?.min(self.length);
        self.pairs = (0..pairs)
            .map(|index| {
                let moved = kept.tensor(&format!("lbfgs.moved.{index}"), shape, device)?;
                let changed = kept.tensor(&format!("lbfgs.changed.{index}"), shape, device)?;
                let rho = Number::restored(&format!("lbfgs.rho.{index}"), kept, device)?;
                Ok((Pair { moved, changed }, rho))
            })
            .collect::<Result<_, Error>>()?;
        self.scaling = Number::restored("lbfgs.scaling", kept, device)?;
        let any = kept.has("lbfgs.any").then(|| kept.tensor("lbfgs.any", [1; 4], device));
        self.any = any.transpose()?;
        Ok(())
    }

    /// What a step takes away from the picture, of bounded length, for a gradient whose squares do not overflow.
    pub(super) fn change(&self, gradient: Tensor<4>) -> Tensor<4> {
        if self.pairs.is_empty() {
            let size = root_mean_square(&gradient).recip().mul_scalar(FIRST_STEP);
            gradient * scalar(size)
        } else {
            let direction = self.times_inverse_hessian(gradient);
            let size = root_mean_square(&direction).recip();
            let mut shrink = scalar(size.clone().mul_scalar(LARGEST_STEP).clamp_max(1.0));
            if let Some(any) = &self.any {
                // Without any pair the direction is the bare gradient.
                shrink =
                    shrink.mask_where(any.clone().equal_scalar(0.0), scalar(size.mul_scalar(FIRST_STEP)));
            }
            direction * shrink
        }
    }

    /// The inverse Hessian's estimate times the gradient.
    fn times_inverse_hessian(&self, gradient: Tensor<4>) -> Tensor<4> {
        let mut direction = gradient;
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for (pair, rho) in self.pairs.iter().rev() {
            let alpha = scalar(rho.times(dot(&pair.moved, &direction)));
            direction = direction - pair.changed.clone() * alpha.clone();
            alphas.push(alpha);
        }
        direction = self.scaling.times(direction);
        for ((pair, rho), alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = scalar(rho.times(dot(&pair.changed, &direction)));
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
