//! One optimisation step, on every backend of the build and with everything that can compute the network.
//!
//! A step is what `examples/time_step.rs` times: VGG-19 forward to `relu5_1`, a content loss at `relu4_2`, five
//! Gram losses, and the gradient of the pixels, waited for; no optimiser. Throughput counts pixels.
//!
//! Sizes come first and ways second, so that ratios are of figures taken one after the other.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run has no figure to give")]

mod common;

use std::cell::LazyCell;

use criterion::{BenchmarkId, Throughput};
use style_transfer::{
    ContentForm, ContentLoss, Error, Evaluation, GramLoss, GramScale, Kernel, Layer, Objective, Statistics,
    Tensor, Vgg,
};

/// Sides of the square pictures, px.
const SIZES: [usize; 3] = [128, 256, 512];

/// Where style is compared, as in a default run.
const STYLE: [Layer; 5] = [Layer::Relu1_1, Layer::Relu2_1, Layer::Relu3_1, Layer::Relu4_1, Layer::Relu5_1];

/// Device, name and kind of what computes the network, and the largest size at which that is worth waiting for.
const WAYS: [(&str, &str, Kernel, usize); 7] = [
    ("flex", "winograd", Kernel::Winograd, 512),
    ("flex", "direct", Kernel::Direct, 512),
    ("flex", "burn", Kernel::Burn, 512),
    ("ndarray", "winograd", Kernel::Winograd, 512),
    ("ndarray", "direct", Kernel::Direct, 512),
    // Seconds a step.
    ("ndarray", "burn", Kernel::Burn, 128),
    // The CPU kernels would send every picture to the CPU and back.
    ("wgpu", "burn", Kernel::Burn, 512),
];

/// A network, an objective and a picture.
struct Work {
    vgg: Vgg,
    objective: Objective,
    image: Tensor<4>,
}

impl Work {
    fn new(vgg: &Vgg, kernel: Kernel, size: usize) -> Result<Self, Error> {
        let vgg = vgg.clone().with_kernel(kernel);
        let picture = |seed| common::noise([1, 3, size, size], seed, vgg.device());
        let target = vgg.features(picture(1), &[Layer::Relu4_2])?.remove(0);
        let mut objective =
            Objective::new().with_content(Layer::Relu4_2, 1.0, ContentLoss::new(target, ContentForm::Mean));
        for (layer, map) in STYLE.into_iter().zip(vgg.features(picture(2), &STYLE)?) {
            objective =
                objective.with_style(layer, 1.0, GramLoss::new(Statistics::of(map), GramScale::Channels2));
        }
        let image = picture(3);
        Ok(Self { vgg, objective, image })
    }

    fn step(&self) -> Evaluation {
        let evaluation = self.objective.evaluate(&self.vgg, self.image.clone()).expect("a step");
        common::wait(self.vgg.device());
        evaluation
    }
}

fn main() {
    let mut criterion = common::criterion();
    let networks = common::networks();
    let mut group = criterion.benchmark_group("step");
    for size in SIZES {
        group.throughput(Throughput::Elements((size * size) as u64));
        for (device, vgg) in &networks {
            for (_, way, kernel, _) in WAYS.iter().filter(|way| way.0 == *device && size <= way.3) {
                // Made when it is first needed: a filter on the command line skips it.
                let work = LazyCell::new(|| Work::new(vgg, *kernel, size).expect("pictures and targets"));
                let id = BenchmarkId::new(format!("{device}-{way}"), format!("{size} px"));
                group.bench_function(id, |bencher| {
                    let work = &*work;
                    bencher.iter(|| work.step());
                });
            }
        }
    }
    group.finish();
    criterion.final_summary();
}
