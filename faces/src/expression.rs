//! The seven classes of FER2013 in class order.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A facial expression. The discriminant is the class index in every model output, matrix and report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expression {
    /// Class 0.
    Angry,
    /// Class 1.
    Disgust,
    /// Class 2.
    Fear,
    /// Class 3.
    Happy,
    /// Class 4.
    Neutral,
    /// Class 5.
    Sad,
    /// Class 6.
    Surprise,
}

impl Expression {
    /// Every expression, in class order.
    pub const ALL: [Self; 7] = [
        Self::Angry,
        Self::Disgust,
        Self::Fear,
        Self::Happy,
        Self::Neutral,
        Self::Sad,
        Self::Surprise,
    ];

    /// Number of classes.
    pub const COUNT: usize = Self::ALL.len();

    /// Returns the label as in directories, metadata and responses.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Angry => "angry",
            Self::Disgust => "disgust",
            Self::Fear => "fear",
            Self::Happy => "happy",
            Self::Neutral => "neutral",
            Self::Sad => "sad",
            Self::Surprise => "surprise",
        }
    }

    /// Returns the class index, 0 to 6.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the expression with this class index.
    pub fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// The name is not one of the seven labels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an expression; expected angry, disgust, fear, happy, neutral, sad or surprise"
)]
pub struct UnknownExpression(pub String);

impl FromStr for Expression {
    type Err = UnknownExpression;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|e| e.label() == name)
            .ok_or_else(|| UnknownExpression(name.to_owned()))
    }
}
