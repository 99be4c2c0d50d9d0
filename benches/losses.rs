//! Every loss with its derivative, as a step computes them: from maps, statistics or pixels that are there already.
//!
//! * `content-loss`: one map of `relu4_2`.
//! * `style-loss`: five layers. Three of the losses look at statistics, which are as large for a picture of any
//!   size; the sliced Wasserstein distance looks at the maps, and draws new directions for every step.
//! * `total-variation`: the picture.
//!
//! Throughput counts the pixels of the picture.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot run has no figure to give")]

mod common;

use std::sync::Arc;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use style_transfer::{ContentForm, ContentLoss, GramScale, Seen, StyleForm, StyleLoss, TotalVariation, Vgg};

use common::Subject;

const CONTENT_FORMS: [(&str, ContentForm); 2] =
    [("relative", ContentForm::Relative), ("scaled", ContentForm::Scaled)];

const STATISTICS_FORMS: [(&str, StyleForm); 3] = [
    ("gram", StyleForm::Gram { scale: GramScale::Relative }),
    ("mean-variance", StyleForm::MeanVariance { relative: true }),
    ("wasserstein", StyleForm::Wasserstein { relative: true }),
];

const VARIATIONS: [(&str, TotalVariation); 5] = [
    ("sum-absolute", TotalVariation::SumAbsolute),
    ("mean-absolute", TotalVariation::MeanAbsolute),
    ("mean-square", TotalVariation::MeanSquare),
    ("power-1.5", TotalVariation::Power(1.5)),
    ("nine-point", TotalVariation::NinePoint),
];

/// Side of the pictures whose statistics are compared, px.
const ANY_SIZE: usize = 128;

/// The largest side at which sorting every channel of every map is worth waiting for, px.
const LARGEST_SORTED: usize = 512;

fn main() {
    let mut criterion = common::criterion();
    let subjects = common::subjects();
    content(&mut criterion, &subjects);
    style(&mut criterion, &subjects);
    total_variation(&mut criterion, &subjects);
    criterion.final_summary();
}

fn content(criterion: &mut Criterion, subjects: &[Subject]) {
    let mut group = criterion.benchmark_group("content-loss");
    for (size, subject) in common::cases(subjects) {
        group.throughput(Throughput::Elements((size * size) as u64));
        for (form_name, form) in CONTENT_FORMS {
            group.bench_function(
                BenchmarkId::new(&subject.name, format!("{form_name} {size} px")),
                |bencher| {
                    let map = |seed| common::noise([1, 512, size / 8, size / 8], seed, subject.vgg.device());
                    let (loss, map) = (ContentLoss::new(map(1), form), map(2));
                    bencher.iter(|| {
                        let found = loss.evaluate(map.clone(), 1.0).expect("a loss");
                        common::wait(subject.vgg.device());
                        found
                    });
                },
            );
        }
    }
    group.finish();
}

fn style(criterion: &mut Criterion, subjects: &[Subject]) {
    let mut group = criterion.benchmark_group("style-loss");
    for subject in subjects {
        for (form_name, form) in STATISTICS_FORMS {
            five_layers(&mut group, subject, form_name, form, ANY_SIZE);
        }
    }
    for (size, subject) in common::cases(subjects).filter(|(size, _)| *size <= LARGEST_SORTED) {
        group.throughput(Throughput::Elements((size * size) as u64));
        let form = StyleForm::SlicedWasserstein { relative: true };
        five_layers(&mut group, subject, &format!("sliced-wasserstein {size} px"), form, size);
    }
    group.finish();
}

/// The losses of five layers with what they are derived by, one step after the other.
fn five_layers(
    group: &mut BenchmarkGroup<'_, WallTime>,
    subject: &Subject,
    row: &str,
    form: StyleForm,
    size: usize,
) {
    group.bench_function(BenchmarkId::new(&subject.name, row), |bencher| {
        let losses = seen(&subject.vgg, form, size, 1)
            .into_iter()
            .map(|seen| form.target(vec![(1.0, seen)], 1).expect("a target"));
        let losses: Vec<Arc<dyn StyleLoss>> = losses.collect();
        let layers = seen(&subject.vgg, form, size, 2);
        let mut step = 0;
        bencher.iter(|| {
            step += 1;
            let found: Vec<_> = losses
                .iter()
                .zip(&layers)
                .map(|(loss, seen)| {
                    loss.begin_step(step);
                    loss.evaluate(seen.clone(), 1.0).expect("a loss")
                })
                .collect();
            common::wait(subject.vgg.device());
            found
        });
    });
}

/// What a loss of this form sees of a picture of noise, at every layer.
fn seen(vgg: &Vgg, form: StyleForm, size: usize, seed: u32) -> Vec<Seen> {
    if form.needs_features() {
        return common::maps(vgg, size, seed).expect("maps").into_iter().map(Seen::from).collect();
    }
    let pass = vgg.forward(common::picture(vgg, size, seed), &common::taps()).expect("a forward pass");
    let statistics = |layer| pass.statistics(layer).expect("a tapped layer").clone().into();
    common::STYLE.into_iter().map(statistics).collect()
}

fn total_variation(criterion: &mut Criterion, subjects: &[Subject]) {
    let mut group = criterion.benchmark_group("total-variation");
    for (size, subject) in common::cases(subjects) {
        group.throughput(Throughput::Elements((size * size) as u64));
        for (form_name, form) in VARIATIONS {
            group.bench_function(
                BenchmarkId::new(&subject.name, format!("{form_name} {size} px")),
                |bencher| {
                    let image = common::picture(&subject.vgg, size, 1);
                    bencher.iter(|| {
                        let found = form.evaluate(image.clone(), 1.0);
                        common::wait(subject.vgg.device());
                        found
                    });
                },
            );
        }
    }
    group.finish();
}
