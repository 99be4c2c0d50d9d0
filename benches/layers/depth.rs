//! The network cut after a layer: picture in, the layer's feature map out, and the map's derivative back to the
//! gradient of the pixels.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use style_transfer::{Derivatives, Kernel, Layer, Pass, Taps, Tensor, Vgg};

use crate::{SIZE, common, operations};

/// Device, name and kind of what computes the network, and how many layers are measured: for the slower ways
/// only those where style is compared.
const WAYS: [(&str, &str, Kernel, Layers); 5] = [
    ("flex", "winograd", Kernel::Winograd, Layers::All),
    ("flex", "direct", Kernel::Direct, Layers::OfStyle),
    ("flex", "burn", Kernel::Burn, Layers::OfStyle),
    ("ndarray", "winograd", Kernel::Winograd, Layers::OfStyle),
    ("wgpu", "burn", Kernel::Burn, Layers::All),
];

#[derive(Clone, Copy, PartialEq)]
enum Layers {
    All,
    OfStyle,
}

/// All depths, each with all ways.
pub(crate) fn measure(criterion: &mut Criterion, networks: &[(&str, Vgg)]) {
    for direction in ["forward", "backward"] {
        let mut group = criterion.benchmark_group(format!("network-{direction}"));
        let mut below = 0;
        for description in networks.iter().take(1).flat_map(|(_, vgg)| vgg.describe().layers) {
            below += operations(&description);
            group.throughput(Throughput::Elements(below));
            let relu = description.name.replace("conv", "relu");
            let layer: Layer = relu.parse().expect("the name of a layer");
            for (device, way, kernel, layers) in WAYS {
                let Some((_, vgg)) = networks.iter().find(|(name, _)| *name == device) else { continue };
                if layers == Layers::OfStyle && !relu.ends_with("_1") {
                    continue;
                }
                let cut = Cut { vgg: vgg.clone().with_kernel(kernel), layer };
                let id = BenchmarkId::new(format!("{device}-{way}"), &relu);
                group.bench_function(id, |bencher| {
                    let image = cut.image();
                    if direction == "forward" {
                        bencher.iter(|| cut.forward(&image));
                    } else {
                        let way_there = || cut.before_backward(&image);
                        bencher.iter_batched(way_there, |there| cut.backward(there), BatchSize::PerIteration);
                    }
                });
            }
        }
        group.finish();
    }
}

/// A network as deep as one layer.
struct Cut {
    vgg: Vgg,
    layer: Layer,
}

impl Cut {
    fn image(&self) -> Tensor<4> {
        common::noise([1, 3, SIZE, SIZE], 1, self.vgg.device())
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
