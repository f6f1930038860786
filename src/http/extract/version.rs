//! A version in the JSON of a request.

use serde::Deserialize;

/// A version as a string or as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a version is a string or a number")]
pub(in crate::http) enum Version {
    Text(String),
    Number(u64),
}

impl Version {
    /// Returns the version as the API writes it.
    pub(in crate::http) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}
