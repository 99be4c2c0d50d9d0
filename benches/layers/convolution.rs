//! One convolution with its ReLU: forward from its input map, backward from the derivative of its output map to
//! that of its input map.

use burn::tensor::TensorData;
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use criterion::{BenchmarkId, Criterion, Throughput};
use style_kernels::{Conv3x3, Convolution, Isa};
use style_transfer::{Device, LayerDescription, Tensor};

use crate::common::Subject;
use crate::{common, operations};

/// A way to compute one convolution.
struct Way {
    name: &'static str,
    /// Whether it computes on the processor, whatever the device is.
    host: bool,
    forward: fn(&Case) -> Tensor<4>,
    backward: fn(&Case) -> Tensor<4>,
}

/// Every way: the kernels as `Conv3x3Relu` runs them, and Burn's operations.
const WAYS: [Way; 2] = [
    Way { name: "winograd", host: true, forward: Case::kernel_forward, backward: Case::kernel_backward },
    Way { name: "burn", host: false, forward: Case::burn_forward, backward: Case::burn_backward },
];

/// All convolutions, each in all ways on all devices; not on ndarray, whose kernels are those of flex and whose
/// operations take seconds.
pub(crate) fn measure(criterion: &mut Criterion, subjects: &[Subject], size: usize) {
    for direction in ["forward", "backward"] {
        let mut group = criterion.benchmark_group(format!("convolution-{direction} {size} px"));
        for layer in subjects.iter().take(1).flat_map(|subject| subject.vgg.describe().layers) {
            group.throughput(Throughput::Elements(operations(&layer, size)));
            for subject in subjects.iter().filter(|subject| subject.name != "ndarray") {
                for way in WAYS.into_iter().filter(|way| !way.host || subject.is_host()) {
                    let run = if direction == "forward" { way.forward } else { way.backward };
                    let id = BenchmarkId::new(format!("{}-{}", subject.name, way.name), &layer.name);
                    group.bench_function(id, |bencher| {
                        let case = Case::new(&layer, size / layer.stride, subject.vgg.device());
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
    /// The same convolution on the kernels, and the maps as it takes them.
    kernel: Conv3x3,
    planes: Planes,
    device: Device,
}

/// Maps in host memory, row-major.
struct Planes {
    /// `[1, height, width]`
    size: [usize; 3],
    input: Vec<f32>,
    output: Vec<f32>,
    derivative: Vec<f32>,
}

impl Case {
    /// `side`: that of the square maps, in positions.
    fn new(layer: &LayerDescription, side: usize, device: &Device) -> Self {
        let [outputs, inputs, ..] = layer.weight_shape;
        let noise = |shape, seed| common::noise(shape, seed, device) - 0.5;
        let weight = noise(layer.weight_shape, 2);
        let bias = common::noise([outputs], 3, device);
        let values = (values(&weight), values(&bias));
        let convolution = Convolution { inputs, outputs, weight: &values.0, bias: &values.1, pooled: false };
        let mut case = Self {
            kernel: Conv3x3::new(&convolution, Isa::Auto).expect("a convolution of VGG-19"),
            planes: Planes { size: [1, side, side], input: vec![], output: vec![], derivative: vec![] },
            input: noise([1, inputs, side, side], 1),
            // Times one: a copy in plain layout, so that no call has to make it.
            rotated: weight.clone().swap_dims(0, 1).flip([2, 3]).mul_scalar(1.0),
            weight,
            bias,
            output: Tensor::zeros([1, outputs, side, side], device),
            derivative: noise([1, outputs, side, side], 4),
            device: device.clone(),
        };
        case.output = case.burn_forward();
        case.planes.input = self::values(&case.input);
        case.planes.output = self::values(&case.output);
        case.planes.derivative = self::values(&case.derivative);
        case
    }

    fn kernel_forward(&self) -> Tensor<4> {
        let mut output = vec![0.0; self.planes.output.len()];
        self.kernel.forward(self.planes.size, &self.planes.input, &mut output).expect("maps that fit");
        Tensor::from_data(TensorData::new(output, self.output.dims()), &self.device)
    }

    fn kernel_backward(&self) -> Tensor<4> {
        let Planes { size, input, output, derivative } = &self.planes;
        let mut gradient = vec![0.0; input.len()];
        self.kernel.backward(*size, output, derivative, &mut gradient).expect("maps that fit");
        Tensor::from_data(TensorData::new(gradient, self.input.dims()), &self.device)
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

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.clone().try_into_vec_as::<f32>().expect("a tensor that can be read")
}

/// 3 x 3, stride 1, padding 1.
fn same_size() -> ConvOptions<2> {
    ConvOptions::new([1, 1], [1, 1], [1, 1], 1)
}
