//! What a model says about itself: the file's metadata, with the sidecar's word first.

use std::{collections::BTreeMap, io, path::Path, str::FromStr};

use serde::Deserialize;

use crate::inference::{
    InferenceError, Labels,
    signature::{Feeding, OutputKind},
};

/// The name of the sidecar beside `model.onnx`.
pub const SIDECAR: &str = "mien.toml";

/// A model's facts, checked. All but the labels are for people and may be missing.
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
    /// `mien.trained_on`: data set and its hash.
    pub trained_on: Option<String>,
    /// `mien.created`.
    pub created: Option<String>,
    /// `mien.recipe`.
    pub recipe: Option<serde_json::Value>,
    /// `mien.accuracy`: split -> accuracy at export, 0 to 1.
    pub accuracy: BTreeMap<String, f64>,
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
                return unfit(format!(
                    "it has no labels: neither `mien.labels` in its metadata nor `labels` in a {SIDECAR} beside it"
                ));
            }
        };
        let labels = Labels::new(names).or_else(|error| unfit(error.to_string()))?;
        let json =
            |key: &'static str| metadata.get(key).map(|json| read_json(key, json)).transpose();
        Ok(Self {
            labels,
            architecture: text("mien.architecture"),
            parameters: number(metadata, "mien.parameters")?,
            temperature: number(metadata, "mien.temperature")?,
            trained_on: text("mien.trained_on"),
            created: text("mien.created"),
            recipe: json("mien.recipe")?,
            accuracy: metadata
                .get("mien.accuracy")
                .map(|json| read_json("mien.accuracy", json))
                .transpose()?
                .unwrap_or_default(),
        })
    }

    /// The recorded accuracy on the whole test set, 0 to 1.
    pub fn test_accuracy(&self) -> Option<f64> {
        self.accuracy.get(Self::TEST).copied()
    }
}

/// `mien.toml` beside a model: what its file does not say, and how to serve it. All optional.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// Class names, in output order.
    pub labels: Option<Vec<String>>,
    /// Factor of the gray 0..255 of a float input; default 1/255.
    pub scale: Option<f32>,
    /// Subtracted from the scaled gray; default 0.
    pub mean: Option<f32>,
    /// Divides the scaled, centred gray; default 1.
    pub std: Option<f32>,
    /// What the output holds; found out by a trial run where it is missing.
    pub output: Option<OutputKind>,
    /// Sessions of this model, each with its own thread.
    pub instances: Option<usize>,
    /// Cores that one run uses.
    pub intra_op_threads: Option<usize>,
    /// The most images of one run.
    pub max_batch: Option<usize>,
}

impl Sidecar {
    /// Reads the sidecar of a version's folder; the default where there is none.
    ///
    /// # Errors
    /// When it cannot be read or holds what it must not.
    pub fn read(folder: &Path) -> Result<Self, InferenceError> {
        match std::fs::read_to_string(folder.join(SIDECAR)) {
            Ok(text) => text.parse(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => unfit(format!("{SIDECAR}: {error}")),
        }
    }

    /// How a float input is fed, where the sidecar says anything about it.
    pub fn feeding(&self) -> Option<Feeding> {
        let said = self.scale.is_some() || self.mean.is_some() || self.std.is_some();
        let default = Feeding::default();
        said.then(|| Feeding {
            scale: self.scale.unwrap_or(default.scale),
            mean: self.mean.unwrap_or(default.mean),
            std: self.std.unwrap_or(default.std),
        })
    }
}

impl FromStr for Sidecar {
    type Err = InferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sidecar: Self =
            toml::from_str(text).or_else(|e| unfit(format!("{SIDECAR}: {}", e.message())))?;
        let counts = [
            ("instances", sidecar.instances),
            ("intra_op_threads", sidecar.intra_op_threads),
            ("max_batch", sidecar.max_batch),
        ];
        for (name, count) in counts {
            if count == Some(0) {
                return unfit(format!("{SIDECAR}: `{name}` must be at least 1"));
            }
        }
        for (name, value) in [("scale", sidecar.scale), ("std", sidecar.std)] {
            if value.is_some_and(|value| !value.is_finite() || value == 0.0) {
                return unfit(format!("{SIDECAR}: `{name}` must be a number other than 0"));
            }
        }
        if sidecar.mean.is_some_and(|mean| !mean.is_finite()) {
            return unfit(format!("{SIDECAR}: `mean` must be a number"));
        }
        Ok(sidecar)
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(key: &str, json: &str) -> Result<T, InferenceError> {
    serde_json::from_str(json).or_else(|error| unfit(format!("its metadata `{key}`: {error}")))
}

fn number<T: FromStr>(
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<Option<T>, InferenceError> {
    let Some(text) = metadata.get(key) else { return Ok(None) };
    text.parse()
        .map(Some)
        .or_else(|_| unfit(format!("its metadata `{key}`: `{text}` is no number")))
}

fn unfit<T>(reason: impl Into<String>) -> Result<T, InferenceError> {
    Err(InferenceError::Model(reason.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
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
        assert_eq!(manifest.test_accuracy(), Some(0.61));
    }

    #[test]
    fn the_sidecar_wins() {
        let sidecar: Sidecar =
            "labels = ['x', 'y']\nscale = 1.0\noutput = 'logits'\nintra_op_threads = 2"
                .parse()
                .unwrap();
        let entries = metadata(&[("mien.labels", r#"["a","b","c"]"#)]);
        let manifest = Manifest::new(&entries, &sidecar).unwrap();
        assert_eq!(manifest.labels.names(), ["x", "y"]);
        assert_eq!(sidecar.output, Some(OutputKind::Logits));
        assert_eq!(sidecar.feeding(), Some(Feeding { scale: 1.0, mean: 0.0, std: 1.0 }));
        assert_eq!("".parse::<Sidecar>().unwrap().feeding(), None);
    }

    #[test]
    fn refuses_with_the_reason() {
        let none = Manifest::new(&metadata(&[]), &Sidecar::default()).unwrap_err();
        assert!(none.to_string().contains("mien.labels"), "{none}");
        let broken = metadata(&[("mien.labels", "[1]")]);
        assert!(Manifest::new(&broken, &Sidecar::default()).is_err());
        for wrong in
            ["label = ['a']", "intra_op_threads = 0", "std = 0.0", "scale = nan", "output = 'x'"]
        {
            assert!(wrong.parse::<Sidecar>().is_err(), "{wrong}");
        }
    }
}
