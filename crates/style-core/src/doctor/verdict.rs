//! What a user reads.

use std::fmt;

use serde::Serialize;

use super::check::{Check, CheckKind};

/// Layers beyond this are rounded to less than float32. Worst measured of float32 is 1e-5 (Winograd's transforms); TF32
/// begins at 1e-4.
const FLOAT32: f64 = 3e-5;

/// Whether a device computes what the reference does. Its `Display` is a sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// Every check passed.
    Healthy {
        /// The largest relative error of all layers, Gram matrices and losses.
        error: f64,
        /// Whether the layers have fewer digits than float32 gives, as TF32 of tensor cores.
        reduced_precision: bool,
    },
    /// The device answers, and wrongly.
    Wrong {
        /// The first check that failed.
        first: Check,
        /// How many failed.
        failed: usize,
        /// Of how many.
        of: usize,
    },
    /// The device does not answer.
    Failed {
        /// What it was asked for.
        doing: String,
        /// What the backend says.
        reason: String,
    },
}

impl Verdict {
    /// From checks that were all made.
    pub(super) fn of(checks: &[Check]) -> Self {
        let mut wrong = checks.iter().filter(|check| !check.passed());
        if let Some(first) = wrong.next() {
            return Self::Wrong { first: first.clone(), failed: 1 + wrong.count(), of: checks.len() };
        }
        let largest = |up_to: CheckKind| {
            checks.iter().filter(|check| check.kind <= up_to).map(|check| check.error).fold(0.0, f64::max)
        };
        Self::Healthy {
            error: largest(CheckKind::Loss),
            reduced_precision: largest(CheckKind::Layer) > FLOAT32,
        }
    }

    /// Whether pictures of the device can be trusted.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        matches!(self, Self::Healthy { .. })
    }

    /// The next thing to do.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Healthy { .. } => "use it",
            Self::Wrong { .. } => {
                "do not trust pictures of this device: try another one (cpu always works), a newer driver, or a build \
                 without the features fusion and autotune"
            }
            Self::Failed { .. } => {
                "try a smaller picture, a newer driver, or another device (cpu always works)"
            }
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy { error, reduced_precision } => {
                write!(f, "healthy: every layer and loss agrees with the reference within {error:.0e}")?;
                if *reduced_precision {
                    f.write_str("; it rounds to fewer digits than float32 has, as tensor cores do (TF32)")?;
                }
                Ok(())
            }
            Self::Wrong { first, failed, of } => {
                let (name, excess) = (&first.name, first.excess());
                match first.kind {
                    CheckKind::Layer => write!(f, "wrong from {name} on: its map {excess}")?,
                    CheckKind::Gram => write!(f, "wrong statistics: the Gram matrix of {name} {excess}")?,
                    CheckKind::Network => {
                        write!(f, "wrong in the sum of small errors: the map of {name} {excess}")?;
                    }
                    CheckKind::Loss => write!(f, "wrong losses: {name}, or its derivative, {excess}")?,
                    CheckKind::Gradient => {
                        write!(f, "wrong on the way back from {name}: the gradient of the pixels {excess}")?;
                    }
                    CheckKind::Step => write!(f, "wrong steps: the {name} {excess}")?,
                    CheckKind::Curve | CheckKind::Picture => write!(f, "wrong runs: the {name} {excess}")?,
                }
                write!(f, "; {failed} of {of} checks failed; {}", self.help())
            }
            Self::Failed { doing, reason } => {
                write!(f, "failed at the {doing}: {}; {}", reason.trim_end(), self.help())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: CheckKind, name: &str, error: f64) -> Check {
        Check::new(kind, name, error)
    }

    #[test]
    fn the_first_wrong_layer_is_named() {
        let checks = [
            check(CheckKind::Layer, "relu2_2", 1e-6),
            check(CheckKind::Layer, "relu3_1", 0.04),
            check(CheckKind::Layer, "relu3_2", f64::NAN),
        ];
        let verdict = Verdict::of(&checks);
        assert!(!verdict.is_healthy());
        assert_eq!(
            verdict.to_string(),
            "wrong from relu3_1 on: its map differs by 4.0 % where 0.10 % is allowed; 2 of 3 checks failed; do not trust \
             pictures of this device: try another one (cpu always works), a newer driver, or a build without the \
             features fusion and autotune"
        );
    }

    #[test]
    fn a_healthy_device_that_rounds_like_tensor_cores_is_told_so() {
        let exact = [check(CheckKind::Layer, "relu1_1", 4e-7), check(CheckKind::Gradient, "relu1_1", 5e-3)];
        assert_eq!(
            Verdict::of(&exact).to_string(),
            "healthy: every layer and loss agrees with the reference within 4e-7"
        );
        let rough = [check(CheckKind::Layer, "relu1_1", 3e-4)];
        assert_eq!(Verdict::of(&rough), Verdict::Healthy { error: 3e-4, reduced_precision: true });
        assert!(Verdict::of(&rough).to_string().ends_with("as tensor cores do (TF32)"));
    }

    #[test]
    fn a_device_that_fails_is_told_with_its_reason() {
        let verdict =
            Verdict::Failed { doing: "way back from relu4_1".into(), reason: "device lost\n".into() };
        assert_eq!(
            verdict.to_string(),
            "failed at the way back from relu4_1: device lost; try a smaller picture, a newer driver, or another device \
             (cpu always works)"
        );
    }
}
