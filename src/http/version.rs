//! A version in a request's JSON.

use serde::Deserialize;

/// A version as the API writes it, or as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a version is text or a number")]
pub(super) enum Version {
    Text(String),
    Number(u64),
}

impl Version {
    /// The version as the API writes it.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}
