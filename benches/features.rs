//! The network forward: what a step wants of a picture, without the way back.
//!
//! Tapped are Gram matrices at `relu1_1` to `relu5_1` and the map of `relu4_2`, as a step does: its time less
//! this one is that of losses and gradient. Throughput counts pixels.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot run has no figure to give")]

mod common;

use criterion::{BenchmarkId, Throughput};

fn main() {
    let mut criterion = common::criterion();
    let (subjects, taps) = (common::subjects(), common::taps());
    let mut group = criterion.benchmark_group("features");
    for (size, subject) in common::cases(&subjects) {
        group.throughput(Throughput::Elements((size * size) as u64));
        for way in subject.ways_at(size) {
            let vgg = subject.vgg.clone().with_kernel(way.kernel);
            let id = BenchmarkId::new(format!("{}-{}", subject.name, way.name), format!("{size} px"));
            group.bench_function(id, |bencher| {
                let image = common::picture(&vgg, size, 1);
                bencher.iter(|| {
                    let pass = vgg.forward(image.clone(), &taps).expect("a forward pass");
                    common::wait(vgg.device());
                    pass
                });
            });
        }
    }
    group.finish();
    criterion.final_summary();
}
