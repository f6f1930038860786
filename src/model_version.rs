//! Versions of models.

use std::{fmt, num::NonZeroU64, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A version of a model: a positive integer. Its text, also in JSON, is decimal without a sign or leading zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelVersion(NonZeroU64);

/// The error of a text that is not a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version must be a positive integer without a sign or leading zero")]
pub struct InvalidVersion;

impl ModelVersion {
    /// Version 1.
    pub const FIRST: Self = Self(NonZeroU64::MIN);
    /// The highest version.
    pub const MAX: Self = Self(NonZeroU64::MAX);

    /// Returns the version with this number, or `None` for 0.
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// Returns the version with this number.
    #[cfg(test)]
    pub(crate) fn of(number: u64) -> Self {
        Self::new(number).unwrap()
    }

    /// Returns the number.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ModelVersion {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let version = text.parse().map(Self).map_err(|_| InvalidVersion)?;
        if version.to_string() == text {
            Ok(version)
        } else {
            Err(InvalidVersion)
        }
    }
}

impl Serialize for ModelVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModelVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_canonical_decimal() {
        let version: ModelVersion = "12".parse().unwrap();
        assert_eq!((version.get(), version.to_string().as_str()), (12, "12"));
        assert_eq!(
            "18446744073709551615".parse(),
            Ok(ModelVersion::MAX),
            "the highest version"
        );
        for invalid in [
            "",
            "0",
            "01",
            "+1",
            "-1",
            "1 ",
            "1.0",
            "a",
            "18446744073709551616",
        ] {
            assert_eq!(
                invalid.parse::<ModelVersion>(),
                Err(InvalidVersion),
                "{invalid}"
            );
        }
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let version = |text: &str| text.parse::<ModelVersion>().unwrap();
        assert!(version("9") < version("10"));
    }

    #[test]
    fn json_is_a_string() {
        let version: ModelVersion = serde_json::from_str("\"3\"").unwrap();
        assert_eq!(serde_json::to_string(&version).unwrap(), "\"3\"");
        assert!(serde_json::from_str::<ModelVersion>("3").is_err());
        assert!(serde_json::from_str::<ModelVersion>("\"0\"").is_err());
    }
}
