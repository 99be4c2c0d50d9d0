//! One convolution with its ReLU: forward from its input map, backward from the derivative of its output map to
//! that of its input map.

use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use criterion::{BenchmarkId, Criterion, Throughput};
use style_transfer::{Device, LayerDescription, Tensor, Vgg};

use crate::{common, operations, side};

/// A way to compute one convolution.
struct Way {
    name: &'static str,
    forward: fn(&Case) -> Tensor<4>,
    backward: fn(&Case) -> Tensor<4>,
}

/// Every way: a convolution that the library offers by itself takes its place in this table, beside Burn's.
const WAYS: [Way; 1] = [Way { name: "burn", forward: Case::burn_forward, backward: Case::burn_backward }];

/// All convolutions, each in all ways on all devices.
pub(crate) fn measure(criterion: &mut Criterion, networks: &[(&str, Vgg)]) {
    for direction in ["forward", "backward"] {
        let mut group = criterion.benchmark_group(format!("convolution-{direction}"));
        for layer in networks.iter().take(1).flat_map(|(_, vgg)| vgg.describe().layers) {
            group.throughput(Throughput::Elements(operations(&layer)));
            for (device, vgg) in networks {
                for way in WAYS {
                    let run = if direction == "forward" { way.forward } else { way.backward };
                    let id = BenchmarkId::new(format!("{device}-{}", way.name), &layer.name);
                    group.bench_function(id, |bencher| {
                        let case = Case::new(&layer, vgg.device());
                        bencher.iter(|| {
                            let result = run(&case);
                            common::wait(&case.device);
                            result
                        });
                    });
                }
            }
        }
        group.finish();
    }
}

/// A layer's weights and maps: noise, which takes as long as the real ones.
struct Case {
    /// `[1, in, H, W]`
    input: Tensor<4>,
    /// `[out, in, 3, 3]`
    weight: Tensor<4>,
    /// `[out]`
    bias: Tensor<1>,
    /// `[1, out, H, W]`, the ReLU's output.
    output: Tensor<4>,
    /// `[1, out, H, W]`
    derivative: Tensor<4>,
    /// `[in, out, 3, 3]`, turned by half a turn.
    rotated: Tensor<4>,
    device: Device,
}

impl Case {
    fn new(layer: &LayerDescription, device: &Device) -> Self {
        let ([outputs, inputs, ..], side) = (layer.weight_shape, side(layer));
        let noise = |shape, seed| common::noise(shape, seed, device) - 0.5;
        let weight = noise(layer.weight_shape, 2);
        let mut case = Self {
            input: noise([1, inputs, side, side], 1),
            // Times one: a copy in plain layout, so that no call has to make it.
            rotated: weight.clone().swap_dims(0, 1).flip([2, 3]).mul_scalar(1.0),
            weight,
            bias: common::noise([outputs], 3, device),
            output: Tensor::zeros([1, outputs, side, side], device),
            derivative: noise([1, outputs, side, side], 4),
            device: device.clone(),
        };
        case.output = case.burn_forward();
        common::wait(device);
        case
    }

    fn burn_forward(&self) -> Tensor<4> {
        relu(conv2d(self.input.clone(), self.weight.clone(), Some(self.bias.clone()), same_size()))
    }

    /// Without autodiff, and without a gradient of the weights: the mask of the ReLU, then the convolution with
    /// rotated weights.
    fn burn_backward(&self) -> Tensor<4> {
        let masked = self.derivative.clone().mask_fill(self.output.clone().lower_equal_scalar(0.0), 0.0);
        conv2d(masked, self.rotated.clone(), None, same_size())
    }
}

/// 3 x 3, stride 1, padding 1.
fn same_size() -> ConvOptions<2> {
    ConvOptions::new([1, 1], [1, 1], [1, 1], 1)
}
