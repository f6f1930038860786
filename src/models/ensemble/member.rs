//! The name of an ensemble's member, and the member as it was loaded.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::models::name::{ModelName, is_folder_name};

/// A member as it was loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Which version.
    pub name: MemberName,
    /// Its share of the mean, in (0, 1]; the weights of all members sum to 1.
    pub weight: f64,
    /// SHA-256 of its model file, lower-case hex.
    pub sha256: String,
}

/// A version of a model in the same models folder, written `NAME@VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberName {
    /// The model; one path component.
    name: String,
    /// The version, positive.
    version: u64,
}

impl MemberName {
    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the member's folder below a models folder. It is always two levels below `root`.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(&self.name).join(self.version.to_string())
    }
}

impl FromStr for MemberName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ModelName { name, version } = text.parse()?;
        let version = version.ok_or("expected NAME@VERSION, VERSION a positive integer")?;
        if !is_folder_name(&name) {
            return Err(
                "a model's name has no `/`, `\\` or NUL and does not start with `.`".into(),
            );
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
        fn member_folder_is_two_levels_below_the_root(text in "(\\PC|[./\\\\@0-9a]){0,12}@?[0-9]{0,3}") {
            if let Ok(member) = text.parse::<MemberName>() {
                let folder = member.folder(Path::new("/models"));
                let below = folder.strip_prefix("/models").unwrap();
                let parts: Vec<Component<'_>> = below.components().collect();
                prop_assert!(matches!(parts[..], [Component::Normal(_), Component::Normal(_)]));
                prop_assert_eq!(below.as_os_str().to_str().unwrap().matches('/').count(), 1);
            }
        }
    }
}
