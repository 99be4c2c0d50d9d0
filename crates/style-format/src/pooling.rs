//! What stands between blocks.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What shrinks feature maps between blocks (2 x 2, stride 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The largest of four: what the network was trained with.
    #[default]
    Max,
    /// The mean of four: Gatys et al. 2016 found pictures made with it slightly more appealing.
    Average,
    /// The root of the sum of four squares, `sqrt(a^2 + b^2 + c^2 + d^2)`: `torch.nn.LPPool2d(2, 2)`.
    L2,
}

impl Pooling {
    /// Every pooling that is known here.
    pub const ALL: [Self; 3] = [Self::Max, Self::Average, Self::L2];

    /// The name used in files: `max`, `average` or `l2`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Average => "average",
            Self::L2 => "l2",
        }
    }

    /// The pooling of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pooling| pooling.name() == name)
    }
}

impl fmt::Display for Pooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Pooling;

    #[test]
    fn every_pooling_has_one_name_in_files_and_in_settings() {
        for pooling in Pooling::ALL {
            assert_eq!(Pooling::from_name(pooling.name()), Some(pooling));
            assert_eq!(serde_json::to_value(pooling).unwrap(), pooling.name());
        }
        assert_eq!(Pooling::ALL.map(Pooling::name), ["max", "average", "l2"]);
        assert_eq!(Pooling::from_name("L2"), None);
    }
}
