//! Times a step of style transfer with VGG-19: forward to `relu5_1` with Gram matrices at `relu1_1` to
//! `relu5_1` and the features at `relu4_2`, backward to the picture.
//!
//! ```sh
//! cargo run --release -p style-kernels --example step_time -- 256 512 1024 --threads 2 --isa avx2
//! cargo run --release -p style-kernels --example step_time -- 512 --pooling l2 --gain 0.78
//! ```

use std::hint::black_box;
use std::time::Instant;

use style_format::VggFile;
use style_kernels::{Algorithm, Convolution, Derivative, Encoder, Isa, Options, Plan, Pooling, Tap};

/// Convolutions of `relu1_1`, `relu2_1`, `relu3_1`, `relu4_1`, `relu5_1`.
const STYLE: [usize; 5] = [0, 2, 4, 8, 12];
/// Convolution of `relu4_2`.
const CONTENT: usize = 9;

struct Arguments {
    sizes: Vec<usize>,
    threads: usize,
    steps: usize,
    isa: Isa,
    algorithm: Algorithm,
    pooling: Pooling,
    gain: f32,
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments = Arguments::parse()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    pool.install(|| run(&arguments))
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let encoder = vgg19(arguments)?;
    println!(
        "{}, {:?}, {:?} pooling x {}, {} threads, weights {:.0} MB",
        encoder.isa(),
        arguments.algorithm,
        arguments.pooling,
        arguments.gain,
        arguments.threads,
        encoder.weight_bytes() as f64 / 1e6
    );
    let peak = fma_peak(arguments.threads);
    println!("peak of fused multiply-adds: {peak:.0} GFLOP/s");
    for &size in &arguments.sizes {
        let taps: Vec<Tap> = STYLE.map(Tap::statistics).into_iter().chain([Tap::features(CONTENT)]).collect();
        let mut plan = encoder.plan(1, size, size, &taps)?;
        let image = noise(3 * size * size);
        let content = noise(plan.shape(CONTENT)?.iter().product());
        let (mut features, mut gradient) = (content.clone(), vec![0.0; image.len()]);
        let mut best = [f64::INFINITY; 3];
        for _ in 0..arguments.steps {
            let times = step(&mut plan, &image, &content, &mut features, &mut gradient)?;
            best[2] = best[2].min(times[0] + times[1]);
            best[0] = best[0].min(times[0]);
            best[1] = best[1].min(times[1]);
        }
        let rate = flops(&plan)? / best[2] / 1e9;
        println!(
            "{size:5} px: step {:.1} ms (forward {:.1}, backward {:.1}), {rate:.0} GFLOP/s of direct convolution, {:.2} of the peak, plan {:.0} MB, peak memory {:.0} MB",
            best[2] * 1e3,
            best[0] * 1e3,
            best[1] * 1e3,
            rate / peak,
            plan.bytes() as f64 / 1e6,
            peak_memory().unwrap_or(f64::NAN)
        );
    }
    Ok(())
}

/// One step; the times of forward and backward in seconds.
fn step(
    plan: &mut Plan,
    image: &[f32],
    content: &[f32],
    features: &mut [f32],
    gradient: &mut [f32],
) -> Result<[f64; 2], Box<dyn std::error::Error + Send + Sync>> {
    let start = Instant::now();
    plan.forward(image)?;
    plan.features(CONTENT, features)?;
    let forward = start.elapsed().as_secs_f64();
    let start = Instant::now();
    for (feature, target) in features.iter_mut().zip(content) {
        *feature = (*feature - target) * 1e-6;
    }
    let grams: Vec<Vec<f32>> = STYLE
        .iter()
        .map(|&convolution| plan.gram(convolution).map(|gram| gram.iter().map(|g| g * 1e-6).collect()))
        .collect::<Result<_, _>>()?;
    let mut derivatives = vec![Derivative::Features { convolution: CONTENT, values: features }];
    derivatives.extend(
        STYLE.iter().zip(&grams).map(|(&convolution, values)| Derivative::Gram { convolution, values }),
    );
    plan.backward(&derivatives, gradient)?;
    Ok([forward, start.elapsed().as_secs_f64()])
}

/// The network from the bundled weights.
fn vgg19(arguments: &Arguments) -> Result<Encoder, Box<dyn std::error::Error + Send + Sync>> {
    let file = VggFile::parse(style_weights::VGG19)?;
    let weights: Vec<Vec<f32>> = file.convolutions().iter().map(|c| c.weight().to_f32()).collect();
    let network: Vec<Convolution<'_>> = file
        .convolutions()
        .iter()
        .zip(&weights)
        .map(|(c, weight)| Convolution {
            inputs: c.convolution().inputs(),
            outputs: c.convolution().outputs(),
            weight,
            bias: c.bias(),
            pooled: c.convolution().starts_block(),
        })
        .collect();
    let options = Options {
        isa: arguments.isa,
        algorithm: arguments.algorithm,
        pooling: arguments.pooling,
        scale: vec![255.0; 3],
        shift: vec![-118.0; 3],
        ..Options::default()
    };
    Ok(Encoder::new(&network, &options)?.with_pooling_gain(arguments.gain))
}

