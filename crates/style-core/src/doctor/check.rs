//! One comparison, and how far it may be off.

use std::fmt;

use serde::Serialize;

use super::measure::decibels;

/// What is compared. In the order in which a diagnosis has them, from the single layer to the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CheckKind {
    /// The map after a layer's ReLU, as a pass of the device gives it, against what the reference makes of the device's
    /// own map one layer before: errors do not add up, and the first wrong layer is the one that is wrong.
    Layer,
    /// A layer's Gram matrix against the reference's of the device's own map.
    Gram,
    /// The map of the deepest layer against the reference's, both from the picture: errors add up.
    Network,
    /// A loss's value, and its derivative with respect to what it looks at, of the same maps or statistics on both.
    Loss,
    /// The gradient of `1/2 |F|^2` with respect to the pixels, `F` the map of a layer: the way back from this layer. Without
    /// the worst 1 % of the positions.
    Gradient,
    /// All losses and the gradient of the pixels that one step of a run computes. Without the worst 1 % of the positions.
    Step,
    /// The loss over a run of 20 steps of Adam: the largest relative difference.
    Curve,
    /// The picture after these steps: the root of the mean squared difference of pixels in `[0, 1]`.
    Picture,
}

impl CheckKind {
    /// The largest error that passes on a device whose layers are as exact as that. Relative (`|found - expected| /
    /// |expected|`, norms over all values), but for [`CheckKind::Picture`]; `docs/devices.md` has the measurements behind
    /// the numbers.
    #[must_use]
    pub const fn tolerance(self, precision: Precision) -> f64 {
        let (float32, reduced) = match self {
            // TF32 that cuts digits off instead of rounding has 8e-4; weights that are 1 % off have 4e-3 at the first layer.
            Self::Layer | Self::Gram => (1e-3, 1e-3),
            Self::Network => (1e-4, 2e-2),
            Self::Loss | Self::Gradient | Self::Step => (1e-3, 4e-2),
            // The first steps of Adam go by the signs of gradients, small ones too: a run makes more of a difference.
            Self::Curve => (1e-2, 4e-2),
            // 35 dB and 25 dB
            Self::Picture => (0.0178, 0.0562),
        };
        match precision {
            Precision::Float32 => float32,
            Precision::Reduced => reduced,
        }
    }
}

/// How exact a device's layers are: what comes after them cannot be more so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As float32: every layer within `3e-5`. Summed one by one it is some `1e-7`, with Winograd's transforms up to `1e-5`.
    Float32,
    /// Less: as matrix units compute that round what they multiply to TF32 or half precision, which have 10 bits for float32's
    /// 23. It starts at `1e-4`.
    Reduced,
}

impl Precision {
    /// Beyond this error a layer was not computed in float32.
    const LIMIT: f64 = 3e-5;

    /// From the checks of the layers.
    pub(super) fn of(checks: &[Check]) -> Self {
        let exact = |check: &Check| check.kind != CheckKind::Layer || check.error <= Self::LIMIT;
        if checks.iter().all(exact) { Self::Float32 } else { Self::Reduced }
    }
}

/// One comparison of a device with the reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The layer, the loss, or what else it is about.
    pub name: String,
    /// What was compared.
    pub kind: CheckKind,
    /// How far the device is off; NaN (`null` in JSON) where one of its values is not finite.
    pub error: f64,
    /// The largest error that passes, see [`CheckKind::tolerance`].
    pub tolerance: f64,
    /// Seconds on the device, kernels compiled and the device waited for; `None` where nothing is timed.
    pub seconds: Option<f64>,
    /// Seconds of the reference for the same.
    pub reference_seconds: Option<f64>,
}

impl Check {
    pub(super) fn new(kind: CheckKind, name: impl ToString, error: f64, precision: Precision) -> Self {
        let (name, tolerance) = (name.to_string(), kind.tolerance(precision));
        Self { name, kind, error, tolerance, seconds: None, reference_seconds: None }
    }

    pub(super) fn timed(
        self,
        seconds: impl Into<Option<f64>>,
        reference_seconds: impl Into<Option<f64>>,
    ) -> Self {
        Self { seconds: seconds.into(), reference_seconds: reference_seconds.into(), ..self }
    }

    /// Whether the error is within the tolerance.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance // false for NaN
    }

    /// How far it is off, with what is allowed, in words.
    pub(super) fn excess(&self) -> String {
        if !self.error.is_finite() {
            return "is not finite".into();
        }
        if self.kind == CheckKind::Picture {
            let (found, allowed) = (decibels(self.error), decibels(self.tolerance));
            return format!("is {found:.1} dB away where {allowed:.0} dB are needed");
        }
        format!("differs by {} where {} is allowed", percent(self.error), percent(self.tolerance))
    }
}

impl fmt::Display for Check {
    /// What was compared, without the result.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            CheckKind::Layer => write!(f, "layer {name}"),
            CheckKind::Gram => write!(f, "Gram matrix of {name}"),
            CheckKind::Network => write!(f, "picture to {name}"),
            CheckKind::Loss => write!(f, "loss: {name}"),
            CheckKind::Gradient => write!(f, "way back from {name}"),
            CheckKind::Step | CheckKind::Curve | CheckKind::Picture => f.write_str(name),
        }
    }
}

/// A share with two digits that count.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        _ if percent >= 10.0 => format!("{percent:.0} %"),
        _ if percent >= 1.0 => format!("{percent:.1} %"),
        _ => format!("{percent:.2} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: CheckKind, error: f64) -> Check {
        Check::new(kind, "relu1_1", error, Precision::Float32)
    }

    #[test]
    fn nan_never_passes() {
        assert!(!check(CheckKind::Layer, f64::NAN).passed());
        assert_eq!(check(CheckKind::Layer, f64::NAN).excess(), "is not finite");
        assert!(check(CheckKind::Layer, 1e-3).passed());
        assert!(!check(CheckKind::Layer, 1.1e-3).passed());
    }

    #[test]
    fn excess_is_told_as_people_say_it() {
        let excess = |kind, error| check(kind, error).excess();
        assert_eq!(excess(CheckKind::Layer, 0.04), "differs by 4.0 % where 0.10 % is allowed");
        assert_eq!(excess(CheckKind::Layer, 0.4), "differs by 40 % where 0.10 % is allowed");
        assert_eq!(excess(CheckKind::Picture, 0.1), "is 20.0 dB away where 35 dB are needed");
    }

    #[test]
    fn the_worst_layer_says_how_exact_a_device_is() {
        let layers = |errors: [f64; 2]| Precision::of(&errors.map(|error| check(CheckKind::Layer, error)));
        assert_eq!(layers([1e-6, 3e-6]), Precision::Float32);
        assert_eq!(layers([1e-6, 2e-4]), Precision::Reduced);
        assert_eq!(layers([1e-6, f64::NAN]), Precision::Reduced);
        assert_eq!(Precision::of(&[check(CheckKind::Gradient, 1e-3)]), Precision::Float32);
    }
}
