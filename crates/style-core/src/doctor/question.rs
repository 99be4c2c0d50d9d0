//! What reference and device are asked alike.

use std::fmt;

use burn::tensor::Tensor;
use style_format::Layer;

use super::case::{self, Case, Look};
use super::check::{Check, CheckKind, Precision};
use super::measure::{relative_error, trimmed_error, worst};
use super::timing::fastest;
use crate::convert::read;
use crate::loss::{Seen, Slope};
use crate::vgg::Derivatives;
use crate::{ContentLoss, Error, GramScale, Statistics, StyleForm, StyleLoss, Taps, Vgg};

/// One question.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question {
    Network(Layer),
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
        let mut all: Vec<Self> = case.layers.last().copied().map(Self::Network).into_iter().collect();
        all.push(Self::Content);
        all.extend(STYLES.map(|(name, form)| Self::Style(name, form)));
        all.push(Self::TotalVariation);
        all.extend(case.layers.iter().copied().map(Self::Gradient));
        all.push(Self::Step);
        all
    }

    pub(super) fn ask(self, case: &Case, vgg: &Vgg) -> Result<Answer, Error> {
        match self {
            Self::Network(layer) => network(case, vgg, layer),
            Self::Content => content(case, vgg),
            Self::Style(_, form) => style(case, vgg, form),
            Self::TotalVariation => {
                let picture = case.picture(vgg.device());
                answer(vgg, || {
                    let (loss, gradient) = case.settings.tv_form.evaluate(picture.clone(), 1.0);
                    Ok(Raw { losses: vec![loss], maps: vec![gradient] })
                })
            }
            Self::Gradient(layer) => gradient(case, vgg, layer),
            Self::Step => {
                let (objective, picture) = (case.objective(vgg)?, case.picture(vgg.device()));
                answer(vgg, || {
                    let found = objective.evaluate(vgg, picture.clone())?;
                    Ok(Raw { losses: vec![found.losses], maps: vec![found.gradient] })
                })
            }
        }
    }

    /// The comparison of a device's answer with the reference's.
    pub(super) fn check(self, found: &Answer, expected: &Answer, precision: Precision) -> Check {
        let error = match self.kind() {
            CheckKind::Gradient | CheckKind::Step => trimmed_error,
            _ => relative_error,
        };
        let parts = found.parts.iter().zip(&expected.parts).map(|(found, expected)| error(found, expected));
        let error = if found.parts.len() == expected.parts.len() { worst(parts) } else { f64::NAN };
        let check = Check::new(self.kind(), self.name(), error, precision);
        let tolerance = self.tolerance().unwrap_or(check.tolerance);
        Check { tolerance, ..check }.timed(found.seconds, expected.seconds)
    }

    /// What is allowed, where it is not as for all of its kind.
    const fn tolerance(self) -> Option<f64> {
        match self {
            // Its roots depend on variances that are rounding errors themselves: a change of the Gram matrix by 1e-7 moves
            // the derivative by 1e-4 to 4e-3, ndarray is 1.3e-2 from flex. TF32 is off by 3 to 30 %.
            Self::Style(_, StyleForm::Wasserstein { .. }) => Some(4e-2),
            _ => None,
        }
    }

    const fn kind(self) -> CheckKind {
        match self {
            Self::Network(_) => CheckKind::Network,
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
            Self::Network(layer) | Self::Gradient(layer) => layer.to_string(),
            Self::Step => "gradient of one step".into(),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Check::new(self.kind(), self.name(), 0.0, Precision::Float32).fmt(f)
    }
}

/// An answer on the device.
#[derive(Default)]
struct Raw {
    losses: Vec<Tensor<1>>,
    maps: Vec<Tensor<4>>,
}

impl Raw {
    fn read(self) -> Result<Vec<Vec<f32>>, Error> {
        let losses = self.losses.into_iter().map(|loss| read(loss, "reading a loss"));
        losses.chain(self.maps.into_iter().map(|map| read(map, "reading a derivative"))).collect()
    }
}

/// Reads the answer first, which compiles the kernels, and takes the time after that.
fn answer(vgg: &Vgg, work: impl Fn() -> Result<Raw, Error>) -> Result<Answer, Error> {
    let parts = work()?.read()?;
    let seconds = fastest(vgg, || work().map(drop))?;
    Ok(Answer { parts, seconds })
}

fn network(case: &Case, vgg: &Vgg, layer: Layer) -> Result<Answer, Error> {
    let (picture, taps) = (case.picture(vgg.device()), Taps::new().with_features([layer]));
    answer(vgg, || {
        let pass = vgg.forward(picture.clone(), &taps)?;
        Ok(Raw { maps: vec![pass.features(layer)?.clone()], ..Raw::default() })
    })
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

/// Derivatives are compared where they act, at the map: those of statistics are large in directions that no position
/// has, and nothing but rounding there.
fn style(case: &Case, vgg: &Vgg, form: StyleForm) -> Result<Answer, Error> {
    let device = vgg.device();
    let see = |seen: &case::Seen| {
        if form.needs_features() {
            Seen::Features(seen.map(device))
        } else {
            Seen::Statistics(seen.statistics(device))
        }
    };
    let layers = &case.settings.style_layers;
    // Roots of larger matrices are the same operations, and take minutes on a GPU made of software.
    let most = if matches!(form, StyleForm::Wasserstein { .. }) { 256 } else { usize::MAX };
    let looks =
        case.looks.iter().filter(|look| layers.contains(&look.layer) && look.style.channels() <= most);
    let loss = |(index, look): (usize, &Look)| {
        let loss = form.target(vec![(1.0, see(&look.style))], index as u64)?;
        Ok((loss, see(&look.picture), look.picture.map(device)))
    };
    let losses = looks.enumerate().map(loss).collect::<Result<Vec<_>, Error>>()?;
    answer(vgg, || {
        let mut raw = Raw::default();
        for (loss, seen, map) in &losses {
            let (value, Slope { mean, gram, features }) = loss.evaluate(seen.clone(), 1.0)?;
            raw.losses.push(value);
            raw.maps.extend(features.or_else(|| Statistics::backward(map.clone(), gram, mean)));
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
