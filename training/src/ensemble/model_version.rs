//! Names of model versions.

use std::{fmt, str::FromStr};

/// A version of a model: `NAME@VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelVersion {
    pub(super) name: String,
    pub(super) version: u64,
}

impl FromStr for ModelVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || format!("`{text}` is not NAME@VERSION with a version of at least 1");
        let (name, version) = text.rsplit_once('@').ok_or_else(invalid)?;
        let version = version
            .parse()
            .ok()
            .filter(|version| *version > 0)
            .ok_or_else(invalid)?;
        let is_folder = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
        is_folder
            .then(|| Self {
                name: name.to_owned(),
                version,
            })
            .ok_or_else(invalid)
    }
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}
