//! Names of models, versions and aliases.

use std::{fmt, str::FromStr};

use super::ModelVersion;

/// Returns whether a text can be the name of a model's directory: one path component that is not hidden.
pub fn is_directory_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('.') && !text.contains(['/', '\\', '\0'])
}

/// A model and optionally a version: `NAME[@VERSION]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName {
    /// Name of the model.
    pub name: String,
    /// The version; `None` is the one that serves.
    pub version: Option<ModelVersion>,
}

impl FromStr for ModelName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, version) = match text.split_once('@') {
            None => (text, None),
            Some((name, version)) => {
                let expected = "expected NAME or NAME@VERSION, VERSION a positive integer";
                (name, Some(version.parse().map_err(|_| expected)?))
            }
        };
        if name.is_empty() {
            return Err("the model name is empty".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            version,
        })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            None => f.write_str(&self.name),
            Some(version) => write!(f, "{}@{version}", self.name),
        }
    }
}

/// An alias of a model or of one of its versions: `ALIAS=NAME[@VERSION]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Name of the alias.
    pub alias: String,
    /// The model that the alias refers to.
    pub target: ModelName,
}

impl FromStr for Alias {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((alias, target)) if !alias.is_empty() && !alias.contains(['@', '/']) => Ok(Self {
                alias: alias.to_owned(),
                target: target.parse()?,
            }),
            _ => Err("expected ALIAS=NAME or ALIAS=NAME@VERSION".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_are_parsed() {
        let name = |text: &str| text.parse::<ModelName>();
        assert_eq!(
            name("a"),
            Ok(ModelName {
                name: "a".to_owned(),
                version: None
            })
        );
        assert_eq!(
            name("a@2"),
            Ok(ModelName {
                name: "a".to_owned(),
                version: ModelVersion::new(2)
            })
        );
        assert_eq!(name("a@2").unwrap().to_string(), "a@2");
        for wrong in ["", "@1", "a@", "a@0", "a@01", "a@+1", "a@latest"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn aliases_are_parsed() {
        let stable: Alias = "stable=a@3".parse().unwrap();
        assert_eq!(
            (stable.alias.as_str(), stable.target.to_string().as_str()),
            ("stable", "a@3")
        );
        for wrong in [
            "",
            "stable",
            "=a",
            "stable=",
            "stable=a@x",
            "st@ble=a",
            "a/b=a",
        ] {
            assert!(wrong.parse::<Alias>().is_err(), "{wrong}");
        }
    }
}
