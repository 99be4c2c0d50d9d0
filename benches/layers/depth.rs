//! The network cut after a layer: picture in, the layer's feature map out, and the map's derivative back to the
//! gradient of the pixels.

use criterion::{BatchSize, Bencher, BenchmarkId, Criterion, Throughput};
use style_transfer::{Derivatives, Layer, Pass, Taps, Tensor, Vgg};

use crate::common::Subject;
use crate::{common, operations};

/// All depths, each on all devices: the first way of a device at every layer, the slower ones only where style is
/// compared. On ndarray, which runs the same kernels as flex, the first one is enough.
pub(crate) fn measure(criterion: &mut Criterion, subjects: &[Subject], size: usize) {
    for direction in ["forward", "backward"] {
        let mut group = criterion.benchmark_group(format!("network-{direction} {size} px"));
        let mut below = 0;
        for description in subjects.iter().take(1).flat_map(|subject| subject.vgg.describe().layers) {
            below += operations(&description, size);
            group.throughput(Throughput::Elements(below));
            let relu = description.name.replace("conv", "relu");
            let layer: Layer = relu.parse().expect("the name of a layer");
            for subject in subjects {
                let of_style = relu.ends_with("_1");
                let ways = match (subject.name.as_str(), of_style) {
                    ("ndarray", false) => 0,
                    ("ndarray", true) | (_, false) => 1,
                    (_, true) => subject.ways.len(),
                };
                for way in &subject.ways[..ways] {
                    let cut = Cut { vgg: subject.vgg.clone().with_kernel(way.kernel), layer, size };
                    let id = BenchmarkId::new(format!("{}-{}", subject.name, way.name), &relu);
                    group.bench_function(id, |bencher| cut.measure(bencher, direction));
                }
            }
        }
        group.finish();
    }
}

/// A network as deep as one layer.
struct Cut {
    vgg: Vgg,
    layer: Layer,
    /// Side of the picture, px.
    size: usize,
}

impl Cut {
    fn measure(&self, bencher: &mut Bencher<'_>, direction: &str) {
        let image = common::picture(&self.vgg, self.size, 1);
        if direction == "forward" {
            bencher.iter(|| self.forward(&image));
        } else {
            let there = || self.before_backward(&image);
            bencher.iter_batched(there, |there| self.backward(there), BatchSize::PerIteration);
        }
    }

    fn forward(&self, image: &Tensor<4>) -> Pass {
        let taps = Taps::new().with_features([self.layer]);
        let pass = self.vgg.forward(image.clone(), &taps).expect("a forward pass");
        common::wait(self.vgg.device());
        pass
    }

    /// A pass and the derivative that goes back through it: that of half the squares of its features.
    fn before_backward(&self, image: &Tensor<4>) -> (Pass, Derivatives) {
        let pass = self.forward(image);
        let features = pass.features(self.layer).expect("a tapped layer").clone();
        let mut derivatives = Derivatives::new();
        // Times one: a derivative of its own, as a loss makes it, and not the pass's map.
        derivatives.add_features(self.layer, features.mul_scalar(1.0));
        common::wait(self.vgg.device());
        (pass, derivatives)
    }

    fn backward(&self, (pass, derivatives): (Pass, Derivatives)) -> Option<Tensor<4>> {
        let gradient = pass.backward(derivatives).expect("a backward pass");
        common::wait(self.vgg.device());
        gradient
    }
}
