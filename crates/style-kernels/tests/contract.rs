//! What callers may rely on besides the numbers.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Given, Network, Random, feature_maps, instruction_sets, relative_error};
use style_kernels::{
    Algorithm, Convolution, Derivative, Encoder, Isa, KernelError, Options, Padding, Plan, Pooling, Tap,
};

const SHAPES: [(usize, usize, bool); 4] =
    [(3, 16, false), (16, 64, false), (64, 160, true), (160, 32, false)];
const TAPS: [Tap; 4] = [Tap::statistics(0), Tap::pre_activation(2), Tap::features(3), Tap::statistics(3)];

fn network(options: Options) -> Network {
    Network::random(&mut Random(9), &SHAPES, options)
}

fn picture(len: usize) -> Vec<f32> {
    Random(17).values(len)
}

/// Everything a step gives, as bits.
fn step(plan: &mut Plan, image: &[f32]) -> Vec<u32> {
    let mut random = Random(23);
    plan.forward(image).unwrap();
    let mut all: Vec<f32> = plan.gram(0).unwrap().to_vec();
    all.extend(plan.mean(3).unwrap());
    let mut map = vec![0.0; plan.shape(3).unwrap().iter().product()];
    plan.features(3, &mut map).unwrap();
    all.extend(&map);
    let gram = random.values(plan.gram(0).unwrap().len());
    let mean = random.values(plan.mean(3).unwrap().len());
    let before = random.values(plan.shape(2).unwrap().iter().product());
    let mut gradient = vec![f32::NAN; image.len()];
    let derivatives = [
        Derivative::Gram { convolution: 0, values: &gram },
        Derivative::Mean { convolution: 3, values: &mean },
        Derivative::Features { convolution: 3, values: &map },
        Derivative::PreActivation { convolution: 2, values: &before },
    ];
    plan.backward(&derivatives, &mut gradient).unwrap();
    all.extend(gradient);
    all.iter().map(|value| value.to_bits()).collect()
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let image = picture(2 * 3 * 75 * 61);
    for algorithm in [Algorithm::Winograd, Algorithm::Direct] {
        let encoder = network(Options { algorithm, ..Options::default() }).encoder();
        let bytes = |threads| {
            let encoder = encoder.clone();
            let image = &image;
            with_threads(threads, move || step(&mut encoder.plan(2, 75, 61, &TAPS).unwrap(), image))
        };
        let one = bytes(1);
        for threads in [2, 3, 5, 16] {
            assert!(one == bytes(threads), "{algorithm:?} with {threads} threads");
        }
    }
}

#[test]
fn a_plan_runs_in_another_pool_than_it_was_made_in() {
    let image = picture(3 * 40 * 33);
    let encoder = network(Options::default()).encoder();
    let mut plan = with_threads(4, || encoder.plan(1, 40, 33, &TAPS).unwrap());
    let here = step(&mut plan, &image);
    let plan = &mut plan;
    assert_eq!(here, with_threads(1, || step(plan, &image)));
    assert_eq!(here, with_threads(7, || step(plan, &image)));
}

#[test]
fn a_used_plan_gives_the_bytes_of_a_fresh_one() {
    for isa in instruction_sets() {
        for (pooling, padding) in [
            (Pooling::Max, Padding::Replicate),
            (Pooling::Average, Padding::Reflect),
            (Pooling::L2, Padding::Reflect),
        ] {
            let options = Options { isa, pooling, padding, ..Options::default() };
            let encoder = network(options).encoder();
            let (one, other) = (picture(3 * 30 * 31), vec![0.25; 3 * 30 * 31]);
            let fresh = step(&mut encoder.plan(1, 30, 31, &TAPS).unwrap(), &one);
            let mut plan = encoder.plan(1, 30, 31, &TAPS).unwrap();
            step(&mut plan, &other);
            assert!(fresh == step(&mut plan, &one), "{isa}, {pooling:?}");
            assert!(fresh == step(&mut plan, &one), "{isa}, {pooling:?}, again");
        }
    }
}

