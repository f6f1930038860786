//! Names of model versions.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::Deserialize;

/// Name of the model file in a version folder.
pub(super) const MODEL_FILE: &str = "model.onnx";

/// A version of a model: `NAME@VERSION`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ModelVersion {
    name: String,
    version: u64,
}

impl ModelVersion {
    /// Returns the model file relative to the models folder: `NAME/VERSION/model.onnx`.
    pub fn file(&self) -> PathBuf {
        [&self.name, &self.version.to_string(), MODEL_FILE]
            .iter()
            .collect()
    }
}

impl TryFrom<String> for ModelVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
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
