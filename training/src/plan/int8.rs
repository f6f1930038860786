//! INT8 files of a plan, which are quantised from its exports.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Layout;
use crate::{
    onnx::read,
    quantize::{self, DEFAULT_CALIBRATION_FACES, DEFAULT_MAX_LOSS, QuantizeError, Settings},
};

/// An INT8 file of a plan: one `[[int8]]` of the plan file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Int8File {
    /// The export that is quantised: one of the paths in `exports` of a run.
    pub model: PathBuf,
    /// The INT8 file relative to the root folder: `models/NAME/VERSION/model.onnx`.
    pub path: PathBuf,
    /// Maximum increase of the held-out log-loss, nats.
    #[serde(default = "default_max_loss")]
    pub max_loss: f64,
}

fn default_max_loss() -> f64 {
    DEFAULT_MAX_LOSS
}

impl Int8File {
    /// Returns whether the file exists and was quantised from the present file of its export.
    pub fn is_current(&self, layout: &Layout) -> bool {
        let [model, int8] = [&self.model, &self.path].map(|path| fs::read(layout.model(path)));
        let (Ok(model), Ok(int8)) = (model, int8) else {
            return false;
        };
        let origin = read::metadata(&int8).unwrap_or_default();
        let origin = origin.get(quantize::QUANTIZED_FROM);
        origin.is_some_and(|origin| *origin == hex::encode(Sha256::digest(&model)))
    }

    /// Quantises the export.
    pub(super) fn write(&self, layout: &Layout, data: &Path) -> Result<(), QuantizeError> {
        let out = layout.model(&self.path);
        let report = quantize::run(&Settings {
            model: layout.model(&self.model),
            data: data.to_owned(),
            out: out.clone(),
            calibration_faces: DEFAULT_CALIBRATION_FACES,
            max_loss: self.max_loss,
        })?;
        eprintln!(
            "wrote {}; the log-loss on the held-out faces changes by {:+.4} nats",
            out.display(),
            report.holdout.loss()
        );
        Ok(())
    }
}