#[test]
fn pictures_of_a_batch_do_not_touch_each_other() {
    let encoder = network(Options::default()).encoder();
    let (one, other) = (picture(3 * 20 * 27), vec![0.5; 3 * 20 * 27]);
    let gram = |batch: usize, image: &[f32]| {
        let mut plan = encoder.plan(batch, 20, 27, &[Tap::statistics(3)]).unwrap();
        plan.forward(image).unwrap();
        plan.gram(3).unwrap().to_vec()
    };
    assert_eq!(gram(2, &[one.clone(), other.clone()].concat()), [gram(1, &one), gram(1, &other)].concat());
}

#[test]
fn every_tap_alone_gives_what_all_together_give() {
    let network = network(Options::default());
    let encoder = network.encoder();
    let image = picture(3 * 22 * 19);
    let maps = feature_maps(&network, &encoder, &image, [1, 22, 19]);
    for (convolution, expected) in maps[0].iter().enumerate() {
        let mut plan = encoder.plan(1, 22, 19, &[Tap::features(convolution)]).unwrap();
        plan.forward(&image).unwrap();
        let mut map = vec![0.0; plan.shape(convolution).unwrap().iter().product()];
        plan.features(convolution, &mut map).unwrap();
        assert_eq!(relative_error(&map, &expected.values), 0.0);
    }
}

#[test]
fn derivatives_that_are_not_given_are_zero() {
    let encoder = network(Options::default()).encoder();
    let image = picture(3 * 24 * 25);
    let mut plan = encoder.plan(1, 24, 25, &TAPS).unwrap();
    plan.forward(&image).unwrap();
    let mut gradient = vec![f32::NAN; image.len()];
    plan.backward(&[], &mut gradient).unwrap();
    assert!(gradient.iter().all(|g| *g == 0.0));

    let shallow = Random(2).values(16 * 16);
    plan.backward(&[Derivative::Gram { convolution: 0, values: &shallow }], &mut gradient).unwrap();
    let mut alone = vec![0.0; image.len()];
    let mut plan = encoder.plan(1, 24, 25, &[Tap::statistics(0)]).unwrap();
    plan.forward(&image).unwrap();
    plan.backward(&[Derivative::Gram { convolution: 0, values: &shallow }], &mut alone).unwrap();
    assert_eq!(gradient, alone);
}

#[test]
fn backward_may_be_called_again_after_one_forward() {
    let encoder = network(Options::default()).encoder();
    let image = picture(3 * 24 * 25);
    let mut plan = encoder.plan(1, 24, 25, &TAPS).unwrap();
    plan.forward(&image).unwrap();
    let values = Random(2).values(32 * 32);
    let gradient = |plan: &mut Plan| {
        let mut gradient = vec![0.0; image.len()];
        plan.backward(&[Derivative::Gram { convolution: 3, values: &values }], &mut gradient).unwrap();
        gradient
    };
    let first = gradient(&mut plan);
    assert_eq!(first, gradient(&mut plan));
}

#[test]
fn nan_and_infinity_come_out_as_such_and_never_hang() {
    for isa in instruction_sets() {
        for algorithm in [Algorithm::Winograd, Algorithm::Direct] {
            for pooling in [Pooling::Max, Pooling::Average, Pooling::L2] {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let encoder =
                        network(Options { isa, algorithm, pooling, ..Options::default() }).encoder();
                    let mut image = picture(3 * 20 * 21);
                    image[210] = bad;
                    let taps = [Tap::statistics(1), Tap::statistics(3)];
                    let mut plan = encoder.plan(1, 20, 21, &taps).unwrap();
                    plan.forward(&image).unwrap();
                    let gram = plan.gram(3).unwrap().to_vec();
                    let name = format!("{isa} {algorithm:?} {pooling:?} {bad}");
                    assert!(gram.iter().any(|g| !g.is_finite()), "{name}: statistics");
                    let mut gradient = vec![0.0; image.len()];
                    plan.backward(&[Derivative::Gram { convolution: 3, values: &gram }], &mut gradient)
                        .unwrap();
                    assert!(gradient.iter().any(|g| !g.is_finite()), "{name}: gradient");
                }
            }
        }
    }
}

