//! One update of the picture by an optimiser, evaluations not counted.
//!
//! The optimiser goes down a long valley, `loss = <curvature, x^2> / 2` with curvatures from 1 to 10^4, and starts
//! anew before it is near the bottom: what it remembers is as much as in a run. With the line search an update is what
//! follows on one evaluation, whether that trial is accepted or not. Throughput counts pixels.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot run has no figure to give")]

mod common;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Throughput};
use style_transfer::{Evaluation, ImageOptimizer, LineSearch, Optimizer, Tensor, Vgg};

/// Updates that fill the memory, before the counted ones.
const BEFORE: usize = 20;

/// Updates after which the optimiser starts anew.
const LAST: usize = 60;

const SEARCHING: Optimizer =
    Optimizer::Lbfgs { learning_rate: 1.0, history: 10, line_search: LineSearch::StrongWolfe };

const OPTIMIZERS: [(&str, Optimizer); 3] =
    [("adam", Optimizer::ADAM), ("lbfgs-10", Optimizer::LBFGS), ("lbfgs-10-wolfe", SEARCHING)];

/// A picture on its way down.
struct Descent<'a> {
    vgg: &'a Vgg,
    choice: Optimizer,
    /// `[1, 3, size, size]`
    curvature: Tensor<4>,
    start: Tensor<4>,
    optimizer: Box<dyn ImageOptimizer>,
    image: Tensor<4>,
    updates: usize,
}

impl<'a> Descent<'a> {
    fn new(vgg: &'a Vgg, choice: Optimizer, size: usize) -> Self {
        let curvature = (common::picture(vgg, size, 1) * 1e4_f32.ln()).exp();
        let start = common::picture(vgg, size, 2);
        let optimizer = choice.init();
        Self { vgg, choice, curvature, image: start.clone(), start, optimizer, updates: 0 }
    }

    /// The time of one update, with as many before it as the optimiser remembers.
    fn counted(&mut self) -> Duration {
        if self.updates == LAST {
            (self.optimizer, self.image, self.updates) = (self.choice.init(), self.start.clone(), 0);
        }
        while self.updates < BEFORE {
            self.update();
        }
        self.update()
    }

    fn update(&mut self) -> Duration {
        let gradient = self.image.clone() * self.curvature.clone();
        let losses = (self.image.clone() * gradient.clone()).sum().mul_scalar(0.5);
        let (image, evaluation) = (self.image.clone(), Evaluation { losses, gradient });
        common::wait(self.vgg.device());
        let start = Instant::now();
        self.image = self.optimizer.step(image, evaluation).expect("an update");
        common::wait(self.vgg.device());
        self.updates += 1;
        start.elapsed()
    }
}

fn main() {
    let mut criterion = common::criterion();
    let subjects = common::subjects();
    let mut group = criterion.benchmark_group("update");
    for (size, subject) in common::cases(&subjects) {
        group.throughput(Throughput::Elements((size * size) as u64));
        for (name, choice) in OPTIMIZERS {
            group.bench_function(BenchmarkId::new(&subject.name, format!("{name} {size} px")), |bencher| {
                let mut descent = Descent::new(&subject.vgg, choice, size);
                bencher.iter_custom(|times| (0..times).map(|_| descent.counted()).sum());
            });
        }
    }
    group.finish();
    criterion.final_summary();
}
