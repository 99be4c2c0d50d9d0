//! What a user reads.

use std::fmt;

use serde::Serialize;

use super::check::{Check, CheckKind, Precision};

/// Whether a device computes what the reference does. Its `Display` is a sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// Every check passed.
    Healthy {
        /// The largest relative error of all layers and Gram matrices, and from the picture to the deepest.
        error: f64,
        /// How exact its layers are.
        precision: Precision,
    },
    /// The device answers, and wrongly.
    Wrong {
        /// The first check that failed.
        first: Check,
        /// How many failed.
        failed: usize,
        /// Of how many.
        of: usize,
        /// What it failed at after that, with the reason: wrong numbers may have led there.
        #[serde(skip_serializing_if = "Option::is_none")]
        then: Option<String>,
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
    /// From the checks that were made, and from what the device failed at, with the reason, if it did not come to the end.
    pub(super) fn of(checks: &[Check], failure: Option<(String, String)>) -> Self {
        let mut wrong = checks.iter().filter(|check| !check.passed());
        if let Some(first) = wrong.next() {
            let (first, failed, of) = (first.clone(), 1 + wrong.count(), checks.len());
            let then = failure.map(|(doing, reason)| format!("{doing}: {}", reason.trim_end()));
            return Self::Wrong { first, failed, of, then };
        }
        if let Some((doing, reason)) = failure {
            return Self::Failed { doing, reason };
        }
        let parts = checks.iter().filter(|check| check.kind <= CheckKind::Network);
        let error = parts.map(|check| check.error).fold(0.0, f64::max);
        Self::Healthy { error, precision: Precision::of(checks) }
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
            Self::Wrong { first, .. } if matches!(first.kind, CheckKind::Loss) => {
                "on this device use another loss, or use another device (cpu always works)"
            }
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
            Self::Healthy { error, precision } => {
                write!(f, "healthy: every layer agrees with the reference within {error:.0e}")?;
                if *precision == Precision::Reduced {
                    f.write_str("; it rounds to fewer digits than float32 has, as tensor cores do (TF32)")?;
                }
                Ok(())
            }
            Self::Wrong { first, failed, of, then } => {
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
                write!(f, "; {failed} of {of} checks failed")?;
                if let Some(then) = then {
                    write!(f, ", and then the {then}")?;
                }
                write!(f, "; {}", self.help())
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
        Check::new(kind, name, error, Precision::Float32)
    }

    #[test]
    fn the_first_wrong_layer_is_named() {
        let checks = [
            check(CheckKind::Layer, "relu2_2", 1e-6),
            check(CheckKind::Layer, "relu3_1", 0.04),
            check(CheckKind::Layer, "relu3_2", f64::NAN),
        ];
        let verdict = Verdict::of(&checks, None);
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
        let exact = [check(CheckKind::Layer, "relu1_1", 4e-7), check(CheckKind::Gradient, "relu1_1", 1e-4)];
        assert_eq!(
            Verdict::of(&exact, None).to_string(),
            "healthy: every layer agrees with the reference within 4e-7"
        );
        let rough = [check(CheckKind::Layer, "relu1_1", 3e-4)];
        assert_eq!(
            Verdict::of(&rough, None),
            Verdict::Healthy { error: 3e-4, precision: Precision::Reduced }
        );
        assert!(Verdict::of(&rough, None).to_string().ends_with("as tensor cores do (TF32)"));
    }

    #[test]
    fn a_loss_that_is_wrong_says_nothing_against_the_others() {
        let verdict = Verdict::of(&[check(CheckKind::Loss, "Wasserstein", 0.29)], None);
        assert_eq!(
            verdict.to_string(),
            "wrong losses: Wasserstein, or its derivative, differs by 29 % where 0.10 % is allowed; 1 of 1 checks failed; on \
             this device use another loss, or use another device (cpu always works)"
        );
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

    #[test]
    fn what_was_wrong_before_a_failure_explains_it() {
        let wrong = [check(CheckKind::Layer, "relu4_1", f64::NAN)];
        let verdict =
            Verdict::of(&wrong, Some(("run of 20 steps".to_owned(), "diverged".to_owned()))).to_string();
        let begin = "wrong from relu4_1 on: its map is not finite; 1 of 1 checks failed, and then the run of 20 steps: diverged; do";
        assert!(verdict.starts_with(begin), "{verdict}");
    }
}