#[test]
fn max_pooling_sends_the_gradient_to_the_first_of_equals() {
    // A filter that copies its input, and a flat picture: all four of every window are equal.
    for isa in instruction_sets() {
        for taps in [vec![Tap::features(1)], vec![Tap::features(0), Tap::features(1)]] {
            let mut centre = vec![0.0; 9];
            centre[4] = 1.0;
            let copy = |pooled| Convolution { inputs: 1, outputs: 1, weight: &centre, bias: &[0.0], pooled };
            let options = Options { isa, algorithm: Algorithm::Direct, ..Options::default() };
            let encoder = Encoder::new(&[copy(false), copy(true)], &options).unwrap();
            let mut plan = encoder.plan(1, 4, 5, &taps).unwrap();
            plan.forward(&[2.0; 20]).unwrap();
            let mut gradient = [0.0; 20];
            let values = [1.0, 2.0, 3.0, 4.0];
            plan.backward(&[Derivative::Features { convolution: 1, values: &values }], &mut gradient)
                .unwrap();
            #[rustfmt::skip]
            assert_eq!(gradient, [
                1.0, 0.0, 2.0, 0.0, 0.0,
                0.0, 0.0, 0.0, 0.0, 0.0,
                3.0, 0.0, 4.0, 0.0, 0.0,
                0.0, 0.0, 0.0, 0.0, 0.0,
            ]);
        }
    }
}

#[test]
fn the_forecast_is_what_a_plan_takes_and_weights_take_72_bytes_a_pair_of_channels() {
    let encoder = network(Options::default()).encoder();
    for pooling in [Pooling::Max, Pooling::Average, Pooling::L2] {
        let encoder = encoder.clone().with_pooling(pooling);
        let plan = encoder.plan(1, 64, 64, &TAPS).unwrap();
        assert_eq!(plan.bytes(), encoder.plan_bytes(1, 64, 64, &TAPS).unwrap(), "{pooling:?}");
    }
    let pairs: usize = SHAPES[1..].iter().map(|&(i, o, _)| i.next_multiple_of(32) * o).sum();
    let rest = encoder.weight_bytes() - pairs * 72;
    assert!(rest < 20_000, "{rest} bytes besides");
}

