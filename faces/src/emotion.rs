//! The seven classes of FER2013, in the one order used everywhere.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A facial expression. The discriminant is the class index in every model output, matrix and report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Emotion {
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

impl Emotion {
    /// Every emotion, in class order.
    pub const ALL: [Self; 7] = [
        Self::Angry,
        Self::Disgust,
        Self::Fear,
        Self::Happy,
        Self::Neutral,
        Self::Sad,
        Self::Surprise,
    ];

    /// How many classes there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The label as written in folders, metadata and answers.
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

    /// The class index, 0 to 6.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The emotion of a class index.
    pub fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }
}

impl fmt::Display for Emotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A name that is none of the seven labels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an emotion; expected angry, disgust, fear, happy, neutral, sad or surprise")]
pub struct UnknownEmotion(pub String);

impl FromStr for Emotion {
    type Err = UnknownEmotion;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|e| e.label() == name)
            .ok_or_else(|| UnknownEmotion(name.to_owned()))
    }
}
