//! What a model says about itself: the file's metadata, with the sidecar's word first.

use std::{collections::BTreeMap, num::NonZeroU32, str::FromStr};

use serde::Deserialize;

use super::{
    ensemble::{Ensemble, Member},
    sidecar::{SIDECAR, Sidecar},
};
use crate::inference::{InferenceError, Labels, invalid_model};

/// A model's facts, checked. All but the labels and the members are for people and may be missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Class names, in output order.
    pub labels: Labels,
    /// `mien.architecture`.
    pub architecture: Option<String>,
    /// `mien.parameters`: how many.
    pub parameters: Option<u64>,
    /// `mien.temperature`: the logits were divided by it in the graph.
    pub temperature: Option<f64>,
    /// `mien.views`: views of a face whose probabilities the graph averages; 1 if the file records none.
    pub views: NonZeroU32,
    /// `mien.trained_on`: data set and its hash.
    pub trained_on: Option<String>,
    /// `mien.created`.
    pub created: Option<String>,
    /// `mien.recipe`.
    pub recipe: Option<serde_json::Value>,
    /// `mien.accuracy`: split -> accuracy at export, 0 to 1.
    pub accuracy: BTreeMap<String, f64>,
    /// The members of an ensemble; empty for a network.
    pub members: Vec<Member>,
}

impl Manifest {
    /// The split of `mien.accuracy` that is the whole test set.
    pub const TEST: &str = "test";

    /// Reads the file's metadata; the labels of a sidecar win.
    ///
    /// # Errors
    /// When there are no labels or they are unfit, or a `mien.` entry cannot be read.
    pub fn new(
        metadata: &BTreeMap<String, String>,
        sidecar: &Sidecar,
    ) -> Result<Self, InferenceError> {
        let text = |key: &str| metadata.get(key).cloned();
        let names = match (&sidecar.labels, metadata.get("mien.labels")) {
            (Some(names), _) => names.clone(),
            (None, Some(json)) => read_json("mien.labels", json)?,
            (None, None) => {
                return invalid_model(format!(
                    "it has no labels: neither `mien.labels` in its metadata nor `labels` in a {SIDECAR} beside it"
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
            parameters: number(metadata, "mien.parameters")?,
            temperature: number(metadata, "mien.temperature")?,
            views: number(metadata, "mien.views")?.unwrap_or(NonZeroU32::MIN),
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

    /// The recorded accuracy on the whole test set, 0 to 1.
    pub fn test_accuracy(&self) -> Option<f64> {
        self.accuracy.get(Self::TEST).copied()
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(key: &str, json: &str) -> Result<T, InferenceError> {
    serde_json::from_str(json)
        .or_else(|error| invalid_model(format!("its metadata `{key}`: {error}")))
}

fn number<T: FromStr>(
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<Option<T>, InferenceError> {
    let Some(text) = metadata.get(key) else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .or_else(|_| invalid_model(format!("its metadata `{key}`: `{text}` is no number")))
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
    fn reads_the_contract() {
        let metadata = metadata(&[
            ("mien.labels", r#"["angry","sad"]"#),
            ("mien.architecture", "resnet-20-v1"),
            ("mien.parameters", "272000"),
            ("mien.accuracy", r#"{"test":0.61,"PublicTest":0.6}"#),
        ]);
        let manifest = Manifest::new(&metadata, &Sidecar::default()).unwrap();
        assert_eq!(manifest.labels.names(), ["angry", "sad"]);
        assert_eq!(manifest.parameters, Some(272_000));
        assert_eq!(manifest.views.get(), 1);
        assert_eq!(manifest.test_accuracy(), Some(0.61));
    }

    #[test]
    fn the_sidecar_wins() {
        let sidecar: Sidecar = "labels = ['x', 'y']".parse().unwrap();
        let entries = metadata(&[("mien.labels", r#"["a","b","c"]"#)]);
        let manifest = Manifest::new(&entries, &sidecar).unwrap();
        assert_eq!(manifest.labels.names(), ["x", "y"]);
    }

    #[test]
    fn refuses_with_the_reason() {
        let none = Manifest::new(&metadata(&[]), &Sidecar::default()).unwrap_err();
        assert!(none.to_string().contains("mien.labels"), "{none}");
        let broken = metadata(&[("mien.labels", "[1]")]);
        assert!(Manifest::new(&broken, &Sidecar::default()).is_err());
        let no_view = metadata(&[("mien.labels", r#"["a","b"]"#), ("mien.views", "0")]);
        let error = Manifest::new(&no_view, &Sidecar::default()).unwrap_err();
        assert!(error.to_string().contains("mien.views"), "{error}");
    }
}
