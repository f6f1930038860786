//! `mien.toml`: what an operator says about a version.

use std::{io, path::Path, str::FromStr};

use serde::Deserialize;

use super::ensemble::Ensemble;
use crate::inference::{
    InferenceError, invalid_model,
    signature::{InputScaling, OutputKind},
};

/// The name of the file.
pub const SIDECAR: &str = "mien.toml";

/// The contents of a `mien.toml` next to a model: metadata that the model file lacks, and how to serve it. All optional.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// Class names, in output order.
    pub labels: Option<Vec<String>>,
    /// The members, if the version is an ensemble and has no model file.
    pub ensemble: Option<Ensemble>,
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
    /// Reads the `mien.toml` of a version's folder. Returns the default if there is none.
    ///
    /// # Errors
    /// When the file cannot be read or is invalid.
    pub fn read(folder: &Path) -> Result<Self, InferenceError> {
        match std::fs::read_to_string(folder.join(SIDECAR)) {
            Ok(text) => text.parse(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => invalid_model(format!("{SIDECAR}: {error}")),
        }
    }

    /// Rejects keys that describe a model file's input and output.
    fn check_ensemble(&self) -> Result<(), InferenceError> {
        let keys = [
            ("labels", self.labels.is_some()),
            ("scale", self.scale.is_some()),
            ("mean", self.mean.is_some()),
            ("std", self.std.is_some()),
            ("output", self.output.is_some()),
        ];
        match keys.into_iter().find(|(_, is_given)| *is_given) {
            Some((key, _)) if self.ensemble.is_some() => invalid_model(format!(
                "{SIDECAR}: `{key}` does not apply to an ensemble; put it into the {SIDECAR} of a member"
            )),
            _ => Ok(()),
        }
    }

    /// Returns how a float input is fed, if `scale`, `mean` or `std` is given.
    pub fn feeding(&self) -> Option<InputScaling> {
        let said = self.scale.is_some() || self.mean.is_some() || self.std.is_some();
        let default = InputScaling::default();
        said.then(|| InputScaling {
            scale: self.scale.unwrap_or(default.scale),
            mean: self.mean.unwrap_or(default.mean),
            std: self.std.unwrap_or(default.std),
        })
    }
}

impl FromStr for Sidecar {
    type Err = InferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sidecar: Self = toml::from_str(text)
            .or_else(|e| invalid_model(format!("{SIDECAR}: {}", e.message())))?;
        let counts = [
            ("instances", sidecar.instances),
            ("intra_op_threads", sidecar.intra_op_threads),
            ("max_batch", sidecar.max_batch),
        ];
        for (name, count) in counts {
            if count == Some(0) {
                return invalid_model(format!("{SIDECAR}: `{name}` must be at least 1"));
            }
        }
        for (name, value) in [("scale", sidecar.scale), ("std", sidecar.std)] {
            if value.is_some_and(|value| !value.is_finite() || value == 0.0) {
                return invalid_model(format!("{SIDECAR}: `{name}` must be a number other than 0"));
            }
        }
        if sidecar.mean.is_some_and(|mean| !mean.is_finite()) {
            return invalid_model(format!("{SIDECAR}: `mean` must be a number"));
        }
        sidecar.check_ensemble()?;
        Ok(sidecar)
    }
}

/// Returns whether a folder without a model file is a version because of its `mien.toml`: it has an `[ensemble]` table, or
/// it is not valid TOML, which is reported when the version is loaded.
pub(super) fn declares_ensemble(folder: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(folder.join(SIDECAR)) else {
        return false;
    };
    toml::from_str::<toml::Table>(&text).map_or(true, |table| table.contains_key("ensemble"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_keys_have_defaults() {
        let sidecar: Sidecar = "scale = 1.0\noutput = 'logits'\nintra_op_threads = 2"
            .parse()
            .unwrap();
        assert_eq!(sidecar.output, Some(OutputKind::Logits));
        assert_eq!(
            sidecar.feeding(),
            Some(InputScaling {
                scale: 1.0,
                mean: 0.0,
                std: 1.0
            })
        );
        assert_eq!("".parse::<Sidecar>().unwrap().feeding(), None);
    }

    #[test]
    fn ensembles_reject_keys_of_model_files() {
        let ensemble = "[ensemble]\nmembers = ['a@1']";
        let sidecar: Sidecar = format!("instances = 2\n{ensemble}").parse().unwrap();
        assert_eq!(
            (sidecar.instances, sidecar.ensemble.unwrap().members.len()),
            (Some(2), 1)
        );
        for key in [
            "labels = ['a', 'b']",
            "scale = 1.0",
            "mean = 0.5",
            "std = 2.0",
            "output = 'logits'",
        ] {
            let error = format!("{key}\n{ensemble}")
                .parse::<Sidecar>()
                .unwrap_err()
                .to_string();
            assert!(error.contains("does not apply to an ensemble"), "{error}");
        }
        let error = "[ensemble]\nmembers = []"
            .parse::<Sidecar>()
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("mien.toml: ") && error.contains("`members` is empty"),
            "{error}"
        );
    }

    #[test]
    fn invalid_values_are_rejected() {
        for wrong in [
            "label = ['a']",
            "intra_op_threads = 0",
            "std = 0.0",
            "scale = nan",
            "output = 'x'",
        ] {
            assert!(wrong.parse::<Sidecar>().is_err(), "{wrong}");
        }
    }
}
