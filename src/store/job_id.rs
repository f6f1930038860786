//! Identifiers of evaluations and promotions.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::excerpt::Excerpt;

/// Identifier of an evaluation or a promotion, a UUID. Its text has lower-case digits and hyphens; no other text is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(Uuid);

/// The text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid identifier `{}`", Excerpt(.0))]
pub struct InvalidJobId(String);

impl JobId {
    /// Returns a new random identifier.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Returns an identifier that tests recognise.
    #[cfg(test)]
    pub(crate) const fn of(number: u128) -> Self {
        Self(Uuid::from_u128(number))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for JobId {
    type Err = InvalidJobId;

    fn from_str(text: &str) -> Result<Self, InvalidJobId> {
        Uuid::try_parse(text)
            .ok()
            .map(Self)
            .filter(|id| id.to_string() == text)
            .ok_or_else(|| InvalidJobId(text.to_owned()))
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_text_is_an_identifier() {
        let id = JobId::random();
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        assert_eq!(
            serde_json::from_str::<JobId>(&format!("\"{text}\"")).unwrap(),
            id
        );
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            "nope".to_owned(),
        ] {
            // A random identifier without letters has the same text in upper case.
            assert!(other == text || other.parse::<JobId>().is_err(), "{other}");
        }
    }
}
