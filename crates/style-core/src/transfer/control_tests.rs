//! Several styles, regions, colours, style files and settings, on the real network.

use style_format::Layer::{Relu1_1, Relu2_1};
use style_image::Image;

use super::test_runs::{alike, first, mask, picture, run, settings};
use super::{Colour, Settings, Start, Style};
use crate::test_support::vgg;
use crate::{LineSearch, Optimizer, StyleFile, StyleForm};

#[test]
fn a_blend_of_one_style_with_itself_is_that_style() {
    let vgg = vgg(Relu2_1);
    let (one, other) = (picture(40, 40, 2), picture(40, 40, 3));
    let alone = first(&run(&vgg, settings(), &[Style::new(&one)]).unwrap());
    let twice = [Style::new(&one).weight(3.0), Style::new(&one).weight(1.0)];
    assert!(alike(&alone, &first(&run(&vgg, settings(), &twice).unwrap())));
    let without = [Style::new(&one), Style::new(&other).weight(0.0)];
    assert!(alike(&alone, &first(&run(&vgg, settings(), &without).unwrap())));
    let both = [Style::new(&one), Style::new(&other)];
    assert!(!alike(&alone, &first(&run(&vgg, settings(), &both).unwrap())));
    // One style for the shallow layer, the other for the deep one.
    let split = [Style::new(&one).layer_weights([1.0, 0.0]), Style::new(&other).layer_weights([0.0, 1.0])];
    let split = first(&run(&vgg, settings(), &split).unwrap());
    let deep = first(&run(&vgg, settings(), &[Style::new(&other)]).unwrap());
    // Each style has its weight at one layer of two: half of what it would have alone.
    assert!(alike(&[2.0 * split[1], 2.0 * split[2]], &[alone[1], deep[2]]), "{split:?} {alone:?} {deep:?}");
}

#[test]
fn a_mask_of_ones_changes_nothing() {
    let vgg = vgg(Relu2_1);
    let style = picture(40, 40, 2);
    let ones = mask(7, 5, |_, _| 1.0);
    let plain = run(&vgg, settings(), &[Style::new(&style)]).unwrap();
    let masked = run(&vgg, settings(), &[Style::new(&style).region(&ones).part(&ones)]).unwrap();
    assert!(alike(&first(&plain), &first(&masked)), "{:?} {:?}", first(&plain), first(&masked));
    let difference = |a: f32, b: f32| (a - b).abs() <= 2e-2;
    assert!(plain.image().pixels().iter().zip(masked.image().pixels()).all(|(a, b)| difference(*a, *b)));
}

#[test]
fn each_region_gets_its_own_style() {
    let vgg = vgg(Relu2_1);
    let flat = |colour: [f32; 3]| Image::new(32, 32, colour.repeat(32 * 32)).unwrap();
    let (red, blue) = (flat([0.9, 0.1, 0.1]), flat([0.1, 0.1, 0.9]));
    let left = mask(32, 24, |x, _| f32::from(u8::from(x < 16)));
    let right = left.inverted();
    let settings = Settings { steps: vec![30], content_weight: 0.0, tv_weight: 0.0, ..settings() };
    let styles = [Style::new(&red).region(&left), Style::new(&blue).region(&right)];
    let outcome = run(&vgg, settings, &styles).unwrap();
    let terms: Vec<String> = outcome.terms().iter().map(ToString::to_string).collect();
    assert_eq!(terms[0], "style relu1_1 of region 1");
    assert_eq!(outcome.metrics().style_distance[3].region, Some(2));
    let mean = |from: usize, channel: usize| {
        let pixels =
            outcome.image().pixels().chunks(3 * 32).flat_map(|row| row[3 * from..3 * from + 36].chunks(3));
        let values: Vec<f32> = pixels.map(|pixel| pixel[channel]).collect();
        values.iter().sum::<f32>() / values.len() as f32
    };
    assert!(mean(2, 0) > mean(2, 2) + 0.2, "red on the left: {} {}", mean(2, 0), mean(2, 2));
    assert!(mean(18, 2) > mean(18, 0) + 0.2, "blue on the right: {} {}", mean(18, 2), mean(18, 0));
}

