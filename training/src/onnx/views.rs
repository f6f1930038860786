//! The views of a face that a model file averages.

use serde::{Deserialize, Serialize};

use crate::tta::Tta;

/// The views of a face whose probabilities the graph averages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Views {
    /// The face.
    #[default]
    Single,
    /// The face and its mirror image, at twice the cost.
    Flip,
}

impl Views {
    /// Returns the same views as test-time averaging outside the graph.
    pub fn tta(self) -> Tta {
        match self {
            Self::Single => Tta::None,
            Self::Flip => Tta::Flip,
        }
    }

    /// Returns how often the network runs per face.
    pub fn count(self) -> usize {
        self.tta().views().len()
    }
}
