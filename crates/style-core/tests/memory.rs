//! The forecast of memory against the peak that Linux counts for a process: alone in a program of its own, because
//! every other test would add to the peak.

use burn::tensor::{Device, Tensor, TensorData};
use style_core::{
    ContentForm, ContentLoss, GramLoss, GramScale, Kernel, Layer, LineSearch, Memory, Objective, Optimizer,
    Statistics, StyleTransfer, TotalVariation, Vgg,
};
use style_image::Image;
use style_weights::VGG19;

const STYLE: [Layer; 5] = [Layer::Relu1_1, Layer::Relu2_1, Layer::Relu3_1, Layer::Relu4_1, Layer::Relu5_1];

/// A line of this process's status in bytes; `None` where there is no such file.
fn status(key: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0)
}

fn noise<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    let values: Vec<f32> =
        (0..shape.iter().product()).map(|i: usize| (i * 7919 % 1009) as f32 / 1009.0).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

#[test]
fn the_forecast_of_a_step_and_of_a_run_is_near_the_peak() {
    let vgg = Vgg::load(VGG19, &Device::flex()).unwrap();
    assert_eq!(vgg.kernel(), Kernel::Winograd);
    let Some(before) = status("VmRSS") else {
        eprintln!("skipped: this system has no /proc/self/status");
        return;
    };
    let check = |what: String, forecast: Memory| {
        let peak = status("VmHWM").unwrap() - before;
        let ratio = forecast.total() as f64 / peak;
        eprintln!("{what}: forecast {forecast}; peak {:.0} MB, ratio {ratio:.2}", peak / 1e6);
        assert!((0.7..1.3).contains(&ratio), "{what}: forecast {forecast}, peak {:.0} MB", peak / 1e6);
    };
    // Peaks only grow, so do the sizes.
    for size in [128, 256, 512] {
        let mut objective = Objective::new().with_total_variation(1.0, TotalVariation::MeanSquare);
        let target = noise([1, 512, size / 8, size / 8]);
        let content = ContentLoss::new(target, ContentForm::Relative);
        objective = objective.with_content(Layer::Relu4_2, 1.0, content);
        for (layer, channels) in STYLE.into_iter().zip([64, 128, 256, 512, 512]) {
            let (mean, gram) = (noise([1, channels]), noise([1, channels, channels]));
            let style = GramLoss::new(Statistics { mean, gram, positions: 1 }, GramScale::Relative);
            objective = objective.with_style(layer, 1.0, style);
        }
        let image = noise([1, 3, size, size]);
        for _ in 0..2 {
            objective.evaluate(&vgg, image.clone()).unwrap();
        }
        check(format!("a step at {size} px"), objective.memory(&vgg, size, size).unwrap().unwrap());
    }
    // A run begins by giving back the buffers of the steps above.
    let picture = Image::new(640, 640, vec![0.5; 3 * 640 * 640]).unwrap();
    // Seven steps fill a memory of five.
    let optimizer = Optimizer::Lbfgs { learning_rate: 1.0, history: 5, line_search: LineSearch::None };
    let transfer = || StyleTransfer::new(&vgg).style(&picture).size(576).optimizer(optimizer).steps(7);
    transfer().run(&picture).unwrap();
    check("a run at 576 px".into(), transfer().memory(576, 576).unwrap().unwrap());
}
