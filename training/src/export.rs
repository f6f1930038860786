//! Exports the averaged weights of a run as a model file with report, card and plots. Nothing is written unless ONNX
//! Runtime and libtorch agree.

use std::{collections::BTreeMap, path::Path, time::SystemTime};

use mien_faces::{
    dataset::{Dataset, DatasetError, Split},
    image::Face,
};
use sha2::{Digest, Sha256};
use tch::TchError;

use crate::{
    arch::{catalog, summary},
    machine::Machine,
    onnx::{
        batch_norm_folding::BatchNormFolding, metadata::Metadata, session::Runtime, views::Views,
        weights::WeightFormat, writer::Values,
    },
    report::{ModelReport, Training, accuracies},
    torch::weights::Weights,
};

mod error;
mod folder;
mod from_run;
mod origin;
mod parity;
mod precise_bn;
mod rounding;
pub(crate) mod speed;
mod temperature;
pub(crate) mod test_evaluation;
mod trained;
mod verify;

pub use error::ExportError;
pub(crate) use folder::{may_replace, replace};
pub use from_run::from_run;
pub use origin::{Origin, OriginError};
pub use parity::TOLERANCE;
pub(crate) use parity::{PARITY_FACES, compare, largest_difference};
pub use rounding::ROUNDING_TOLERANCE;
use temperature::Chosen;
pub use temperature::TemperatureFrom;
pub use trained::Trained;
use verify::{Contents, Verified};

/// Options of an export.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Source of the temperature.
    pub temperature: TemperatureFrom,
    /// Whether the batch-norm statistics are recomputed from training faces without augmentation.
    pub precise_bn: bool,
    /// Whether batch normalisations are folded.
    pub batch_norm_folding: BatchNormFolding,
    /// The views of a face that the file averages.
    pub views: Views,
    /// How the file stores its weights.
    pub weights: WeightFormat,
}

impl Trained {
    /// Exports the run to `out`. Recomputes the batch-norm statistics if requested and fits the temperature. Compares the model
    /// with libtorch on real faces and evaluates it on the test faces. Writes `report.json`, `report.md`, the card
    /// `README.md`, plots, recipe and history to the same folder.
    ///
    /// # Errors
    /// Returns an error if outputs differ from those of libtorch by more than [`TOLERANCE`], or if rounded weights change
    /// outputs by more than [`ROUNDING_TOLERANCE`]. Also returns an error if the requested temperature cannot be fitted, or
    /// if a file cannot be read or written.
    pub fn export(
        mut self,
        data: &Path,
        out: &Path,
        options: &Options,
    ) -> Result<ModelReport, ExportError> {
        let dataset = Dataset::open(data)?;
        let train = self.training_faces(&dataset, data)?;
        let precise_bn_faces = match (&train, options.precise_bn) {
            (Some(train), true) => Some(precise_bn::recompute_bn_stats(&mut self, train)?),
            (None, true) => return Err(ExportError::OtherData(data.to_owned())),
            (_, false) => None,
        };
        let Chosen {
            temperature,
            holdout,
            held_out,
        } = temperature::choose(&self, train.as_ref(), data, options)?;
        let mut file = self.contents(temperature.value, options)?;
        let runtime = Runtime::load()?;
        let faces = real_faces(&dataset)?;
        let Verified {
            mut model,
            parity,
            rounding,
        } = file.verify(&self, &runtime, &faces, &held_out)?;
        let test = test_evaluation::evaluate(
            &self,
            &mut model,
            train.as_ref(),
            dataset.samples(Split::Test),
            options.views,
        )?;
        file.metadata.accuracy = test
            .as_ref()
            .map(|test| accuracies(&test.report))
            .unwrap_or_default();
        // Only the metadata has changed since the comparison.
        let bytes = file.encode()?;
        let summary = summary::summary(&self.graph)?;
        let [speed] = speed::measure(&runtime, [&bytes], &faces, &Machine::here())?;
        let report = ModelReport {
            architecture: self.run.architecture.clone(),
            parameters: summary.parameters,
            trainable: summary.trainable,
            multiply_adds: summary.multiply_adds,
            views: options.views,
            weights: options.weights,
            sha256: hex::encode(Sha256::digest(&bytes)),
            created: file.metadata.created,
            training: self.training(),
            precise_bn_faces,
            recipe: self.recipe.clone(),
            temperature,
            holdout,
            test,
            speed,
            parity,
            rounding,
        };
        folder::write(out, &bytes, &report, &self.history)?;
        Ok(report)
    }

    /// Returns the contents of the file without the accuracy.
    fn contents(&self, temperature: f64, options: &Options) -> Result<Contents, ExportError> {
        let values = values(&self.weights)?;
        let (graph, values) = options.batch_norm_folding.apply(&self.graph, values)?;
        Ok(Contents {
            graph,
            values,
            metadata: self.metadata(temperature, options)?,
        })
    }

    fn training(&self) -> Training {
        Training {
            run: self.name.clone(),
            epochs: self.history.len(),
            faces: self.run.training_faces,
            held_out: self.run.holdout_faces,
            data_sha256: self.run.data_sha256.clone(),
            checkpoint_sha256: Some(self.checkpoint_sha256.clone()),
            seconds: self.history.iter().map(|row| row.seconds).sum(),
            init: self.run.init.clone(),
            environments: self.run.environments.clone(),
        }
    }

    fn metadata(&self, temperature: f64, options: &Options) -> Result<Metadata, ExportError> {
        Ok(Metadata {
            architecture: self.run.architecture.clone(),
            parameters: summary::summary(&self.graph)?.parameters,
            temperature,
            views: options.views,
            weights: options.weights,
            trained_on: format!(
                "fer2013 train, {} faces, sha256:{}",
                self.run.training_faces, self.run.data_sha256
            ),
            recipe: serde_json::json!(self.recipe),
            accuracy: BTreeMap::new(),
            created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        })
    }
}

/// Returns faces for the comparison with libtorch, from all classes of the test split, or of train if there is no test split.
pub(crate) fn real_faces(dataset: &Dataset) -> Result<Vec<Face>, DatasetError> {
    let split = if dataset.samples(Split::Test).is_empty() {
        Split::Train
    } else {
        Split::Test
    };
    dataset.required(split)?;
    let samples = dataset.subset(split, PARITY_FACES);
    samples
        .iter()
        .map(|sample| sample.load(catalog::INPUT_SIDE))
        .collect()
}

fn values(weights: &Weights) -> Result<Values, TchError> {
    let plain = |tensor: &tch::Tensor| Vec::try_from(&tensor.f_contiguous()?.f_flatten(0, -1)?);
    weights
        .iter()
        .map(|(parameter, tensor)| Ok((parameter.name.clone(), plain(tensor)?)))
        .collect()
}
