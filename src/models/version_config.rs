//! `mien.toml`: metadata and serving options of a version that the operator sets.

use std::{io, path::Path, str::FromStr};

use serde::Deserialize;

use super::{
    ensemble::Ensemble,
    regular_file,
    serving_limits::{MAX_BATCH, MAX_INSTANCES, MAX_INTRA_OP_THREADS},
};
use crate::inference::{
    InferenceError,
    engine::PrecisionChoice,
    invalid_model,
    runtime::DeviceChoice,
    signature::{InputScaling, OutputKind},
};

/// Name of the file.
pub const CONFIG_FILE: &str = "mien.toml";

/// Maximum size of the file in bytes.
pub(super) const MAX_SIZE: u64 = 1 << 20;

/// Content of a `mien.toml` next to a model file: metadata that the model file lacks, and serving options. All keys are
/// optional.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionConfig {
    /// Class names, in the order of the output.
    pub labels: Option<Vec<String>>,
    /// The members, if the version is an ensemble and has no model file.
    pub ensemble: Option<Ensemble>,
    /// Factor for the gray levels (0 to 255) of a float input; default 1/255.
    pub scale: Option<f32>,
    /// Subtracted from the scaled gray level; default 0.
    pub mean: Option<f32>,
    /// Divisor of the difference; default 1.
    pub std: Option<f32>,
    /// Content of the output; detected by the warm-up if it is not set.
    pub output: Option<OutputKind>,
    /// Number of sessions, each with a worker thread of its own; at most [`MAX_INSTANCES`].
    pub instances: Option<usize>,
    /// Number of cores that one inference call uses; at most [`MAX_INTRA_OP_THREADS`].
    pub intra_op_threads: Option<usize>,
    /// Maximum number of images per inference call; at most [`MAX_BATCH`].
    pub max_batch: Option<usize>,
    /// The device.
    pub device: Option<DeviceChoice>,
    /// The precision.
    pub precision: Option<PrecisionChoice>,
}

impl VersionConfig {
    /// Reads the `mien.toml` in the directory of a version. Returns the default if there is none.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is invalid.
    pub fn read(directory: &Path) -> Result<Self, InferenceError> {
        match regular_file::read_to_string(&directory.join(CONFIG_FILE), MAX_SIZE) {
            Ok(text) => text.parse(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => invalid_model(format!("{CONFIG_FILE}: {error}")),
        }
    }

    /// Checks that an ensemble has no keys for the input and output of a model file.
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
                "{CONFIG_FILE}: `{key}` does not apply to an ensemble; put it into the {CONFIG_FILE} of a member"
            )),
            _ => Ok(()),
        }
    }

    /// Returns the scaling of a float input if `scale`, `mean` or `std` is set.
    pub fn input_scaling(&self) -> Option<InputScaling> {
        let is_set = self.scale.is_some() || self.mean.is_some() || self.std.is_some();
        let default = InputScaling::default();
        is_set.then(|| InputScaling {
            scale: self.scale.unwrap_or(default.scale),
            mean: self.mean.unwrap_or(default.mean),
            std: self.std.unwrap_or(default.std),
        })
    }
}

impl FromStr for VersionConfig {
    type Err = InferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let config: Self = toml::from_str(text)
            .or_else(|e| invalid_model(format!("{CONFIG_FILE}: {}", e.message())))?;
        let counts = [
            ("instances", config.instances, MAX_INSTANCES),
            (
                "intra_op_threads",
                config.intra_op_threads,
                MAX_INTRA_OP_THREADS,
            ),
            ("max_batch", config.max_batch, MAX_BATCH),
        ];
        for (name, count, max) in counts {
            let count = count.map(|count| u64::try_from(count).unwrap_or(u64::MAX));
            if let Some(count) = count.filter(|count| !(1..=max).contains(count)) {
                return invalid_model(format!(
                    "{CONFIG_FILE}: `{name}` is {count}; it must be 1 to {max}"
                ));
            }
        }
        for (name, value) in [("scale", config.scale), ("std", config.std)] {
            if value.is_some_and(|value| !value.is_finite() || value == 0.0) {
                return invalid_model(format!(
                    "{CONFIG_FILE}: `{name}` must be a number other than 0"
                ));
            }
        }
        if config.mean.is_some_and(|mean| !mean.is_finite()) {
            return invalid_model(format!("{CONFIG_FILE}: `mean` must be a number"));
        }
        config.check_ensemble()?;
        Ok(config)
    }
}

/// Returns whether a directory without a model file is a version because of its `mien.toml`. This is the case for an
/// `[ensemble]` table, and for invalid TOML, which is reported when the version is loaded.
pub(super) fn declares_ensemble(directory: &Path) -> bool {
    let Ok(text) = regular_file::read_to_string(&directory.join(CONFIG_FILE), MAX_SIZE) else {
        return false;
    };
    toml::from_str::<toml::Table>(&text).map_or(true, |table| table.contains_key("ensemble"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_keys_have_defaults() {
        let text = "scale = 1.0\noutput = 'logits'\nintra_op_threads = 2\ndevice = 'openvino'\nprecision = 'bf16'";
        let config: VersionConfig = text.parse().unwrap();
        assert_eq!(config.device, Some(DeviceChoice::OpenVino));
        assert_eq!(config.precision, Some(PrecisionChoice::Bf16));
        assert_eq!(config.output, Some(OutputKind::Logits));
        assert_eq!(
            config.input_scaling(),
            Some(InputScaling {
                scale: 1.0,
                mean: 0.0,
                std: 1.0
            })
        );
        assert_eq!("".parse::<VersionConfig>().unwrap().input_scaling(), None);
    }

    #[test]
    fn ensembles_reject_keys_of_model_files() {
        let ensemble = "[ensemble]\nmembers = ['a@1']";
        let config: VersionConfig = format!("instances = 2\n{ensemble}").parse().unwrap();
        assert_eq!(
            (config.instances, config.ensemble.unwrap().members.len()),
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
                .parse::<VersionConfig>()
                .unwrap_err()
                .to_string();
            assert!(error.contains("does not apply to an ensemble"), "{error}");
        }
        let error = "[ensemble]\nmembers = []"
            .parse::<VersionConfig>()
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
            "intra_op_threads = 100000",
            "instances = 257",
            "max_batch = 1025",
            "max_batch = 18446744073709551615",
            "std = 0.0",
            "scale = nan",
            "output = 'x'",
            "device = 'gpu'",
            "precision = 'fp16'",
        ] {
            assert!(wrong.parse::<VersionConfig>().is_err(), "{wrong}");
        }
    }
}
