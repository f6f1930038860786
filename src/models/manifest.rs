//! Metadata of a model: that of the model file, overridden by `mien.toml`.

use std::{collections::BTreeMap, num::NonZeroU32, str::FromStr};

use serde::Deserialize;

use super::{
    ensemble::{Ensemble, Member},
    version_config::{CONFIG_FILE, VersionConfig},
};
use crate::inference::{InferenceError, Labels, invalid_model};

/// The metadata of a version. Only labels and members affect serving; the other fields are informative and may be missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Class names, in the order of the output.
    pub labels: Labels,
    /// `mien.architecture`.
    pub architecture: Option<String>,
    /// `mien.parameters`: number of parameters.
    pub parameters: Option<u64>,
    /// `mien.temperature`: the graph divides the logits by it.
    pub temperature: Option<f64>,
    /// `mien.views`: views of a face whose probabilities the graph averages; 1 if the file records none.
    pub views: NonZeroU32,
    /// `mien.trained_on`: data set with its hash.
    pub trained_on: Option<String>,
    /// `mien.created`.
    pub created: Option<String>,
    /// `mien.recipe`.
    pub recipe: Option<serde_json::Value>,
    /// `mien.accuracy`: split -> accuracy at export, 0 to 1.
    pub accuracy: BTreeMap<String, f64>,
    /// The members of an ensemble; otherwise empty.
    pub members: Vec<Member>,
}

impl Manifest {
    /// Name of the split that is the whole test set.
    pub const TEST: &str = "test";

    /// Parses the metadata of a model file. Labels in `mien.toml` have precedence.
    ///
    /// # Errors
    /// Returns an error if there are no labels, or if labels or another `mien.` entry are invalid.
    pub fn new(
        metadata: &BTreeMap<String, String>,
        config: &VersionConfig,
    ) -> Result<Self, InferenceError> {
        let text = |key: &str| metadata.get(key).cloned();
        let names = match (&config.labels, metadata.get("mien.labels")) {
            (Some(names), _) => names.clone(),
            (None, Some(json)) => read_json("mien.labels", json)?,
            (None, None) => {
                return invalid_model(format!(
                    "it has no labels; set `mien.labels` in its metadata or `labels` in a {CONFIG_FILE} next to it"
                ));
            }
        };
        let labels = Labels::new(names).or_else(|error| invalid_model(error.to_string()))?;
        let json = |key: &'static str| {
            metadata
                .get(key)
                .map(|json| read_json(key, json))
                .transpose()
        };
        Ok(Self {
            labels,
            architecture: text("mien.architecture"),
            parameters: parse_number(metadata, "mien.parameters")?,
            temperature: parse_number(metadata, "mien.temperature")?,
            views: parse_number(metadata, "mien.views")?.unwrap_or(NonZeroU32::MIN),
            trained_on: text("mien.trained_on"),
            created: text("mien.created"),
            recipe: json("mien.recipe")?,
            accuracy: metadata
                .get("mien.accuracy")
                .map(|json| read_json("mien.accuracy", json))
                .transpose()?
                .unwrap_or_default(),
            members: Vec::new(),
        })
    }

    /// Returns the manifest of an ensemble of `members`, whose own manifests have the same labels.
    pub fn of_ensemble(ensemble: &Ensemble, members: Vec<Member>, manifests: &[Self]) -> Self {
        let first = manifests
            .first()
            .expect("an ensemble has at least one member");
        let parameters = |sum: u64, manifest: &Self| sum.checked_add(manifest.parameters?);
        let is_common = |data: &String| {
            manifests
                .iter()
                .all(|manifest| manifest.trained_on.as_ref() == Some(data))
        };
        Self {
            labels: first.labels.clone(),
            architecture: Some(Ensemble::ARCHITECTURE.to_owned()),
            parameters: manifests.iter().try_fold(0, parameters),
            temperature: None,
            views: NonZeroU32::MIN,
            trained_on: first.trained_on.clone().filter(is_common),
            created: ensemble.created.clone(),
            recipe: None,
            accuracy: ensemble.accuracy.clone(),
            members,
        }
    }

    /// Returns the recorded accuracy on the whole test set, 0 to 1.
    pub fn test_accuracy(&self) -> Option<f64> {
        self.accuracy.get(Self::TEST).copied()
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(key: &str, json: &str) -> Result<T, InferenceError> {
    serde_json::from_str(json)
        .or_else(|error| invalid_model(format!("its metadata `{key}`: {error}")))
}

fn parse_number<T: FromStr>(
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<Option<T>, InferenceError> {
    let Some(text) = metadata.get(key) else {
        return Ok(None);
    };
    text.parse().map(Some).or_else(|_| {
        invalid_model(format!(
            "its metadata `{key}`: `{text}` is not a valid number"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries
            .iter()
            .map(|&(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    }

    #[test]
    fn metadata_of_model_file_is_parsed() {
        let metadata = metadata(&[
            ("mien.labels", r#"["angry","sad"]"#),
            ("mien.architecture", "resnet-20-v1"),
            ("mien.parameters", "272000"),
            ("mien.accuracy", r#"{"test":0.61,"PublicTest":0.6}"#),
        ]);
        let manifest = Manifest::new(&metadata, &VersionConfig::default()).unwrap();
        assert_eq!(manifest.labels.names(), ["angry", "sad"]);
        assert_eq!(manifest.parameters, Some(272_000));
        assert_eq!(manifest.views.get(), 1);
        assert_eq!(manifest.test_accuracy(), Some(0.61));
    }

    #[test]
    fn config_file_overrides_model_metadata() {
        let config: VersionConfig = "labels = ['x', 'y']".parse().unwrap();
        let entries = metadata(&[("mien.labels", r#"["a","b","c"]"#)]);
        let manifest = Manifest::new(&entries, &config).unwrap();
        assert_eq!(manifest.labels.names(), ["x", "y"]);
    }

    #[test]
    fn invalid_metadata_is_rejected_with_reason() {
        let none = Manifest::new(&metadata(&[]), &VersionConfig::default()).unwrap_err();
        assert!(none.to_string().contains("mien.labels"), "{none}");
        let broken = metadata(&[("mien.labels", "[1]")]);
        assert!(Manifest::new(&broken, &VersionConfig::default()).is_err());
        let no_view = metadata(&[("mien.labels", r#"["a","b"]"#), ("mien.views", "0")]);
        let error = Manifest::new(&no_view, &VersionConfig::default()).unwrap_err();
        assert!(error.to_string().contains("mien.views"), "{error}");
    }
}
