//! The optimiser of a run as data.

use serde::{Deserialize, Serialize};

use super::{Adam, ImageOptimizer, Lbfgs, Resumable};
use crate::Error;

/// Which optimiser a run uses, with its constants; in a file the missing ones are those of
/// [`Optimizer::ADAM`] and [`Optimizer::LBFGS`].
///
/// # Examples
///
/// ```
/// use style_core::Optimizer;
///
/// let optimizer = Optimizer::ADAM.with_learning_rate(0.02);
/// assert!(matches!(optimizer, Optimizer::Adam { learning_rate: 0.02, beta_1: 0.9, beta_2: 0.99, .. }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "name", deny_unknown_fields)]
pub enum Optimizer {
    /// See [`Adam`].
    Adam {
        /// Step size, in units of the pixel range `[0, 1]`; above 0, at most 1000.
        #[serde(default = "adam_rate")]
        learning_rate: f32,
        /// Decay of the first moment; 0 to below 1.
        #[serde(default = "beta_1")]
        beta_1: f32,
        /// Decay of the second moment; 0 to below 1.
        #[serde(default = "beta_2")]
        beta_2: f32,
        /// Gradients well below it make steps in proportion to them, larger ones steps of the learning rate; above
        /// 0, in the unit of the gradient.
        #[serde(default = "epsilon")]
        epsilon: f32,
    },
    /// See [`Lbfgs`].
    Lbfgs {
        /// Factor of the quasi-Newton step; above 0, at most 1000, usually 1.
        #[serde(default = "lbfgs_rate")]
        learning_rate: f32,
        /// How many past steps are remembered; 1 to 100.
        #[serde(default = "history")]
        history: usize,
        /// How far a step goes along its direction.
        #[serde(default)]
        line_search: LineSearch,
    },
}

/// How far a step of [`Lbfgs`] goes along its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineSearch {
    /// The whole quasi-Newton step, cut to a length: every evaluation is a step.
    #[default]
    None,
    /// Until the strong Wolfe conditions hold: the loss never rises from one accepted picture to the next, at one
    /// evaluation or a few for each. On the objectives of the parity tests the loss rises at no more than three of
    /// 100 evaluations with or without it, and both ways end within 7 % of each other: the search is for losses that
    /// are rougher, or not finite everywhere.
    StrongWolfe,
}

// Serde takes defaults from functions.
const fn adam_rate() -> f32 {
    0.03
}

const fn lbfgs_rate() -> f32 {
    1.0
}

const fn beta_1() -> f32 {
    0.9
}

const fn beta_2() -> f32 {
    0.99
}

const fn epsilon() -> f32 {
    1e-8
}

const fn history() -> usize {
    10
}

impl Optimizer {
    /// Adam with the learning rate that suits pictures in `[0, 1]`.
    pub const ADAM: Self =
        Self::Adam { learning_rate: adam_rate(), beta_1: beta_1(), beta_2: beta_2(), epsilon: epsilon() };
    /// L-BFGS with unit steps, ten remembered ones and no line search.
    pub const LBFGS: Self =
        Self::Lbfgs { learning_rate: lbfgs_rate(), history: history(), line_search: LineSearch::None };

    /// A fresh optimiser.
    #[must_use]
    pub fn init(self) -> Box<dyn ImageOptimizer> {
        self.begin()
    }

    /// The same for a run.
    pub(crate) fn begin(self) -> Box<dyn Resumable> {
        match self {
            Self::Adam { learning_rate, beta_1, beta_2, epsilon } => {
                Box::new(Adam::new(learning_rate).with_betas(beta_1, beta_2).with_epsilon(epsilon))
            }
            Self::Lbfgs { learning_rate, history, line_search } => {
                Box::new(Lbfgs::new(learning_rate, history).with_line_search(line_search))
            }
        }
    }

    /// The learning rate, whichever optimiser it is.
    #[must_use]
    pub const fn learning_rate(self) -> f32 {
        match self {
            Self::Adam { learning_rate, .. } | Self::Lbfgs { learning_rate, .. } => learning_rate,
        }
    }

    /// The same with another learning rate.
    #[must_use]
    pub const fn with_learning_rate(mut self, rate: f32) -> Self {
        match &mut self {
            Self::Adam { learning_rate, .. } | Self::Lbfgs { learning_rate, .. } => *learning_rate = rate,
        }
        self
    }

