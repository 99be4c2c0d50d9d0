//! What reference and device are asked alike.

use std::fmt;

use burn::tensor::{Device, Tensor};
use style_format::Layer;

use super::case::{Case, Look};
use super::check::{Check, CheckKind};
use super::measure::{relative_error, trimmed_error, worst};
use super::timing::fastest;
use crate::convert::read;
use crate::loss::{Seen, Slope};
use crate::vgg::Derivatives;
use crate::{ContentLoss, Error, GramScale, StyleForm, StyleLoss, Taps, Vgg};

/// One question.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question {
    Content,
    Style(&'static str, StyleForm),
    TotalVariation,
    Gradient(Layer),
    Step,
}

/// Its answer: vectors that are compared each for itself, and the seconds it took.
#[derive(Debug)]
pub(super) struct Answer {
    parts: Vec<Vec<f32>>,
    seconds: f64,
}

const STYLES: [(&str, StyleForm); 4] = [
    ("Gram", StyleForm::Gram { scale: GramScale::Relative }),
    ("mean and variance", StyleForm::MeanVariance { relative: false }),
    ("Wasserstein", StyleForm::Wasserstein { relative: false }),
    ("sliced Wasserstein", StyleForm::SlicedWasserstein { relative: false }),
];

impl Question {
    /// All questions, the simple ones first.
    pub(super) fn all(case: &Case) -> Vec<Self> {
        let styles = STYLES.into_iter().map(|(name, form)| Self::Style(name, form));
        let ways_back = case.layers.iter().map(|&layer| Self::Gradient(layer));
        [Self::Content]
            .into_iter()
            .chain(styles)
            .chain([Self::TotalVariation])
            .chain(ways_back)
            .chain([Self::Step])
            .collect()
    }

    pub(super) fn ask(self, case: &Case, vgg: &Vgg) -> Result<Answer, Error> {
        match self {
            Self::Content => content(case, vgg),
            Self::Style(_, form) => style(case, vgg, form),
            Self::TotalVariation => {
                let picture = case.picture(vgg.device());
                answer(vgg, || {
                    let (loss, gradient) = case.settings.tv_form.evaluate(picture.clone(), 1.0);
                    Ok(Raw { losses: vec![loss], maps: vec![gradient], ..Raw::default() })
                })
            }
            Self::Gradient(layer) => gradient(case, vgg, layer),
            Self::Step => {
                let (objective, picture) = (case.objective(vgg)?, case.picture(vgg.device()));
                answer(vgg, || {
                    let found = objective.evaluate(vgg, picture.clone())?;
                    Ok(Raw { losses: vec![found.losses], maps: vec![found.gradient], ..Raw::default() })
                })
            }
        }
    }

    /// The comparison of a device's answer with the reference's.
    pub(super) fn check(self, found: &Answer, expected: &Answer) -> Check {
        let error = match self.kind() {
            CheckKind::Gradient | CheckKind::Step => trimmed_error,
            _ => relative_error,
        };
        let parts = found.parts.iter().zip(&expected.parts).map(|(found, expected)| error(found, expected));
        let error = if found.parts.len() == expected.parts.len() { worst(parts) } else { f64::NAN };
        Check::new(self.kind(), self.name(), error).timed(found.seconds, expected.seconds)
    }

    const fn kind(self) -> CheckKind {
        match self {
            Self::Content | Self::Style(..) | Self::TotalVariation => CheckKind::Loss,
            Self::Gradient(_) => CheckKind::Gradient,
            Self::Step => CheckKind::Step,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Content => "content".into(),
            Self::Style(name, _) => name.into(),
            Self::TotalVariation => "total variation".into(),
            Self::Gradient(layer) => layer.to_string(),
            Self::Step => "gradient of one step".into(),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Check::new(self.kind(), self.name(), 0.0).fmt(f)
    }
}

/// An answer on the device.
#[derive(Default)]
struct Raw {
    losses: Vec<Tensor<1>>,
    means: Vec<Tensor<2>>,
    grams: Vec<Tensor<3>>,
    maps: Vec<Tensor<4>>,
}

impl Raw {
    fn read(self) -> Result<Vec<Vec<f32>>, Error> {
        let doing = "reading its answer";
        let mut parts = Vec::new();
        for loss in self.losses {
            parts.push(read(loss, doing)?);
        }
        for mean in self.means {
            parts.push(read(mean, doing)?);
        }
        for gram in self.grams {
            parts.push(read(gram, doing)?);
        }
        for map in self.maps {
            parts.push(read(map, doing)?);
        }
        Ok(parts)
    }
}

/// Reads the answer first, which compiles the kernels, and takes the time after that.
fn answer(vgg: &Vgg, work: impl Fn() -> Result<Raw, Error>) -> Result<Answer, Error> {
    let parts = work()?.read()?;
    let seconds = fastest(vgg, || work().map(drop))?;
    Ok(Answer { parts, seconds })
}

fn content(case: &Case, vgg: &Vgg) -> Result<Answer, Error> {
    let layers = &case.settings.content_layers;
    let looks = case.looks.iter().filter(|look| layers.contains(&look.layer));
    let losses: Vec<_> = looks
        .map(|look| {
            let loss = ContentLoss::new(look.content.map(vgg.device()), case.settings.content_loss);
            (loss, look.picture.map(vgg.device()))
        })
        .collect();
    answer(vgg, || {
        let mut raw = Raw::default();
        for (loss, map) in &losses {
            let (value, slope) = loss.evaluate(map.clone(), 1.0)?;
            raw.losses.push(value);
            raw.maps.push(slope);
        }
        Ok(raw)
    })
}

fn style(case: &Case, vgg: &Vgg, form: StyleForm) -> Result<Answer, Error> {
    let see = |seen: &super::case::Seen, device: &Device| match form.needs_features() {
        true => Seen::Features(seen.map(device)),
        false => Seen::Statistics(seen.statistics(device)),
    };
    let layers = &case.settings.style_layers;
    let target = |(index, look): (usize, &Look)| {
        let style = see(&look.style, vgg.device());
        Ok((form.target(vec![(1.0, style)], index as u64)?, see(&look.picture, vgg.device())))
    };
    let looks = case.looks.iter().filter(|look| layers.contains(&look.layer)).enumerate();
    let losses = looks.map(target).collect::<Result<Vec<_>, Error>>()?;
    answer(vgg, || {
        let mut raw = Raw::default();
        for (loss, seen) in &losses {
            let (value, Slope { mean, gram, features }) = loss.evaluate(seen.clone(), 1.0)?;
            raw.losses.push(value);
            raw.means.extend(mean);
            raw.grams.extend(gram);
            raw.maps.extend(features);
        }
        Ok(raw)
    })
}

/// The gradient of `1/2 |F|^2`, whose derivative with respect to the map `F` is the map.
fn gradient(case: &Case, vgg: &Vgg, layer: Layer) -> Result<Answer, Error> {
    let (picture, taps) = (case.picture(vgg.device()), Taps::new().with_features([layer]));
    answer(vgg, || {
        let pass = vgg.forward(picture.clone(), &taps)?;
        let mut derivatives = Derivatives::new();
        derivatives.add_features(layer, pass.features(layer)?.clone());
        let gradient = pass.backward(derivatives)?;
        Ok(Raw { maps: gradient.into_iter().collect(), ..Raw::default() })
    })
}
