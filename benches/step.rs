//! One optimisation step, on every backend of the build and with everything that can compute the network.
//!
//! A step is what `examples/time_step.rs` times: VGG-19 forward to `relu5_1`, a content loss at `relu4_2`, five
//! Gram losses, and the gradient of the pixels, waited for; no optimiser. Throughput counts pixels.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot run has no figure to give")]

mod common;

use criterion::{BenchmarkId, Throughput};

fn main() {
    let mut criterion = common::criterion();
    let subjects = common::subjects();
    let mut group = criterion.benchmark_group("step");
    for (size, subject) in common::cases(&subjects) {
        group.throughput(Throughput::Elements((size * size) as u64));
        for way in subject.ways_at(size) {
            let id = BenchmarkId::new(format!("{}-{}", subject.name, way.name), format!("{size} px"));
            group.bench_function(id, |bencher| {
                let vgg = subject.vgg.clone().with_kernel(way.kernel);
                let objective = common::objective(&vgg, size).expect("targets");
                let image = common::picture(&vgg, size, 3);
                bencher.iter(|| {
                    let evaluation = objective.evaluate(&vgg, image.clone()).expect("a step");
                    common::wait(vgg.device());
                    evaluation
                });
            });
        }
    }
    group.finish();
    criterion.final_summary();
}
