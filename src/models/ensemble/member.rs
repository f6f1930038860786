//! Members of ensembles.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

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

/// A version of a model in the same models directory, written `NAME@VERSION`.
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

    /// Returns the directory of the member, which is always two levels below the models directory `root`.
    pub fn path(&self, root: &Path) -> PathBuf {
        root.join(&self.name).join(self.version.to_string())
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

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn member_path_is_two_levels_below_root(text in "(\\PC|[./\\\\@0-9a]){0,12}@?[0-9]{0,3}") {
            if let Ok(member) = text.parse::<MemberName>() {
                let path = member.path(Path::new("/models"));
                let below = path.strip_prefix("/models").unwrap();
                let parts: Vec<Component<'_>> = below.components().collect();
                prop_assert!(matches!(parts[..], [Component::Normal(_), Component::Normal(_)]));
                prop_assert_eq!(below.as_os_str().to_str().unwrap().matches('/').count(), 1);
            }
        }
    }
}
