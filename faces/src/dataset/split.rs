//! Splits of a data set, and the uses of images in FER2013.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Split {
    /// The training images.
    #[serde(rename = "train")]
    Train,
    /// The test images: all images that are not for training.
    #[serde(rename = "test")]
    Test,
    /// The half of the test images that was public during the FER2013 contest.
    PublicTest,
    /// The half of the test images that decided the FER2013 contest.
    PrivateTest,
}

impl Split {
    /// All splits.
    pub const ALL: [Self; 4] = [Self::Train, Self::Test, Self::PublicTest, Self::PrivateTest];

    /// Returns the name as in requests, flags and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
            Self::PublicTest => "PublicTest",
            Self::PrivateTest => "PrivateTest",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Split {
    type Err = UnknownSplit;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|s| s.name() == name)
            .ok_or_else(|| UnknownSplit(name.to_owned()))
    }
}

/// The use of an image in FER2013, according to its file name (`PublicTest_123.png`) or CSV column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Usage {
    /// One of the 28,709 training images.
    Training,
    /// One of the 3,589 images that were public during the contest.
    PublicTest,
    /// One of the 3,589 images that decided the contest.
    PrivateTest,
    /// The name does not contain the use.
    Unknown,
}

impl Usage {
    /// Returns the name as in FER2013, or `Unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::PublicTest => "PublicTest",
            Self::PrivateTest => "PrivateTest",
            Self::Unknown => "Unknown",
        }
    }

    const ALL: [Self; 4] = [
        Self::Training,
        Self::PublicTest,
        Self::PrivateTest,
        Self::Unknown,
    ];
    const KNOWN: [Self; 3] = [Self::Training, Self::PublicTest, Self::PrivateTest];

    pub(super) fn of_file(name: &str) -> Self {
        let matches = |usage: &Self| {
            name.strip_prefix(usage.name())
                .is_some_and(|rest| rest.starts_with('_'))
        };
        Self::KNOWN
            .into_iter()
            .find(matches)
            .unwrap_or(Self::Unknown)
    }

    pub(super) fn of_column(value: &str) -> Option<Self> {
        Self::KNOWN.into_iter().find(|usage| usage.name() == value)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Usage {
    type Err = UnknownUsage;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|usage| usage.name() == name);
        found.ok_or_else(|| UnknownUsage(name.to_owned()))
    }
}

/// Error for a name that is not a split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a split; expected test, train, PublicTest or PrivateTest")]
pub struct UnknownSplit(pub String);

/// Error for a name that is not a usage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a usage; expected Training, PublicTest, PrivateTest or Unknown")]
pub struct UnknownUsage(pub String);