fn message<T: std::fmt::Debug>(result: Result<T, KernelError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn wrong_networks_are_refused_by_name() {
    let (weight, bias) = (vec![0.0; 4 * 3 * 9], vec![0.0; 4]);
    let good = Convolution { inputs: 3, outputs: 4, weight: &weight, bias: &bias, pooled: false };
    let new = |network: &[Convolution<'_>]| message(Encoder::new(network, &Options::default()));
    assert_eq!(new(&[]), "the network has no convolution; at least one is needed");
    assert_eq!(new(&[good, good]), "convolution 1 takes 3 channels, but the one before it gives 4");
    assert_eq!(
        new(&[Convolution { weight: &weight[1..], ..good }]),
        "the weight of convolution 0 has 107 values; 108 are needed"
    );
    assert_eq!(
        new(&[Convolution { bias: &bias[1..], ..good }]),
        "the bias of convolution 0 has 3 values; 4 are needed"
    );
    assert_eq!(
        new(&[Convolution { outputs: 0, ..good }]),
        "convolution 0 has 3 input and 0 output channels; both must be at least 1"
    );
    assert_eq!(
        new(&[Convolution { pooled: true, ..good }]),
        "a pooling stands before convolution 0; only later convolutions may have one"
    );
    let options = Options { scale: vec![1.0; 2], ..Options::default() };
    assert_eq!(message(Encoder::new(&[good], &options)), "the scale has 2 values; 3 are needed");
}

#[test]
fn wrong_plans_and_slices_are_refused_by_name() {
    let encoder = network(Options::default()).encoder();
    let plan = |batch, height, width, taps: &[Tap]| encoder.plan(batch, height, width, taps);
    assert_eq!(message(plan(1, 8, 8, &[])), "no tap was asked for; at least one is needed");
    assert_eq!(
        message(plan(1, 8, 8, &[Tap::features(4)])),
        "there is no convolution 4; the network has 0 to 3"
    );
    assert_eq!(
        message(plan(1, 1, 8, &TAPS)),
        "a picture of 8 x 1 px is too small: the poolings before convolution 2 need at least 2 x 2 px"
    );
    assert!(plan(1, 1, 1, &[Tap::features(1)]).is_ok());
    assert_eq!(
        message(plan(0, 8, 8, &TAPS)),
        "a batch of 0 pictures of 8 x 8 px holds nothing; every size must be at least 1"
    );
    assert!(message(plan(1, usize::MAX, 8, &TAPS)).contains("more memory than can be addressed"));
    assert!(message(plan(1, 1 << 28, 1 << 28, &TAPS)).contains("more memory than can be addressed"));
    assert!(message(plan(1, 1 << 22, 1 << 22, &TAPS)).ends_with("bytes of memory could not be allocated"));

    let mut plan = plan(1, 8, 8, &TAPS).unwrap();
    assert_eq!(
        message(plan.gram(0)),
        "nothing has been computed yet; call forward before asking for results or gradients"
    );
    assert_eq!(message(plan.backward(&[], &mut [0.0; 192])), message(plan.gram(0)));
    assert_eq!(message(plan.forward(&[0.0; 191])), "the image has 191 values; 192 are needed");
    plan.forward(&[0.0; 192]).unwrap();
    assert_eq!(
        message(plan.gram(1)),
        "the plan has no tap for the statistics of convolution 1; ask for it when planning"
    );
    assert_eq!(
        message(plan.features(3, &mut [0.0; 1])),
        "the feature map of convolution 3 has 1 values; 512 are needed"
    );
    assert_eq!(message(plan.backward(&[], &mut [0.0; 5])), "the gradient has 5 values; 192 are needed");
    let wrong = [Derivative::Gram { convolution: 0, values: &[0.0; 3] }];
    assert_eq!(
        message(plan.backward(&wrong, &mut [0.0; 192])),
        "the derivative of the Gram matrix of convolution 0 has 3 values; 256 are needed"
    );
    let wrong = [Derivative::Features { convolution: 0, values: &[0.0; 3] }];
    assert_eq!(
        message(plan.backward(&wrong, &mut [0.0; 192])),
        "the plan has no tap for the feature map of convolution 0; ask for it when planning"
    );
    assert!(plan.backward(&Given::list(&[]), &mut [0.0; 192]).is_ok());
}

/// Environment variables belong to a process, so this test runs itself again in others.
#[test]
fn the_environment_narrows_the_best_instruction_set() {
    let encoder = |isa| {
        let options = Options { isa, ..Options::default() };
        Network::random(&mut Random(1), &[(1, 1, false)], options).try_encoder()
    };
    if let Ok(expected) = std::env::var("EXPECTED_ISA") {
        match (expected.parse::<Isa>(), encoder(Isa::Auto)) {
            (Ok(isa), Ok(encoder)) => assert_eq!(encoder.isa(), isa),
            (Err(_), Err(error)) => assert_eq!(error.to_string(), expected),
            (expected, found) => panic!("{expected:?}, {found:?}"),
        }
        assert_eq!(encoder(Isa::Portable).unwrap().isa(), Isa::Portable, "what is asked for stands");
        return;
    }
    let unknown = "\"sse9\" is no instruction set; known are auto, avx512, avx2, neon and portable";
    for (value, expected) in [("portable", "portable"), ("sse9", unknown)] {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_environment_narrows_the_best_instruction_set"])
            .env("STYLE_KERNELS_ISA", value)
            .env("EXPECTED_ISA", expected)
            .status()
            .unwrap();
        assert!(status.success(), "{value}");
    }
}

#[test]
fn an_instruction_set_is_the_one_asked_for_or_refused() {
    for isa in [Isa::Auto, Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Portable] {
        match network(Options { isa, ..Options::default() }).try_encoder() {
            Ok(encoder) if isa == Isa::Auto => assert_ne!(encoder.isa(), Isa::Auto),
            Ok(encoder) => assert_eq!(encoder.isa(), isa),
            Err(error) => assert_eq!(error, KernelError::IsaUnavailable(isa)),
        }
    }
}

#[test]
fn encoders_and_plans_can_go_to_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<Encoder>();
    check::<Plan>();
}
