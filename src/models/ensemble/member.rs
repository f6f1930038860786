//! Members of ensembles.

use std::{fmt, str::FromStr};

use crate::models::{
    ModelVersion,
    name::{ModelName, is_directory_name},
};

/// A loaded member.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The version.
    pub name: MemberName,
    /// Weight in the mean, in (0, 1]. The weights of all members sum to 1.
    pub weight: f64,
    /// SHA-256 of the model file, lower-case hex.
    pub sha256: String,
}

/// A version of a model in the same repository, written `NAME@VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberName {
    /// Name of the model; one path component.
    name: String,
    /// Version.
    version: ModelVersion,
}

impl MemberName {
    /// Returns the name of the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version.
    pub fn version(&self) -> ModelVersion {
        self.version
    }
}

impl FromStr for MemberName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ModelName { name, version } = text.parse()?;
        let version = version.ok_or("expected NAME@VERSION, VERSION a positive integer")?;
        if !is_directory_name(&name) {
            return Err("a model name must not contain `/`, `\\` or NUL or start with `.`".into());
        }
        Ok(Self { name, version })
    }
}

impl fmt::Display for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}
