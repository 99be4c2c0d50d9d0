//! All that was found, for people and for programs.

use std::fmt;

use serde::Serialize;

use super::check::{Check, CheckKind};
use super::measure::decibels;
use super::verdict::Verdict;
use crate::Kernel;

/// What [`Doctor::examine`](super::Doctor::examine) found. Its `Display` is a table that ends with the verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The device, as Burn calls it.
    pub device: String,
    /// What computed the network there.
    pub kernel: Kernel,
    /// Width and height of the picture, px.
    pub size: (usize, usize),
    /// Every comparison that was made, in the order of [`CheckKind`]; fewer where the device failed on the way.
    pub checks: Vec<Check>,
    /// The loss before each of 20 steps of Adam and after the last, on the device and on the reference.
    pub curve: Vec<[f32; 2]>,
    /// What all this means.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, kernel, size: (width, height), .. } = self;
        writeln!(f, "{device}, kernel {kernel:?}, {width} x {height} px")?;
        writeln!(f, "{:<28} {:>9} {:>9}  {:>9} {:>9}", "check", "error", "allowed", "ms", "reference")?;
        for check in &self.checks {
            let numbers = match check.kind {
                CheckKind::Picture => {
                    [decibels(check.error), decibels(check.tolerance)].map(|db| format!("{db:.1} dB"))
                }
                _ => [check.error, check.tolerance].map(|error| format!("{error:.1e}")),
            };
            let milliseconds =
                |seconds: Option<f64>| seconds.map_or(String::new(), |s| format!("{:.2}", 1e3 * s));
            let [device, reference] = [check.seconds, check.reference_seconds].map(milliseconds);
            let [error, allowed] = numbers;
            let wrong = if check.passed() { "" } else { "  WRONG" };
            let line = format!(
                "{:<28} {error:>9} {allowed:>9}  {device:>9} {reference:>9}{wrong}",
                check.to_string()
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        self.write_curve(f)?;
        write!(f, "{}", self.verdict)
    }
}

impl Diagnosis {
    /// Every fifth value of the two curves.
    fn write_curve(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.curve.is_empty() {
            return Ok(());
        }
        let shown = || self.curve.iter().enumerate().step_by(5);
        write!(f, "{:<28}", "loss after so many steps")?;
        shown().try_for_each(|(step, _)| write!(f, " {step:>9}"))?;
        for (who, name) in ["  device", "  reference"].into_iter().enumerate() {
            write!(f, "\n{name:<28}")?;
            shown().try_for_each(|(_, losses)| write!(f, " {:>9.5}", losses[who]))?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Precision;
    use super::*;

    fn check(kind: CheckKind, name: &str, error: f64) -> Check {
        Check::new(kind, name, error, Precision::Float32)
    }

    #[test]
    fn the_table_is_readable() {
        let checks = vec![
            check(CheckKind::Layer, "relu1_1", 3.14e-7).timed(0.001_234, 0.01),
            check(CheckKind::Layer, "relu1_2", f64::NAN).timed(0.1, 0.02),
            check(CheckKind::Gram, "relu1_1", 2e-3),
            check(CheckKind::Loss, "sliced Wasserstein", 2e-5).timed(0.002, 0.001),
            check(CheckKind::Picture, "picture after 20 steps", 1e-3),
        ];
        let verdict = Verdict::of(&checks, None);
        let curve = (0..21).map(|step| [1.0 / (step + 1) as f32, 1.0]).collect();
        let diagnosis = Diagnosis {
            device: "Flex".into(),
            kernel: Kernel::Direct,
            size: (64, 43),
            checks,
            curve,
            verdict,
        };
        let expected = "\
Flex, kernel Direct, 64 x 43 px
check                            error   allowed         ms reference
layer relu1_1                   3.1e-7    1.0e-3       1.23     10.00
layer relu1_2                      NaN    1.0e-3     100.00     20.00  WRONG
Gram matrix of relu1_1          2.0e-3    1.0e-3                       WRONG
loss: sliced Wasserstein        2.0e-5    1.0e-3       2.00      1.00
picture after 20 steps         60.0 dB   35.0 dB
loss after so many steps             0         5        10        15        20
  device                       1.00000   0.16667   0.09091   0.06250   0.04762
  reference                    1.00000   1.00000   1.00000   1.00000   1.00000
wrong from relu1_2 on: its map is not finite; 2 of 5 checks failed; do not trust pictures of this device: try another \
one (cpu always works), a newer driver, or a build without the features fusion and autotune";
        assert_eq!(diagnosis.to_string(), expected);
    }

    #[test]
    fn a_report_says_what_cannot_be_said_in_json_as_null() {
        let checks = vec![check(CheckKind::Layer, "relu1_1", f64::NAN)];
        let (verdict, device, kernel) = (Verdict::of(&checks, None), "Flex".into(), Kernel::Burn);
        let diagnosis = Diagnosis { device, kernel, size: (64, 43), checks, curve: Vec::new(), verdict };
        let json = serde_json::to_value(&diagnosis).unwrap();
        assert!(json["checks"][0]["error"].is_null() && json["checks"][0]["kind"] == "layer");
        assert_eq!((&json["verdict"], &json["first"]["name"]), (&"wrong".into(), &"relu1_1".into()));
    }
}
