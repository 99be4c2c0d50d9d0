//! Presets whose numbers belong to other weights than those that were loaded.

use style_transfer::{ModelDescription, PixelTransform, Preset, TunedOn};

/// What is said of a preset that was tuned on other weights: its weights of losses mean something else with these, as
/// features differ by their size.
pub(crate) fn warning(name: &str, preset: &Preset, weights: &ModelDescription) -> Option<String> {
    let torchvision = weights.input == PixelTransform::TorchRgb01;
    let (fits, tuned) = match preset.weights {
        TunedOn::Any => return None,
        TunedOn::Caffe => (!torchvision, "the original weights"),
        TunedOn::Torchvision => (torchvision, "torchvision's weights"),
        TunedOn::Normalised => (
            weights.source.to_lowercase().contains("normali"),
            "the original weights with every channel scaled to a mean of 1",
        ),
    };
    let here = if torchvision { "torchvision's" } else { "the original ones" };
    (!fits).then(|| {
        format!(
            "the preset {name} was tuned on {tuned}, and these are {here}: content and style may weigh otherwise"
        )
    })
}

#[cfg(test)]
mod tests {
    use style_transfer::{Device, VGG19, Vgg};

    use super::*;

    #[test]
    fn a_preset_of_other_weights_is_told_and_one_that_fits_is_not() {
        let vgg = Vgg::load(VGG19, &Device::flex()).unwrap();
        let bundled = vgg.describe();
        let torchvision = ModelDescription { input: PixelTransform::TorchRgb01, ..bundled.clone() };
        let told = |name: &str, info: &ModelDescription| warning(name, &Preset::named(name).unwrap(), info);
        for (name, at_bundled, at_torchvision) in [
            ("balanced", false, false),
            ("neural-style-pt", false, true),
            ("crowsonkb-w2", true, false),
            ("gatys-2016", true, true),
        ] {
            assert_eq!(told(name, &bundled).is_some(), at_bundled, "{name}");
            assert_eq!(told(name, &torchvision).is_some(), at_torchvision, "{name}");
        }
        let told = told("crowsonkb-w2", &bundled).unwrap();
        assert!(told.contains("tuned on torchvision's weights, and these are the original ones"), "{told}");
    }
}
