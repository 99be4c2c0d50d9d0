//! A lone convolution with its ReLU against sums in double precision.
#![allow(clippy::unwrap_used)]

use style_kernels::{Conv3x3, Convolution, Isa, KernelError};

mod common;
use common::{Random, instruction_sets};

/// A convolution's shape: channels and `[batch, height, width]`.
struct Case {
    inputs: usize,
    outputs: usize,
    size: [usize; 3],
}

const fn case(inputs: usize, outputs: usize, size: [usize; 3]) -> Case {
    Case { inputs, outputs, size }
}

/// Weights and maps of a case.
struct Data {
    weight: Vec<f32>,
    bias: Vec<f32>,
    x: Vec<f32>,
    d_y: Vec<f32>,
}

impl Case {
    fn data(&self, random: &mut Random) -> Data {
        let positions = self.size.iter().product::<usize>();
        let size = (6.0 / (9 * self.inputs) as f32).sqrt();
        Data {
            weight: random.values(self.inputs * self.outputs * 9).iter().map(|w| w * size).collect(),
            bias: random.values(self.outputs).iter().map(|b| b * 0.2).collect(),
            x: random.values(self.inputs * positions),
            d_y: random.values(self.outputs * positions),
        }
    }

    fn kernel(&self, data: &Data, isa: Isa) -> Conv3x3 {
        let Self { inputs, outputs, .. } = *self;
        let (weight, bias) = (&data.weight, &data.bias);
        Conv3x3::new(&Convolution { inputs, outputs, weight, bias, pooled: false }, isa).unwrap()
    }

    fn run(&self, conv: &Conv3x3, data: &Data) -> (Vec<f32>, Vec<f32>) {
        let (mut y, mut d_x) = (vec![f32::NAN; data.d_y.len()], vec![f32::NAN; data.x.len()]);
        conv.forward(self.size, &data.x, &mut y).unwrap();
        conv.backward(self.size, &y, &data.d_y, &mut d_x).unwrap();
        (y, d_x)
    }

    /// Calls `meet` with the indices of weight, input and output wherever a filter's tap is inside the map.
    fn taps(&self, mut meet: impl FnMut(usize, usize, usize)) {
        let [batch, height, width] = self.size;
        let plane = height * width;
        for b in 0..batch {
            for (o, i) in (0..self.outputs).flat_map(|o| (0..self.inputs).map(move |i| (o, i))) {
                for (tap, at) in (0..9).flat_map(|tap| (0..plane).map(move |at| (tap, at))) {
                    let (y, x) = (at / width + tap / 3, at % width + tap % 3);
                    if (1..=height).contains(&y) && (1..=width).contains(&x) {
                        let from = (b * self.inputs + i) * plane + (y - 1) * width + x - 1;
                        let to = (b * self.outputs + o) * plane + at;
                        meet((o * self.inputs + i) * 9 + tap, from, to);
                    }
                }
            }
        }
    }

    /// The same in double precision; the mask of the way back is taken from `y` as it was computed.
    fn reference(&self, data: &Data, y: &[f32]) -> (Vec<f64>, Vec<f64>) {
        let plane = self.size[1] * self.size[2];
        let (mut sums, mut d_x) = (vec![0.0; y.len()], vec![0.0; data.x.len()]);
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum = f64::from(data.bias[at / plane % self.outputs]);
        }
        self.taps(|weight, from, to| {
            let w = f64::from(data.weight[weight]);
            sums[to] += w * f64::from(data.x[from]);
            if y[to] > 0.0 {
                d_x[from] += w * f64::from(data.d_y[to]);
            }
        });
        (sums.into_iter().map(|sum| sum.max(0.0)).collect(), d_x)
    }
}

fn relative_error(found: &[f32], expected: &[f64]) -> f64 {
    let square = |x: f64| x * x;
    let difference: f64 = found.iter().zip(expected).map(|(&f, &e)| square(f64::from(f) - e)).sum();
    (difference / expected.iter().copied().map(square).sum::<f64>()).sqrt()
}