/// Operations that direct convolution would take, forward and backward, and the Gram matrices.
fn flops(plan: &Plan) -> Result<f64, style_kernels::KernelError> {
    let (mut inputs, mut total) = (3, 0.0);
    for convolution in 0..=STYLE[4] {
        let [batch, channels, height, width] = plan.shape(convolution)?;
        let positions = (batch * height * width) as f64;
        total += 2.0 * 2.0 * 9.0 * (inputs * channels) as f64 * positions;
        if STYLE.contains(&convolution) {
            total += 2.0 * 2.0 * (channels * channels) as f64 * positions;
        }
        inputs = channels;
    }
    Ok(total)
}

/// Fused multiply-adds a second that this many threads reach together, times two.
fn fma_peak(threads: usize) -> f64 {
    const ROUNDS: usize = 200_000;
    let mut best = 0.0_f64;
    for _ in 0..20 {
        let start = Instant::now();
        let lanes: usize = rayon::broadcast(|_| fma_rounds(ROUNDS)).into_iter().sum();
        let seconds = start.elapsed().as_secs_f64();
        best = best.max(2.0 * (ROUNDS * lanes) as f64 / seconds / 1e9);
    }
    black_box(threads);
    best
}

/// Runs independent chains of multiply-adds; returns how many are in a round.
fn fma_rounds(rounds: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: AVX-512 F was found.
            return unsafe { fma_rounds_avx512(rounds) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: AVX2 and FMA were found.
            return unsafe { fma_rounds_avx2(rounds) };
        }
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("neon") {
        // SAFETY: NEON was found.
        return unsafe { fma_rounds_neon(rounds) };
    }
    let mut sums = [[1.0_f32; 4]; 8];
    for _ in 0..rounds {
        for sum in sums.iter_mut().flatten() {
            *sum = *sum * 0.999 + 0.001;
        }
    }
    black_box(sums);
    32
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn fma_rounds_avx512(rounds: usize) -> usize {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};
    let (a, b) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(0.001)));
    let mut sums = [_mm512_set1_ps(1.0); 16];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, a, b);
        }
    }
    black_box(sums.map(|sum| _mm512_reduce_add_ps(sum)));
    16 * 16
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fma_rounds_avx2(rounds: usize) -> usize {
    use std::arch::x86_64::{_mm_cvtss_f32, _mm256_castps256_ps128, _mm256_fmadd_ps, _mm256_set1_ps};
    let (a, b) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(0.001)));
    let mut sums = [_mm256_set1_ps(1.0); 12];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, a, b);
        }
    }
    black_box(sums.map(|sum| _mm_cvtss_f32(_mm256_castps256_ps128(sum))));
    8 * 12
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn fma_rounds_neon(rounds: usize) -> usize {
    use std::arch::aarch64::{vaddvq_f32, vdupq_n_f32, vfmaq_f32};
    let (a, b) = (vdupq_n_f32(black_box(0.999)), vdupq_n_f32(black_box(0.001)));
    let mut sums = [vdupq_n_f32(1.0); 16];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = vfmaq_f32(*sum, a, b); // its accumulator is also its target
        }
    }
    black_box(sums.map(|sum| vaddvq_f32(sum)));
    4 * 16
}

/// Values between 0 and 1, the same in every run, with some structure in space.
fn noise(len: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_u32;
    (0..len)
        .map(|i| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            0.25 + 0.25 * (i as f32 * 0.01).sin() + 0.5 * (state >> 8) as f32 / (1_u32 << 24) as f32
        })
        .collect()
}

/// The largest memory this process had, in MB; `None` where the system does not say.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0 / 1e6)
}

impl Arguments {
    fn parse() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut arguments = Self {
            sizes: Vec::new(),
            threads: std::thread::available_parallelism()?.get(),
            steps: 10,
            isa: Isa::Auto,
            algorithm: Algorithm::Winograd,
            pooling: Pooling::Max,
            gain: 1.0,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--threads" => arguments.threads = value()?.parse()?,
                "--steps" => arguments.steps = value()?.parse()?,
                "--isa" => {
                    arguments.isa = value()?.parse()?;
                }
                "--pooling" => {
                    arguments.pooling = match value()?.as_str() {
                        "max" => Pooling::Max,
                        "average" => Pooling::Average,
                        "l2" => Pooling::L2,
                        other => return Err(format!("no pooling {other:?}: max, average or l2").into()),
                    };
                }
                "--gain" => arguments.gain = value()?.parse()?,
                "--direct" => arguments.algorithm = Algorithm::Direct,
                size => arguments.sizes.push(size.parse()?),
            }
        }
        if arguments.sizes.is_empty() {
            arguments.sizes = vec![256, 512, 1024];
        }
        Ok(arguments)
    }
}
