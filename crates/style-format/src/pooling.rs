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
}

impl Pooling {
    /// Every pooling that is known here.
    pub const ALL: [Self; 2] = [Self::Max, Self::Average];

    /// The name used in files: `max` or `average`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Average => "average",
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
