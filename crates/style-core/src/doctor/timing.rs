//! Seconds, with the device waited for.

use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use style_format::Layer;

use super::case::Case;
use crate::{Error, Kernel, Pass, Taps, Vgg};

/// Something is timed this often, unless that takes long.
const REPEATS: usize = 5;

/// No repeats after this.
const LONG: Duration = Duration::from_millis(100);

/// The shortest time that `work` takes on the device of `vgg`. Kernels should have been compiled before.
pub(super) fn fastest(vgg: &Vgg, mut work: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        wait(vgg)?;
        let clock = Instant::now();
        work()?;
        wait(vgg)?;
        best = best.min(clock.elapsed().as_secs_f64());
        if begin.elapsed() > LONG {
            break;
        }
    }
    Ok(best)
}

/// Waits until the device has done everything that it was given.
fn wait(vgg: &Vgg) -> Result<(), Error> {
    let failed = |error: &dyn ToString| Error::Device { doing: "waiting for it", reason: error.to_string() };
    vgg.device().sync().map_err(|error| failed(&error))
}

/// Seconds of every layer of a case: convolution, ReLU, and the pooling before it.
///
/// In Burn's operations every layer is run alone, on the map that `pass` has of the layer before. The CPU kernels compute
/// the network in one piece: there a layer's time is what it adds to a pass; `None` where that drowns in noise.
pub(super) fn layer_seconds(case: &Case, vgg: &Vgg, pass: &Pass) -> Result<Vec<Option<f64>>, Error> {
    let picture = case.picture(vgg.device());
    let mut input = picture.clone();
    let (mut seconds, mut before) = (Vec::new(), 0.0);
    for &layer in &case.layers {
        if vgg.kernel() == Kernel::Burn {
            let run = || vgg.one_layer(layer, input.clone()).map(drop);
            run()?;
            seconds.push(Some(fastest(vgg, run)?));
            input = pass.features(layer)?.clone();
        } else {
            let until = seconds_until(vgg, &picture, layer)?;
            seconds.push(Some(until - before).filter(|seconds| *seconds > 0.0));
            before = until;
        }
    }
    Ok(seconds)
}

/// Seconds from the picture to a layer.
fn seconds_until(vgg: &Vgg, picture: &Tensor<4>, layer: Layer) -> Result<f64, Error> {
    let taps = Taps::new().with_features([layer]);
    let run = || vgg.forward(picture.clone(), &taps).map(drop);
    run()?; // makes the plan
    fastest(vgg, run)
}