    /// Whether it searches along lines, so that its pictures are trials.
    #[must_use]
    pub const fn searches(self) -> bool {
        matches!(self, Self::Lbfgs { line_search: LineSearch::StrongWolfe, .. })
    }

    pub(crate) fn validate(self) -> Result<(), Error> {
        let rate = self.learning_rate();
        if !(rate > 0.0 && rate <= 1000.0) {
            return Err(Error::setting("learning_rate", rate, "above 0, at most 1000"));
        }
        match self {
            Self::Adam { beta_1, beta_2, epsilon, .. } => {
                for (name, beta) in [("beta_1", beta_1), ("beta_2", beta_2)] {
                    if !(0.0..1.0).contains(&beta) {
                        return Err(Error::setting(name, beta, "0 to below 1"));
                    }
                }
                if !(epsilon >= f32::MIN_POSITIVE && epsilon.is_finite()) {
                    return Err(Error::setting("epsilon", epsilon, "above 0 and finite"));
                }
            }
            Self::Lbfgs { history, .. } => {
                if !(1..=100).contains(&history) {
                    return Err(Error::setting("history", history, "1 to 100"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Result<Optimizer, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn missing_fields_are_those_of_the_constants() {
        assert_eq!(parsed(r#"{"name": "adam"}"#).unwrap(), Optimizer::ADAM);
        assert_eq!(parsed(r#"{"name": "lbfgs"}"#).unwrap(), Optimizer::LBFGS);
        let found = parsed(r#"{"name": "lbfgs", "history": 100, "line_search": "strong-wolfe"}"#).unwrap();
        let line_search = LineSearch::StrongWolfe;
        assert_eq!(found, Optimizer::Lbfgs { learning_rate: 1.0, history: 100, line_search });
        let found = parsed(r#"{"name": "adam", "learning_rate": 0.02, "epsilon": 0.1}"#).unwrap();
        assert_eq!(found, Optimizer::Adam { learning_rate: 0.02, beta_1: 0.9, beta_2: 0.99, epsilon: 0.1 });
    }

    #[test]
    fn both_survive_json_and_a_misspelt_field_does_not() {
        for optimizer in [Optimizer::ADAM, Optimizer::LBFGS.with_learning_rate(0.5)] {
            assert_eq!(parsed(&serde_json::to_string(&optimizer).unwrap()).unwrap(), optimizer);
        }
        assert!(parsed(r#"{"name": "adam", "beta1": 0.5}"#).is_err());
        assert!(parsed(r#"{"name": "adam", "history": 5}"#).is_err());
        assert!(parsed(r#"{"name": "sgd"}"#).is_err());
    }

    #[test]
    fn every_field_out_of_range_is_a_typed_error() {
        let adam = |learning_rate, beta_1, beta_2, epsilon| {
            Optimizer::Adam { learning_rate, beta_1, beta_2, epsilon }.validate().unwrap_err().to_string()
        };
        assert_eq!(adam(f32::NAN, 0.9, 0.99, 1e-8), "learning_rate is NaN, allowed is above 0, at most 1000");
        assert_eq!(adam(0.1, 1.0, 0.99, 1e-8), "beta_1 is 1, allowed is 0 to below 1");
        assert_eq!(adam(0.1, 0.0, -0.5, 1e-8), "beta_2 is -0.5, allowed is 0 to below 1");
        assert_eq!(adam(0.1, 0.0, f32::NAN, 1e-8), "beta_2 is NaN, allowed is 0 to below 1");
        assert_eq!(adam(0.1, 0.9, 0.99, 0.0), "epsilon is 0, allowed is above 0 and finite");
        assert_eq!(adam(0.1, 0.9, 0.99, f32::INFINITY), "epsilon is inf, allowed is above 0 and finite");
        for history in [0, 101] {
            let lbfgs = Optimizer::Lbfgs { learning_rate: 1.0, history, line_search: LineSearch::None };
            let message = format!("history is {history}, allowed is 1 to 100");
            assert_eq!(lbfgs.validate().unwrap_err().to_string(), message);
        }
        Optimizer::ADAM.validate().unwrap();
        Optimizer::LBFGS.validate().unwrap();
    }
}
