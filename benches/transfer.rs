//! Whole small runs, from two decoded pictures to the result: resizing, targets, the ladder of scales, and the
//! figures of the report.
//!
//! The settings are the default ones with two updates at every scale (128; 128, 181 and 256; 128 to 512 px in five
//! scales). Throughput counts the pixels of the result.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot run has no figure to give")]

mod common;

use criterion::{BenchmarkId, SamplingMode, Throughput};
use style_transfer::{Image, StyleTransfer, Vgg};

/// Updates at every scale.
const STEPS: usize = 2;

fn main() {
    let mut criterion = common::criterion();
    let subjects = common::subjects();
    let [content, style] = ["eilean_donan.webp", "van_gogh_cafe_terrace.webp"].map(bundled);
    let mut group = criterion.benchmark_group("transfer");
    group.sampling_mode(SamplingMode::Flat);
    for (size, subject) in common::cases(&subjects) {
        group.throughput(Throughput::Elements((size * size) as u64));
        let way = &subject.ways[0];
        let vgg = subject.vgg.clone().with_kernel(way.kernel);
        let id = BenchmarkId::new(format!("{}-{}", subject.name, way.name), format!("{size} px"));
        group.bench_function(id, |bencher| bencher.iter(|| run(&vgg, &content, &style, size)));
    }
    group.finish();
    criterion.final_summary();
}

fn run(vgg: &Vgg, content: &Image, style: &Image, size: usize) -> Image {
    let run = StyleTransfer::new(vgg).style(style).size(size).steps(STEPS);
    run.run(content).expect("a run").into_image()
}

/// A square of one of the pictures that come with the library, as large as its long side.
fn bundled(name: &str) -> Image {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images").join(name);
    let image = Image::open(path).expect("a bundled picture");
    let side = image.width().max(image.height());
    image.resized(side, side).expect("a square")
}
