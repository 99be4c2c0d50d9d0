//! Statistics of a style that were computed before.

use style_format::Layer::Relu2_1;

use super::test_runs::{picture, run, settings};
use super::{Colour, Outcome, Settings, Style};
use crate::test_support::vgg;
use crate::{StyleFile, StyleForm, Vgg};

fn same(vgg: &Vgg, settings: &Settings, style: &Style<'_>, known: &StyleFile) {
    let run = |style: Style<'_>| run(vgg, settings.clone(), &[style]).unwrap();
    let (looked, knew): (Outcome, Outcome) = (run(style.clone()), run(style.clone().statistics(known)));
    assert_eq!(looked.history(), knew.history(), "{settings:?}");
    assert_eq!(looked.image(), knew.image(), "{settings:?}");
    assert_eq!(looked.metrics(), knew.metrics(), "{settings:?}");
}

#[test]
fn a_run_that_knows_the_statistics_of_its_style_makes_the_same_picture_to_the_bit() {
    let vgg = vgg(Relu2_1);
    let style = picture(40, 32, 2);
    let settings = Settings { size: 64, smallest_scale: 30, ..settings() };
    for style in [Style::new(&style), Style::new(&style).scale(0.7)] {
        let known = StyleFile::new(&vgg, &settings, style.clone()).unwrap();
        same(&vgg, &settings, &style, &known);
        let wasserstein = StyleForm::Wasserstein { relative: true };
        same(&vgg, &Settings { style_loss: wasserstein, ..settings.clone() }, &style, &known);
    }
}

#[test]
fn statistics_that_cannot_serve_are_passed_over() {
    let vgg = vgg(Relu2_1);
    let style = picture(40, 32, 2);
    let at_32 = settings();
    let known = StyleFile::new(&vgg, &at_32, &style).unwrap();
    let style = Style::new(&style);
    for other in [
        Settings { size: 48, ..at_32.clone() },
        Settings { colour: Colour::Pca, ..at_32.clone() },
        Settings { colour: Colour::Luminance, ..at_32.clone() },
        Settings { pooling: crate::Pooling::Average, ..at_32.clone() },
    ] {
        same(&vgg, &other, &style, &known);
    }
    // They are what is used where they serve: those of another picture make another result.
    let other = picture(40, 32, 7);
    let wrong = StyleFile::new(&vgg, &at_32, &other).unwrap();
    let of = |style: Style<'_>| run(&vgg, at_32.clone(), &[style]).unwrap().into_image();
    assert_eq!(of(style.statistics(&wrong)), of(Style::new(&other)));
}