#[test]
fn an_empty_mask_is_refused() {
    let vgg = vgg(Relu2_1);
    let (style, nothing) = (picture(40, 40, 2), mask(8, 8, |_, _| 0.0));
    let error = run(&vgg, settings(), &[Style::new(&style).region(&nothing)]).unwrap_err();
    assert_eq!(error.to_string(), "the mask leaves nothing of relu1_1, whose map is 32 x 24");
}

#[test]
fn luminance_alone_keeps_the_contents_colours() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(32, 24, 1), picture(40, 40, 2));
    let outcome =
        run(&vgg, Settings { colour: Colour::Luminance, ..settings() }, &[Style::new(&style)]).unwrap();
    let mut changed = 0;
    for (found, before) in outcome.image().pixels().chunks(3).zip(content.pixels().chunks(3)) {
        let inside = found.iter().all(|value| *value > 0.0 && *value < 1.0);
        let chroma = |pixel: &[f32]| [pixel[0] - pixel[1], pixel[1] - pixel[2]];
        let same = chroma(found).iter().zip(chroma(before)).all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(same || !inside, "{found:?} {before:?}");
        changed += usize::from((found[1] - before[1]).abs() > 0.01);
    }
    assert!(changed > 100, "{changed} pixels have another luminance");
}

#[test]
fn matched_styles_bring_the_contents_colours() {
    let vgg = vgg(Relu2_1);
    let style = Image::new(40, 40, [0.9, 0.2, 0.1].repeat(1600)).unwrap();
    let red = |colour| {
        let outcome =
            run(&vgg, Settings { colour, steps: vec![20], ..settings() }, &[Style::new(&style)]).unwrap();
        let pixels = outcome.image().pixels();
        pixels.iter().step_by(3).sum::<f32>() / pixels.len() as f32 * 3.0
    };
    let content = picture(32, 24, 1);
    let before = content.pixels().iter().step_by(3).sum::<f32>() / (32.0 * 24.0);
    let free = (red(Colour::Free) - before).abs();
    for colour in [Colour::Cholesky, Colour::Pca, Colour::Transport] {
        assert!((red(colour) - before).abs() < free / 2.0, "{colour:?}: {} {before} {free}", red(colour));
    }
}

#[test]
fn the_brush_has_its_own_size() {
    let style = picture(40, 20, 2);
    assert_eq!(Style::new(&style).extent(320), Some((320, 160)));
    assert_eq!(Style::new(&style).scale(0.5).extent(320), Some((160, 80)));
    assert_eq!(Style::new(&style).scale(2.0).extent(320), Some((640, 320)));
}

#[test]
fn a_style_file_stands_for_its_picture() {
    let vgg = vgg(Relu2_1);
    let style = picture(40, 32, 2);
    let settings = Settings { size: 64, smallest_scale: 30, ..settings() };
    let file = StyleFile::new(&vgg, &settings, &style).unwrap().with_about("patches");
    let bytes = file.to_bytes().unwrap();
    let read = StyleFile::parse(&bytes).unwrap();
    assert_eq!(read, file);
    assert_eq!(
        (read.about(), read.sizes(), read.layers()),
        ("patches", vec![32, 45, 64], vec![Relu1_1, Relu2_1])
    );
    let picture = run(&vgg, settings.clone(), &[Style::new(&style)]).unwrap();
    let without = run(&vgg, settings.clone(), &[Style::from_file(&read)]).unwrap();
    for (a, b) in picture.history().iter().zip(without.history()) {
        assert!((a.total() - b.total()).abs() <= 1e-3 * a.total(), "{a:?} {b:?}");
    }
    let refused =
        |settings: Settings| run(&vgg, settings, &[Style::from_file(&read)]).unwrap_err().to_string();
    let average = Settings { pooling: crate::Pooling::Average, ..settings.clone() };
    assert!(refused(average).starts_with("the style file belongs to the network"));
    let deeper = Settings { style_layers: vec![Relu1_1, style_format::Layer::Conv2_1], ..settings.clone() };
    assert_eq!(refused(deeper), "the style file has no conv2_1, it has relu1_1, relu2_1");
    let sliced = StyleForm::SlicedWasserstein { relative: true };
    let sliced = Settings { style_loss: sliced, optimizer: Optimizer::ADAM, ..settings.clone() };
    assert!(refused(sliced).contains("a style file holds statistics only"));
    assert!(refused(Settings { colour: Colour::Pca, ..settings }).starts_with("colour is"));
}

