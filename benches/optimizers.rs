//! What a step takes besides the network: one update of the picture by an optimiser, and the losses that are
//! functions of the picture or of statistics, with their derivatives.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run has no figure to give")]

mod common;

use std::cell::{Cell, RefCell};

use burn::tensor::TensorData;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use style_transfer::{
    Adam, Device, Evaluation, GramLoss, GramScale, ImageOptimizer, Lbfgs, Objective, Optimizer, Statistics,
    StyleLoss, Tensor, TotalVariation,
};

/// Sides of the square pictures, px.
const SIZES: [usize; 2] = [256, 512];

/// Channels of `relu1_1`, `relu2_1`, `relu3_1`, `relu4_1` and `relu5_1`.
const STYLE_CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

fn main() {
    let mut criterion = common::criterion();
    updates(&mut criterion);
    total_variation(&mut criterion);
    style(&mut criterion);
    criterion.final_summary();
}

/// Adam and L-BFGS, the latter with all the steps it remembers by default.
fn updates(criterion: &mut Criterion) {
    let Optimizer::Lbfgs { history, .. } = Optimizer::LBFGS else { unreachable!("it is L-BFGS") };
    let mut group = criterion.benchmark_group("update");
    for size in SIZES {
        group.throughput(Throughput::Elements((size * size) as u64));
        for (name, device) in common::devices() {
            measure(&mut group, &format!("{name}-adam"), size, &device, Adam::new(0.03));
            measure(&mut group, &format!("{name}-lbfgs-{history}"), size, &device, Lbfgs::new(1.0, history));
        }
    }
    group.finish();
}

/// Updates of an optimiser that goes to and fro between two pictures of a valley, `loss = <curvature, x^2> / 2`.
/// Between them the gradient changes as in any valley, so that L-BFGS remembers every step and, after the first
/// few, has all the history it may have.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    size: usize,
    device: &Device,
    optimizer: impl ImageOptimizer,
) {
    const BEFORE: usize = 20;
    let optimizer = RefCell::new(optimizer);
    let updates = Cell::new(0_usize);
    group.bench_function(BenchmarkId::new(name, format!("{size} px")), |bencher| {
        let noise = |seed| common::noise([1, 3, size, size], seed, device);
        let curvature = noise(1) + 0.5;
        let pictures = [noise(2), noise(3)].map(|image| (image.clone(), image * curvature.clone()));
        let update = || {
            let (image, gradient) = pictures[updates.get() % 2].clone();
            updates.set(updates.get() + 1);
            let evaluation = Evaluation { losses: Tensor::zeros([1], device), gradient };
            let image = optimizer.borrow_mut().step(image, evaluation).expect("an update");
            common::wait(device);
            image
        };
        while updates.get() < BEFORE {
            update();
        }
        bencher.iter(update);
    });
}

/// Total variation of a picture with its gradient, as a step computes them: an objective without a network.
fn total_variation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("total-variation");
    for size in SIZES {
        group.throughput(Throughput::Elements((size * size) as u64));
        for (name, vgg) in common::networks() {
            group.bench_function(BenchmarkId::new(name, format!("{size} px")), |bencher| {
                let image = common::noise([1, 3, size, size], 1, vgg.device());
                let objective = Objective::new().with_total_variation(1.0, TotalVariation::MeanSquare);
                bencher.iter(|| {
                    let evaluation = objective.evaluate(&vgg, image.clone()).expect("an evaluation");
                    common::wait(vgg.device());
                    evaluation
                });
            });
        }
    }
    group.finish();
}

/// Five style losses of Gram matrices that are there already, and their derivatives by autodiff, as in a graph of
/// somebody else: the same for pictures of all sizes.
fn style(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("style-losses");
    for (name, device) in common::devices() {
        group.bench_function(BenchmarkId::new(name, "five layers"), |bencher| {
            let gram = |channels, seed| common::noise([1, channels, channels], seed, &device);
            let layers = STYLE_CHANNELS.map(|channels| {
                let mean = Tensor::from_data(TensorData::zeros::<f32, _>([1, channels]), &device);
                let statistics = |gram| Statistics { mean: mean.clone(), gram, positions: 1 };
                let loss = GramLoss::new(statistics(gram(channels, 1)), GramScale::Channels2);
                (statistics(gram(channels, 2)), loss)
            });
            bencher.iter(|| {
                let leaves = layers.clone().map(|(statistics, loss)| {
                    let gram = statistics.gram.autodiff().require_grad();
                    (Statistics { gram, ..statistics }, loss)
                });
                let losses =
                    leaves.each_ref().map(|(leaf, loss)| loss.forward(leaf.clone().into()).expect("a loss"));
                let total = Tensor::cat(losses.to_vec(), 0).sum();
                let mut gradients = total.backward();
                let derivatives = leaves.map(|(leaf, _)| leaf.gram.grad_remove(&mut gradients));
                common::wait(&device);
                (total, derivatives)
            });
        });
    }
    group.finish();
}
