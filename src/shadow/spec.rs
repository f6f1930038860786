//! The versions of a shadow.

use std::{fmt, str::FromStr};

use crate::models::{ModelVersion, name::ModelName};

/// The candidate of a shadow: `VERSION` of the same model, or `NAME@VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateName {
    /// Name or alias of the model; `None` is the model of the serving version.
    pub model: Option<String>,
    /// The version.
    pub version: ModelVersion,
}

/// The versions of a shadow. Its text is `NAME@VERSION=CANDIDATE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowSpec {
    /// Name or alias of the model.
    pub model: String,
    /// The version that must serve; `None` accepts every serving version.
    pub version: Option<ModelVersion>,
    /// The candidate.
    pub candidate: CandidateName,
}

impl FromStr for CandidateName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(version) = text.parse() {
            return Ok(Self {
                model: None,
                version,
            });
        }
        match text.parse() {
            Ok(ModelName {
                name,
                version: Some(version),
            }) => Ok(Self {
                model: Some(name),
                version,
            }),
            Ok(ModelName { version: None, .. }) | Err(_) => Err(
                "a candidate must be VERSION or NAME@VERSION; VERSION must be a positive integer"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for CandidateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            None => self.version.fmt(f),
            Some(model) => write!(f, "{model}@{}", self.version),
        }
    }
}

impl FromStr for ShadowSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected =
            "expected NAME@VERSION=CANDIDATE, for example student@1=2 or student@1=other@1";
        let (serving, candidate) = text.split_once('=').ok_or(expected)?;
        let ModelName { name, version } = serving.parse()?;
        Ok(Self {
            model: name,
            version: Some(version.ok_or(expected)?),
            candidate: candidate.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_versions_of_same_or_other_model() {
        let spec: ShadowSpec = "a@1=2".parse().unwrap();
        assert_eq!(
            (spec.model.as_str(), spec.version),
            ("a", ModelVersion::new(1))
        );
        assert_eq!(spec.candidate.model, None);
        assert_eq!(spec.candidate.to_string(), "2");
        let spec: ShadowSpec = "a@1=b@3".parse().unwrap();
        assert_eq!(spec.candidate.model.as_deref(), Some("b"));
        assert_eq!(spec.candidate.to_string(), "b@3");
    }

    #[test]
    fn incomplete_shadows_are_rejected() {
        for wrong in [
            "", "a", "a@1", "a=2", "a@1=", "a@1=b", "a@1=0", "a@0=1", "@1=2",
        ] {
            assert!(wrong.parse::<ShadowSpec>().is_err(), "{wrong}");
        }
    }
}
