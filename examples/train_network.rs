//! Trains a small feed-forward network for one style on crops of the bundled pictures, and redraws the castle with it.

mod common;

use std::path::PathBuf;
use std::process::ExitCode;

use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::nn::{InstanceNorm, InstanceNormConfig, conv::Conv2d, conv::Conv2dConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::ops::{AvgPoolOptions, InterpolateMode, InterpolateOptions, PadMode};
use burn::tensor::{Distribution::Uniform, activation::relu, activation::sigmoid, module};
use clap::Parser;
use common::DeviceArguments;
use style_transfer::{PerceptualLoss, Settings, VGG19, Vgg, image_to_tensor, tensor_to_image};

/// Train a small network for one style, and redraw a photograph with it.
#[derive(Parser)]
struct Arguments {
    /// The painting [default: the bundled café terrace]
    style: Option<PathBuf>,
    /// Where the picture goes
    #[arg(short, long, default_value = "out/train_network.png")]
    output: PathBuf,
    /// Long side of the result, and of the pictures that crops are taken from, px
    #[arg(long, default_value_t = 320, value_parser = clap::value_parser!(u16).range(64..=2048))]
    size: u16,
    /// Steps of Adam, each on one crop
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: u32,
    #[command(flatten)]
    device: DeviceArguments,
}

fn main() -> ExitCode {
    common::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> common::Result<()> {
    common::check_output(&arguments.output, &[arguments.style.as_ref()])?;
    let (device, size, steps) = (arguments.device.open()?.device, arguments.size.into(), arguments.steps);
    device.seed(0);
    let style = common::open(arguments.style.as_ref(), "van_gogh_cafe_terrace.webp")?;
    let settings = Settings { size, content_weight: 0.04, ..Settings::default() };
    let loss = PerceptualLoss::new(&Vgg::load(VGG19, &device)?, &settings, [&style])?;
    let mut pictures = Vec::new();
    for name in ["eilean_donan.webp", "van_gogh_church_at_auvers.webp", "van_gogh_harvest_at_la_crau.webp"] {
        pictures.push(image_to_tensor(&common::open(None, name)?.resized_to_long_side(size)?, &device));
    }
    let mut network = Network::new(&device.clone().autodiff());
    let (mut adam, mut mean) = (AdamConfig::new().init(), 0.0);
    let mut learning_rate = CosineAnnealingLrSchedulerConfig::new(4e-3, steps as usize).init()?;
    for step in 1..=steps {
        let contents = crop(&pictures, &device)?;
        let value = loss.forward(network.forward(contents.clone()), contents)?;
        mean += (value.clone().try_into_scalar::<f32>()? - mean) / step.min(25) as f32;
        if step % steps.div_ceil(16) == 0 {
            println!("step {step}/{steps}  mean loss {mean:.4}");
        }
        let gradients = GradientsParams::from_grads(value.backward(), &network);
        network = adam.step(learning_rate.step(), network, gradients);
    }
    tensor_to_image(network.valid().forward(pictures.swap_remove(0)))?.save(&arguments.output)?;
    println!("{}", arguments.output.display());
    Ok(())
}

/// A random part of a random picture. `[1, 3, 128, 128]`, less where the picture is smaller
fn crop(pictures: &[Tensor<4>], device: &Device) -> common::Result<Tensor<4>> {
    let random: Vec<f32> = Tensor::<1>::random([3], Uniform(0.0, 1.0), device).try_into_vec_as()?;
    let to = |last: usize, random: f32| (((last + 1) as f32 * random) as usize).min(last);
    let picture = pictures[to(pictures.len() - 1, random[0])].clone();
    let [_, _, height, width] = picture.dims();
    let (top, left) = (to(height.saturating_sub(128), random[1]), to(width.saturating_sub(128), random[2]));
    Ok(picture.slice(s![.., .., top..height.min(top + 128), left..width.min(left + 128)]))
}

/// The network of Johnson et al. (ECCV 2016, supplementary material) made small, with the instance norms of Ulyanov et
/// al. (2016) in place of biases, and with the blurred picture itself added to the output, to save much of the training.
#[derive(Module, Debug)]
struct Network {
    down: Vec<(Conv2d, InstanceNorm)>,
    residual: Vec<[(Conv2d, InstanceNorm); 2]>,
    up: Vec<(Conv2d, InstanceNorm)>,
    last: Conv2d,
}

impl Network {
    fn new(device: &Device) -> Self {
        let block = |from, to, kernel, stride| {
            let convolution = Conv2dConfig::new([from, to], [kernel; 2]).with_stride([stride; 2]);
            (convolution.with_bias(false).init(device), InstanceNormConfig::new(to).init(device))
        };
        Self {
            down: vec![block(3, 16, 5, 1), block(16, 32, 3, 2), block(32, 64, 3, 2)],
            residual: (0..3).map(|_| [block(64, 64, 3, 1), block(64, 64, 3, 1)]).collect(),
            up: vec![block(64, 32, 3, 1), block(32, 16, 3, 1)],
            last: Conv2dConfig::new([16, 3], [5, 5]).init(device),
        }
    }

    /// Pictures in the style; both `[batch, 3, height, width]` in `[0, 1]`.
    fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = pictures.dims();
        let normed = |block: &(Conv2d, InstanceNorm), x| block.1.forward(convolve(&block.0, x));
        let twice = InterpolateOptions::new(InterpolateMode::Nearest).with_scale_factor([2.0, 2.0]);
        let x = self.down.iter().fold(pictures.clone(), |x, block| relu(normed(block, x)));
        let x = self.residual.iter().fold(x, |x, [a, b]| x.clone() + normed(b, relu(normed(a, x))));
        let x = self.up.iter().fold(x, |x, block| relu(normed(block, module::interpolate(x, twice.clone()))));
        let change = convolve(&self.last, x).narrow(2, 0, height).narrow(3, 0, width);
        let around = pictures.pad((1, 1, 1, 1), PadMode::Reflect);
        let blurred = module::avg_pool2d(around, AvgPoolOptions::new([3, 3]).with_stride([1, 1]));
        // Four is one over the sigmoid's slope at 0: greys come out as they are.
        sigmoid((blurred - 0.5) * 4.0 + change)
    }
}

/// Keeps the size; zeros around the picture would show at its edges.
fn convolve(convolution: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    let around = convolution.kernel_size[0] / 2;
    convolution.forward(x.pad((around, around, around, around), PadMode::Reflect))
}
