//! Times one optimisation step through the library's public API: the figure that `tools/compare_pytorch.py`
//! sets beside PyTorch's.
//!
//! A step is VGG-19 forward to `relu5_1`, a content loss at `relu4_2`, five Gram losses, and the gradient of the
//! pixels; no optimiser. `cargo run --release --example time_step -- --size 256 512` prints a JSON line a size.

mod common;

use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use common::{DeviceArguments, Result};
use style_transfer::{
    ContentForm, ContentLoss, Device, GramLoss, GramScale, Image, Kernel, Layer, Objective, OpenDevice, Taps,
    VGG19, Vgg, image_to_tensor,
};

/// Time one optimisation step: a line of JSON for each size.
#[derive(Parser)]
struct Arguments {
    /// Sides of the square pictures, px
    #[arg(long, num_args = 1.., default_values_t = [256, 512])]
    size: Vec<usize>,
    /// Counted steps at every size, after one that is not counted
    #[arg(long, default_value_t = 5)]
    steps: usize,
    /// What computes the network
    #[arg(long, value_enum, default_value_t = KernelName::Winograd)]
    kernel: KernelName,
    #[command(flatten)]
    device: DeviceArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KernelName {
    Winograd,
    Direct,
    Burn,
}

fn main() -> ExitCode {
    common::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let kernel = match arguments.kernel {
        KernelName::Winograd => Kernel::Winograd,
        KernelName::Direct => Kernel::Direct,
        KernelName::Burn => Kernel::Burn,
    };
    let OpenDevice { device, info, .. } = arguments.device.open()?;
    let vgg = Vgg::load(VGG19, &device)?.with_kernel(kernel);
    for &size in &arguments.size {
        let times = measure(&vgg, &device, size, arguments.steps)?;
        let (min, median) = (times[0], times[times.len() / 2]);
        println!(
            "{{\"size\": {size}, \"kernel\": \"{:?}\", \"device\": \"{}\", \"min_s\": {min:.4}, \
             \"median_s\": {median:.4}, \"steps\": {}}}",
            arguments.kernel, info.name, arguments.steps
        );
    }
    Ok(())
}

/// Seconds of every counted step, sorted.
fn measure(vgg: &Vgg, device: &Device, size: usize, steps: usize) -> Result<Vec<f64>> {
    const STYLE: [Layer; 5] =
        [Layer::Relu1_1, Layer::Relu2_1, Layer::Relu3_1, Layer::Relu4_1, Layer::Relu5_1];
    let picture = |name| -> Result<_> {
        Ok(image_to_tensor(&Image::open(common::bundled(name))?.resized(size, size)?, device))
    };
    let content = picture("eilean_donan.webp")?;
    let target = vgg.features(content.clone(), &[Layer::Relu4_2])?.remove(0);
    let mut objective =
        Objective::new().with_content(Layer::Relu4_2, 1.0, ContentLoss::new(target, ContentForm::Mean));
    let pass = vgg.forward(picture("van_gogh_cafe_terrace.webp")?, &Taps::new().with_statistics(STYLE))?;
    for layer in STYLE {
        let statistics = pass.statistics(layer)?.clone();
        objective = objective.with_style(layer, 1.0, GramLoss::new(statistics, GramScale::Channels2));
    }
    drop(pass);
    let mut times = Vec::with_capacity(steps);
    for step in 0..=steps.max(1) {
        let start = Instant::now();
        let evaluation = objective.evaluate(vgg, content.clone())?;
        device.sync()?;
        if step > 0 {
            times.push(start.elapsed().as_secs_f64());
        }
        drop(evaluation);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}
