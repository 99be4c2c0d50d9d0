//! The operation against Burn's own convolution and ReLU, through Burn's autodiff.

use burn::tensor::activation::{relu, tanh};
use burn::tensor::module::conv2d;
use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};

use super::{Conv3x3Relu, operation, options};
use crate::Error;
use crate::test_support::{numbers, relative_error, values};

/// Largest relative error of one pass, either way.
const CLOSE: f64 = 5e-6;

/// The devices on which the kernels compute.
fn devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "ndarray")]
        ndarray(),
    ]
}

#[cfg(feature = "ndarray")]
#[expect(deprecated)] // by Burn; users still ask for it
fn ndarray() -> Device {
    Device::ndarray()
}

/// Numbers without pattern in `[-1, 1)`.
fn random<const D: usize>(shape: [usize; D], seed: usize, device: &Device) -> Tensor<D> {
    let values: Vec<f32> = numbers(shape.iter().product(), seed as u32);
    let values: Vec<f32> = values.into_iter().map(|value| 2.0 * value - 1.0).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Weights of the size that networks have: sums neither grow nor vanish.
fn frozen(inputs: usize, outputs: usize, device: &Device) -> Conv3x3Relu {
    let weight = random([outputs, inputs, 3, 3], inputs, device) * (6.0 / (9 * inputs) as f32).sqrt();
    Conv3x3Relu::new(weight, random([outputs], outputs, device) * 0.2).unwrap()
}

/// What both ways give for an input and the gradient of the output.
fn both_ways(op: &Conv3x3Relu, x: &Tensor<4>, gradient: &Tensor<4>) -> [Tensor<4>; 2] {
    let leaf = x.clone().autodiff().require_grad();
    let y = op.forward(leaf.clone()).unwrap();
    let gradients = (y.clone() * gradient.clone()).sum().backward();
    [y.without_autodiff(), leaf.grad(&gradients).unwrap()]
}

#[test]
fn output_and_gradient_are_those_of_burns_operations() {
    let channels = [3, 4, 8, 12, 48, 64];
    for device in devices() {
        let mut worst = [0.0_f64; 2];
        for (case, (inputs, outputs)) in
            channels.iter().flat_map(|&i| channels.iter().map(move |&o| (i, o))).enumerate()
        {
            let op = frozen(inputs, outputs, &device);
            // Up to 21 each way, now and then up to 99: the kernels have two ways.
            let most = if case % 7 == 0 { 99.0 } else { 21.0 };
            let size = numbers(2, case as u32).into_iter().map(|n| 1 + (n * most) as usize);
            let size: Vec<usize> = size.collect();
            let (batch, [height, width]) = (1 + case % 2, [size[0], size[1]]);
            let x = random([batch, inputs, height, width], case, &device);
            let gradient = random([batch, outputs, height, width], case + 100, &device);
            let [y, d_x] = both_ways(&op, &x, &gradient);
            assert_eq!(y.dims(), gradient.dims());

            // The oracle's mask comes from `y`: where a sum is almost zero, rounding decides, and then whole
            // gradients differ without any error of arithmetic.
            let leaf = x.autodiff().require_grad();
            let sums = conv2d(leaf.clone(), op.weight.clone(), Some(op.bias.clone()), options());
            let passing = gradient.mask_fill(y.clone().lower_equal_scalar(0.0), 0.0);
            let gradients = (sums.clone() * passing).sum().backward();
            let oracle = [relu(sums).without_autodiff(), leaf.grad(&gradients).unwrap()];
            let names = ["output", "gradient"];
            for (i, (found, expected)) in [y, d_x].into_iter().zip(oracle).enumerate() {
                let error = relative_error(&values(found), &values(expected));
                let name = names[i];
                assert!(error < CLOSE, "{device:?} {inputs} {outputs} {size:?}: {name}: {error}");
                worst[i] = worst[i].max(error);
            }
        }
        println!("{device:?}: output {:.2e}, gradient {:.2e}", worst[0], worst[1]);
    }
}

#[test]
fn in_the_middle_of_a_graph_gradients_pass_through_and_add_up() {
    for device in devices() {
        let (first, second) = (frozen(3, 8, &device), frozen(8, 8, &device));
        let plain = device.clone();
        for tracked in [device.clone().autodiff(), device.clone().autodiff().gradient_checkpointing()] {
            let run = |forward: &dyn Fn(&Conv3x3Relu, Tensor<4>) -> Tensor<4>| {
                let factor = random([1, 3, 1, 1], 1, &tracked).require_grad();
                let x = tanh(random([2, 3, 11, 14], 2, &plain) * factor.clone());
                let a = forward(&first, x);
                let b = forward(&second, a.clone().swap_dims(2, 3)); // no longer row-major
                let c = forward(&second, b.clone() + a.swap_dims(2, 3)); // the same weights again, two branches
                let loss = (c * b).mean(); // and the gradient that arrives is a broadcast one
                let gradient = factor.grad(&loss.clone().backward()).unwrap();
                [values(loss), values(gradient)]
            };
            let found = run(&|op, x| op.forward(x).unwrap());
            let oracle = run(&|op, x| op.by_ordinary_operations(x));
            for (found, oracle) in found.iter().zip(&oracle) {
                let error = relative_error(found, oracle);
                assert!(error < CLOSE, "{tracked:?}: {error}: {found:?} {oracle:?}");
            }
        }
    }
}

#[test]
fn untracked_tensors_stay_untracked() {
    for device in devices() {
        let (op, x) = (frozen(4, 6, &device), random([1, 4, 7, 5], 3, &device));
        let y = op.forward(x.clone()).unwrap();
        assert!(!y.is_autodiff());
        let constant = op.forward(x.autodiff()).unwrap();
        assert!(constant.is_autodiff() && !constant.is_tracked());
        assert_eq!(values(constant), values(y));
    }
}

#[test]
fn weights_are_frozen_even_if_they_were_tracked() {
    let device = Device::flex();
    let weight = random([4, 3, 3, 3], 1, &device).autodiff().require_grad();
    let op = Conv3x3Relu::new(weight.clone(), random([4], 2, &device)).unwrap();
    let x = random([1, 3, 6, 6], 3, &device).autodiff().require_grad();
    let gradients = op.forward(x.clone()).unwrap().sum().backward();
    assert!(x.grad(&gradients).is_some() && weight.grad(&gradients).is_none());
}

#[test]
fn a_relu_that_is_shut_passes_nothing_and_nan_is_not_hidden() {
    for device in devices() {
        let op = Conv3x3Relu::new(Tensor::ones([1, 1, 3, 3], &device), Tensor::zeros([1], &device)).unwrap();
        // Sums are exactly zero in the left half, nine in the right.
        let x =
            Tensor::cat(vec![Tensor::zeros([1, 1, 8, 8], &device), Tensor::ones([1, 1, 8, 8], &device)], 3);
        let [y, d_x] = both_ways(&op, &x, &Tensor::ones([1, 1, 8, 16], &device));
        assert_eq!((values(y.clone())[4 * 16 + 2], values(y)[4 * 16 + 12]), (0.0, 9.0));
        assert_eq!((values(d_x.clone())[4 * 16 + 2], values(d_x)[4 * 16 + 12]), (0.0, 9.0));
        let y = op.forward(x * f32::NAN).unwrap();
        assert!(values(y).iter().all(|value| value.is_nan()));
    }
}

#[test]
fn other_types_take_the_ordinary_way() {
    for device in devices() {
        let (op, x) = (frozen(4, 6, &device), random([2, 4, 9, 6], 3, &device));
        let gradient = random([2, 6, 9, 6], 4, &device);
        let expected = both_ways(&op, &x, &gradient);
        let (x, gradient) = (x.cast(FloatDType::F64), gradient.cast(FloatDType::F64));
        let found = both_ways(&op, &x, &gradient);
        for (found, expected) in found.into_iter().zip(expected.clone()) {
            assert_eq!(found.dtype(), DType::F64);
            assert!(relative_error(&values(found), &values(expected)) < CLOSE);
        }

        // What the kernels refuse inside of the operation: both ways end in the trait's own bodies.
        let leaf = x.autodiff().require_grad();
        let weights = (op.weight.clone().cast(FloatDType::F64), op.bias.clone().cast(FloatDType::F64));
        let y = operation::run(leaf.clone(), weights.0, weights.1, op.kernel.clone().unwrap());
        let gradients = (y.clone() * gradient).sum().backward();
        for (found, expected) in [y, leaf.grad(&gradients).unwrap()].into_iter().zip(expected) {
            assert!(relative_error(&values(found), &values(expected)) < CLOSE);
        }
    }
}

#[test]
fn what_does_not_fit_is_a_typed_error() {
    let device = Device::flex();
    let zeros = |shape: [usize; 4]| Tensor::<4>::zeros(shape, &device);
    let bias = |outputs: usize| Tensor::<1>::zeros([outputs], &device);
    let refused =
        |weight: Tensor<4>, bias: Tensor<1>| Conv3x3Relu::new(weight, bias).unwrap_err().to_string();
    assert_eq!(
        refused(zeros([4, 3, 5, 3]), bias(4)),
        "the weight has shape [4, 3, 5, 3], expected [outputs, inputs, 3, 3], at least one of each"
    );
    assert!(refused(zeros([0, 3, 3, 3]), bias(0)).starts_with("the weight has shape [0, 3, 3, 3]"));
    assert_eq!(
        refused(zeros([4, 3, 3, 3]), bias(3)),
        "the bias has shape [3], expected [4], one value for every output"
    );
    assert_eq!(refused(zeros([1, 1, 3, 3]) / 0.0, bias(1)), "weight is NaN at 0, allowed is finite numbers");
    assert_eq!(
        refused(zeros([1, 1, 3, 3]), bias(1) + f32::INFINITY),
        "bias is inf at 0, allowed is finite numbers"
    );

    let op = Conv3x3Relu::new(zeros([4, 3, 3, 3]), bias(4)).unwrap();
    assert_eq!((op.inputs(), op.outputs()), (3, 4));
    let error = op.forward(zeros([1, 4, 8, 8])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the convolution's input has shape [1, 4, 8, 8], expected [batch, 3, height, width], none of them zero"
    );
    assert!(error.help().contains("shape"), "{}", error.help());
    assert!(matches!(op.forward(zeros([1, 3, 0, 8])), Err(Error::Shape { .. })));
    assert!(matches!(op.forward(zeros([0, 3, 8, 8])), Err(Error::Shape { .. })));
}

#[test]
#[cfg(feature = "ndarray")]
fn a_tensor_from_another_device_is_refused() {
    let op = frozen(3, 4, &Device::flex());
    let error = op.forward(random([1, 3, 8, 8], 1, &ndarray())).unwrap_err();
    assert!(matches!(error, Error::OtherDevice { .. }), "{error}");
    let bias = Tensor::zeros([4], &ndarray());
    assert!(matches!(Conv3x3Relu::new(op.weight, bias), Err(Error::OtherDevice { .. })));
}