#[test]
fn a_style_file_that_is_none_is_refused() {
    let vgg = vgg(Relu2_1);
    let bytes = StyleFile::new(&vgg, &settings(), &picture(40, 32, 2)).unwrap().to_bytes().unwrap();
    let refuse = |bytes: &[u8]| StyleFile::parse(bytes).unwrap_err().to_string();
    assert!(refuse(b"").starts_with("the style file is unusable: it is no safetensors file"));
    assert!(refuse(&bytes[..bytes.len() - 1]).contains("no safetensors file"));
    assert!(refuse(style_weights::VGG19).contains("its format is \"style-transfer.vgg\""));
    let renamed = String::from_utf8_lossy(&bytes[..400]).replace("relu1_1.mean", "relu9_1.mean").into_bytes();
    let mut other = bytes.clone();
    other[8..400].copy_from_slice(&renamed[8..400]);
    let header_ok = refuse(&other);
    assert!(
        header_ok.contains("expected names such as") || header_ok.contains("no safetensors"),
        "{header_ok}"
    );
    // Any byte may be wrong: an error or another file, and no panic.
    for at in (0..bytes.len().min(2000)).step_by(7) {
        let mut broken = bytes.clone();
        broken[at] ^= 0x55;
        let _ = StyleFile::parse(&broken);
    }
}

#[test]
fn luminance_runs_on_grey_pictures_from_noise_too() {
    let vgg = vgg(Relu2_1);
    let (content, style) = (picture(32, 24, 1), picture(40, 40, 2));
    let settings = Settings { colour: Colour::Luminance, start: Some(Start::Noise), ..settings() };
    let outcome = run(&vgg, settings, &[Style::new(&style)]).unwrap();
    let chroma = |pixels: &[f32]| pixels[0] - pixels[1];
    for (found, before) in outcome.image().pixels().chunks(3).zip(content.pixels().chunks(3)) {
        let inside = found.iter().all(|value| *value > 0.0 && *value < 1.0);
        assert!(!inside || (chroma(found) - chroma(before)).abs() < 1e-3);
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let vgg = vgg(Relu2_1);
    let style = picture(40, 40, 2);
    let style_loss = StyleForm::SlicedWasserstein { relative: true };
    let error = run(&vgg, Settings { style_loss, ..settings() }, &[Style::new(&style)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "optimizer is lbfgs with the sliced Wasserstein distance, allowed is adam: the distance looks along new \
         directions every step"
    );
    let seed = Settings { seed: u64::MAX, ..settings() };
    assert!(run(&vgg, seed, &[Style::new(&style)]).unwrap_err().to_string().starts_with("seed is"));
}

#[test]
fn a_part_of_a_setting_can_be_changed_alone() {
    let settings = Settings::default().with_toml("optimizer.history = 5").unwrap();
    assert_eq!(
        settings.optimizer,
        Optimizer::Lbfgs { learning_rate: 1.0, history: 5, line_search: LineSearch::None }
    );
    let settings = settings.with_toml("optimizer = { name = 'adam', epsilon = 0.5 }").unwrap();
    assert_eq!(
        settings.optimizer,
        Optimizer::Adam { learning_rate: 0.03, beta_1: 0.9, beta_2: 0.99, epsilon: 0.5 }
    );
    let sliced = settings.with_toml("style_loss.name = 'sliced-wasserstein'").unwrap();
    assert_eq!(sliced.style_loss, StyleForm::SlicedWasserstein { relative: true });
}

#[test]
fn a_part_that_no_setting_has_is_refused_by_its_name() {
    for (toml, name) in [
        ("style_loss.sclae = 'sum'", "sclae"),
        ("style_loss = { name = 'wasserstein', scale = 'relative' }", "scale"),
        ("optimizer.foo = 1", "foo"),
        ("tv_form.foo = 1", "foo"),
        ("stlye_loss.name = 'gram'", "stlye_loss"),
    ] {
        let error = Settings::default().with_toml(toml).unwrap_err().to_string();
        assert!(error.contains(name), "{toml}: {error}");
    }
}
