//! The loop.

use std::time::Instant;

use burn::tensor::Tensor;
use style_format::Layer;
use style_image::Image;

use super::memory::Run;
use super::{Losses, Outcome, Settings, Start, Step, StyleTransfer, Times, start};
use crate::convert::{image_to_tensor, read, tensor_to_image};
use crate::metrics::{LayerDistance, Metrics, normalised_distance};
use crate::vgg::{Pass, Taps, Vgg};
use crate::{ContentLoss, Error, Objective, TotalVariation};

/// Without an observer losses are read back this often, only to notice NaN.
const STEPS_BETWEEN_READS: usize = 16;

/// What the picture should come near to, with the objective that measures it.
struct Targets {
    objective: Objective,
    /// Feature maps of the content, with their layers.
    content: Vec<(Layer, Tensor<4>)>,
    /// Gram matrices of the style.
    style: Vec<(Layer, Tensor<3>)>,
}

impl StyleTransfer<'_> {
    /// Runs the optimisation on a picture of (width, height); `content` is already of this size.
    pub(super) fn optimise(
        mut self,
        settings: Settings,
        content: Option<&Image>,
        extent: (usize, usize),
    ) -> Result<Outcome, Error> {
        let clock = Instant::now();
        settings.validate(self.vgg)?;
        let vgg = self.vgg.clone().with_pooling(settings.pooling).with_padding(settings.padding);
        let style = self.style.filter(|_| settings.style_weight > 0.0);
        let style = style.map(|style| style.resized_to_long_side(settings.size)).transpose()?;
        check_sizes(&vgg, &settings, extent, style.as_ref())?;
        let style_extent = style.as_ref().map(|style| (style.width(), style.height()));
        let run = Run { vgg: &vgg, settings: &settings, content: content.is_some() };
        run.check(extent, style_extent)?;
        let first = self.first_picture(content, extent, &settings)?;
        let targets = Targets::new(&vgg, &settings, content, style.as_ref())?;
        let mut image = image_to_tensor(&first, vgg.device());
        let preparation = clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let mut recorder = Recorder::default();
        let stopped = self.descend(&vgg, &settings, &targets.objective, &mut image, &mut recorder)?;
        let steps = clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let pass = vgg.forward(image.clone(), &targets.objective.taps())?;
        recorder.push(targets.objective.losses_of_pass(&pass, image.clone())?, &image);
        recorder.read()?;
        let metrics = targets.metrics(&pass)?;
        let image = tensor_to_image(image)?;
        let times = Times { preparation, steps, finish: clock.elapsed().as_secs_f64() };
        let (terms, history) = (targets.objective.terms(), recorder.history);
        Ok(Outcome { image, settings, terms, history, metrics, times, stopped })
    }

    /// All steps; answers whether the observer ended them.
    fn descend(
        &mut self,
        vgg: &Vgg,
        settings: &Settings,
        objective: &Objective,
        image: &mut Tensor<4>,
        recorder: &mut Recorder,
    ) -> Result<bool, Error> {
        let clock = Instant::now();
        let mut optimizer = settings.optimizer.init();
        for index in 1..=settings.steps {
            let evaluation = objective.evaluate(vgg, image.clone())?;
            recorder.push(evaluation.losses, image);
            *image = optimizer.step(image.clone(), evaluation.gradient)?.clamp(0.0, 1.0);
            if self.observer.is_none() && index % STEPS_BETWEEN_READS != 0 {
                continue;
            }
            let losses = recorder.read()?;
            if let Some(observer) = &mut self.observer {
                let step = Step { index, steps: settings.steps, losses, elapsed: clock.elapsed(), image };
                if observer(&step).is_break() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Where the optimisation starts, at the working size.
    fn first_picture(
        &self,
        content: Option<&Image>,
        (width, height): (usize, usize),
        settings: &Settings,
    ) -> Result<Image, Error> {
        match (self.start.unwrap_or(Start::Noise), content) {
            (Start::Content, Some(content)) => Ok(content.clone()),
            (Start::Content, None) => {
                Err(Error::setting("start", "the content, and there is none", "noise or a picture"))
            }
            (Start::Noise, _) => start::noise(width, height, settings.seed),
            (Start::Image(image), _) => Ok(image.resized(width, height)?),
        }
    }
}

/// Every picture must leave something at the deepest layer it is compared at.
fn check_sizes(
    vgg: &Vgg,
    settings: &Settings,
    (width, height): (usize, usize),
    style: Option<&Image>,
) -> Result<(), Error> {
    let deepest_style = style.and_then(|_| settings.style_layers.iter().max());
    let content_layers = (settings.content_weight > 0.0).then_some(&settings.content_layers);
    let deepest = content_layers.into_iter().flatten().max().max(deepest_style);
    if let Some(&layer) = deepest {
        vgg.check_size(width, height, layer)?;
    }
    match (style, deepest_style) {
        (Some(style), Some(&layer)) => vgg.check_size(style.width(), style.height(), layer),
        _ => Ok(()),
    }
}

impl Targets {
    fn new(
        vgg: &Vgg,
        settings: &Settings,
        content: Option<&Image>,
        style: Option<&Image>,
    ) -> Result<Self, Error> {
        let mut objective = Objective::new();
        let mut targets = (Vec::new(), Vec::new());
        if let Some(content) = content.filter(|_| settings.content_weight > 0.0) {
            let layers = &settings.content_layers;
            let weight = settings.content_weight / layers.len() as f32;
            let maps = vgg.features(image_to_tensor(content, vgg.device()), layers)?;
            for (&layer, map) in layers.iter().zip(maps) {
                let loss = ContentLoss::new(map.clone(), settings.content_loss);
                objective = objective.with_content(layer, weight, loss);
                targets.0.push((layer, map));
            }
        }
        if let Some(style) = style {
            let layers = &settings.style_layers;
            let weight = settings.style_weight / layers.len() as f32;
            let taps = Taps::new().with_statistics(layers.iter().copied());
            let pass = vgg.forward(image_to_tensor(style, vgg.device()), &taps)?;
            for &layer in layers {
                let statistics = pass.statistics(layer)?.clone();
                targets.1.push((layer, statistics.gram.clone()));
                let loss = settings.style_loss.target(vec![(1.0, statistics.into())], settings.seed)?;
                objective = objective.with_style(layer, weight, loss);
            }
        }
        if settings.tv_weight > 0.0 {
            objective = objective.with_total_variation(settings.tv_weight, TotalVariation::MeanSquare);
        }
        Ok(Self { objective, content: targets.0, style: targets.1 })
    }

    fn metrics(&self, pass: &Pass) -> Result<Metrics, Error> {
        let doing = "measuring the result";
        let mut content_distance = Vec::new();
        for (layer, target) in &self.content {
            let distance = normalised_distance(pass.features(*layer)?.clone(), target.clone())?;
            content_distance.push((*layer, distance));
        }
        let mut style_distance = Vec::new();
        for (layer, target) in &self.style {
            let distance = normalised_distance(pass.statistics(*layer)?.gram.clone(), target.clone())?;
            style_distance.push((*layer, distance));
        }
        let to_numbers = |distances: Vec<(Layer, Tensor<1>)>| -> Result<Vec<LayerDistance>, Error> {
            let read_one = |(layer, distance)| {
                let distance = read(distance, doing)?.first().copied().unwrap_or(f32::NAN);
                Ok(LayerDistance { layer, distance })
            };
            distances.into_iter().map(read_one).collect()
        };
        Ok(Metrics {
            style_distance: to_numbers(style_distance)?,
            content_distance: to_numbers(content_distance)?,
        })
    }
}

/// Losses of every step: on the device until somebody asks, then numbers.
#[derive(Default)]
struct Recorder {
    pending: Vec<Tensor<1>>,
    history: Vec<Losses>,
    /// The picture at the newest of the pending losses.
    newest: Option<Tensor<4>>,
    /// The picture of least loss among those that were looked at, with its loss.
    best: Option<(f32, Tensor<4>)>,
}

impl Recorder {
    fn push(&mut self, losses: Tensor<1>, image: &Tensor<4>) {
        self.pending.push(losses);
        self.newest = Some(image.clone());
    }

    /// Reads what is pending and returns the newest losses; NaN ends the run.
    fn read(&mut self) -> Result<&Losses, Error> {
        let terms = self.pending.first().map_or(1, |losses| losses.dims()[0]);
        let pending = std::mem::take(&mut self.pending);
        let known = self.history.len();
        if !pending.is_empty() {
            let numbers = read(Tensor::cat(pending, 0), "reading the losses")?;
            self.history.extend(numbers.chunks(terms).map(|losses| Losses(losses.to_vec())));
        }
        let bad = self.history[known..].iter().position(|losses| !losses.total().is_finite());
        if let Some(index) = bad.map(|index| known + index) {
            let best = self.best.take().and_then(|(_, image)| tensor_to_image(image).ok()).map(Box::new);
            return Err(Error::Diverged { step: index + 1, loss: self.history[index].total(), best });
        }
        let Some(newest) = self.history.last() else {
            return Err(Error::Device { doing: "reading the losses", reason: "there are none".into() });
        };
        if self.best.as_ref().is_none_or(|(least, _)| newest.total() < *least) {
            self.best = self.newest.take().map(|image| (newest.total(), image));
        }
        Ok(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::tensor;

    #[test]
    fn a_loss_that_becomes_nan_ends_the_run_with_the_best_picture() {
        let mut recorder = Recorder::default();
        let device = burn::tensor::Device::flex();
        let pictures: Vec<Tensor<4>> = (0..3).map(|seed| tensor([1, 3, 2, 2], seed)).collect();
        for (picture, loss) in pictures.iter().zip([2.0, 1.0, 3.0]) {
            recorder.push(Tensor::from_floats([loss, 0.5], &device), picture);
            assert_eq!(recorder.read().unwrap().total(), loss + 0.5);
        }
        recorder.push(Tensor::from_floats([f32::NAN, 0.5], &device), &pictures[0]);
        let error = recorder.read().unwrap_err();
        assert_eq!(error.to_string(), "the loss is NaN at step 4: the optimisation diverged");
        let Error::Diverged { best: Some(best), .. } = error else { panic!("{error}") };
        assert_eq!(*best, tensor_to_image(pictures[1].clone()).unwrap());
    }
}