#[test]
fn both_ways_agree_with_double_precision_on_every_instruction_set() {
    let mut random = Random(5);
    let mut cases = vec![
        case(1, 1, [1, 1, 1]),
        case(3, 64, [2, 9, 17]),
        case(64, 3, [1, 5, 4]),
        case(48, 33, [1, 8, 23]),
        case(129, 40, [1, 13, 11]),
        case(160, 160, [2, 7, 3]),
        // Large enough for F(6, 3).
        case(40, 20, [1, 97, 101]),
        case(130, 9, [1, 80, 79]),
    ];
    for _ in 0..20 {
        let size = [random.between(1, 3), random.between(1, 20), random.between(1, 20)];
        cases.push(case(random.between(1, 70), random.between(1, 70), size));
    }
    let mut worst = 0.0_f64;
    for case in &cases {
        let data = case.data(&mut random);
        for isa in instruction_sets() {
            let (y, d_x) = case.run(&case.kernel(&data, isa), &data);
            let (expected_y, expected_d_x) = case.reference(&data, &y);
            // A case in which no output is positive has no relative error.
            let all = [(&y, &expected_y), (&d_x, &expected_d_x)];
            for (found, expected) in all.into_iter().filter(|(_, e)| e.iter().any(|&e| e != 0.0)) {
                worst = worst.max(relative_error(found, expected));
            }
        }
    }
    println!("largest relative error: {worst:.2e}");
    assert!(worst < 6e-6, "largest relative error {worst}");
}

#[test]
fn nan_passes_through_and_leaves_nothing_behind() {
    let case = case(20, 5, [1, 9, 9]);
    let data = case.data(&mut Random(8));
    let conv = case.kernel(&data, Isa::Auto);
    let clean = case.run(&conv, &data);
    let poisoned = Data { x: vec![f32::NAN; data.x.len()], d_y: vec![f32::NAN; data.d_y.len()], ..data };
    let (y, d_x) = case.run(&conv, &poisoned);
    assert!(y.iter().chain(&d_x).all(|value| value.is_nan()));
    let data = case.data(&mut Random(8));
    assert_eq!(case.run(&conv, &data), clean);
}

#[test]
fn one_convolution_serves_many_sizes_and_threads_with_the_same_bytes() {
    let mut random = Random(11);
    let sizes = [case(40, 36, [1, 12, 10]), case(40, 36, [2, 5, 31]), case(40, 36, [1, 12, 10])];
    let data = sizes.each_ref().map(|case| case.data(&mut random));
    let conv = sizes[0].kernel(&data[0], Isa::Auto);
    let run = |at: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(at + 1).build().unwrap();
        pool.install(|| sizes[at].run(&conv, &data[at]))
    };
    let alone: Vec<_> = (0..sizes.len()).map(run).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..sizes.len()).map(|at| scope.spawn(move || run(at))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn what_cannot_be_computed_is_refused() {
    let (weight, bias) = (vec![0.0; 2 * 3 * 9], vec![0.0; 2]);
    let whole = Convolution { inputs: 3, outputs: 2, weight: &weight, bias: &bias, pooled: false };
    let refused = |convolution: Convolution<'_>| Conv3x3::new(&convolution, Isa::Auto).unwrap_err();
    assert!(matches!(refused(Convolution { inputs: 0, ..whole }), KernelError::NoChannels { .. }));
    assert!(matches!(refused(Convolution { inputs: 4, ..whole }), KernelError::Length { expected: 72, .. }));
    assert!(matches!(refused(Convolution { bias: &[], ..whole }), KernelError::Length { expected: 2, .. }));
    assert_eq!(refused(Convolution { pooled: true, ..whole }), KernelError::PoolingFirst);

    let conv = Conv3x3::new(&whole, Isa::Auto).unwrap();
    assert_eq!((conv.inputs(), conv.outputs()), (3, 2));
    let length = conv.forward([1, 2, 2], &[0.0; 11], &mut [0.0; 8]).unwrap_err();
    assert_eq!(length.to_string(), "the input has 11 values; 12 are needed");
    let length = conv.backward([1, 2, 2], &[0.0; 8], &[0.0; 9], &mut [0.0; 12]).unwrap_err();
    assert_eq!(length.to_string(), "the gradient of the output has 9 values; 8 are needed");
    assert!(matches!(conv.forward([1, 0, 2], &[], &mut []), Err(KernelError::NoPicture { .. })));
    let huge = conv.reserve(usize::MAX / 8, 7);
    assert!(matches!(huge, Err(KernelError::PictureTooLarge { .. })), "{huge:?}");
    conv.reserve(3, 5).unwrap();
}
