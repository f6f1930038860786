//! A run's averaged weights as a model file, written only where ONNX Runtime answers as libtorch does, with its report,
//! card and pictures beside it.

use std::{collections::BTreeMap, path::Path, time::SystemTime};

use mien_faces::{
    dataset::{Dataset, DatasetError, Split},
    image::Face,
};
use sha2::{Digest, Sha256};
use tch::{Device, TchError};

use crate::{
    arch::{catalog, graph::Graph, summary},
    data::FaceSet,
    machine::Machine,
    onnx::{
        fuse::Fusing, metadata::Metadata, session::Runtime, views::Views, weights::WeightFormat,
        writer::Values,
    },
    recipe::Recipe,
    report::{ModelReport, Training, accuracies},
    torch::weights::Weights,
    train::run::{
        checkpoint::{self, Checkpoint},
        history::EpochRow,
        metadata::RunMetadata,
    },
};

mod error;
mod folder;
mod from_run;
pub(crate) mod judge;
mod origin;
mod parity;
mod rounding;
mod speed;
mod statistics;
mod temperature;
mod verify;

pub use error::ExportError;
pub(crate) use folder::replace;
pub use from_run::from_run;
pub use origin::{Origin, OriginError};
pub use parity::TOLERANCE;
pub(crate) use parity::{PARITY_PICTURES, compare, largest_difference};
pub use rounding::ROUNDING_TOLERANCE;
use temperature::Chosen;
pub use temperature::TemperatureFrom;
use verify::{Contents, Verified};

/// What is done with a run's weights on their way into a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Where the temperature is to come from.
    pub temperature: TemperatureFrom,
    /// Whether the batch-norm statistics are recomputed from training faces without augmentation.
    pub precise_bn: bool,
    /// Which batch normalisations are folded.
    pub fusing: Fusing,
    /// The views of a face that the file averages.
    pub views: Views,
    /// How the file stores its weights.
    pub weights: WeightFormat,
}

/// A run read back from its folder.
#[derive(Debug)]
pub struct Trained {
    name: String,
    run: RunMetadata,
    recipe: Recipe,
    history: Vec<EpochRow>,
    graph: Graph,
    weights: Weights,
    checkpoint_sha256: String,
}

impl Trained {
    /// Reads a run's averaged weights.
    ///
    /// # Errors
    /// Where there is no run or checkpoint, or its epochs are not all done and `unfinished` is not set.
    pub fn open(folder: &Path, unfinished: bool) -> Result<Self, ExportError> {
        let (run, recipe) = RunMetadata::open(folder)?;
        let checkpoint =
            Checkpoint::read(folder)?.ok_or_else(|| ExportError::Untrained(folder.to_owned()))?;
        let checkpoint_sha256 = checkpoint::sha256(folder)?;
        let (done, wanted) = (checkpoint.state.epoch, recipe.epochs);
        if done < wanted && !unfinished {
            return Err(ExportError::Unfinished {
                folder: folder.to_owned(),
                done,
                wanted,
            });
        }
        let graph = catalog::build(&run.architecture)?;
        let weights = checkpoint.averaged(&graph, Device::Cpu)?;
        let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let name = whole
            .file_name()
            .map_or("run".into(), |name| name.to_string_lossy());
        let (name, history) = (name.into_owned(), checkpoint.state.history);
        Ok(Self {
            name,
            run,
            recipe,
            history,
            graph,
            weights,
            checkpoint_sha256,
        })
    }

    /// The data set as the run named it.
    pub fn data(&self) -> &Path {
        &self.run.data
    }

    /// Takes the statistics anew where that is asked for, fits the temperature, checks the model against libtorch on real
    /// faces, judges it on the test faces and writes it to `out`, with `report.json`, `report.md`, the card `README.md`, pictures, recipe and history beside it.
    ///
    /// # Errors
    /// Where the two differ by more than [`TOLERANCE`], rounded weights change outputs by more than
    /// [`ROUNDING_TOLERANCE`], a temperature cannot be fitted as asked, or anything cannot be
    /// read or written.
    pub fn export(
        mut self,
        data: &Path,
        out: &Path,
        options: &Options,
    ) -> Result<ModelReport, ExportError> {
        let dataset = Dataset::open(data)?;
        let train = self.training_faces(&dataset, data)?;
        let precise_bn_faces = match (&train, options.precise_bn) {
            (Some(train), true) => Some(statistics::renew(&mut self, train)?),
            (None, true) => return Err(ExportError::OtherData(data.to_owned())),
            (_, false) => None,
        };
        let Chosen {
            temperature,
            holdout,
            held_out,
        } = temperature::choose(&self, train.as_ref(), data, options)?;
        let (graph, values) = options.fusing.apply(&self.graph, values(&self.weights)?)?;
        let mut file = Contents {
            graph,
            values,
            metadata: self.metadata(temperature.value, options)?,
        };
        let runtime = Runtime::load()?;
        let faces = real_faces(&dataset)?;
        let Verified {
            mut model,
            parity,
            rounding,
        } = file.verify(&self, &runtime, &faces, &held_out)?;
        let test = judge::judge(
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
            speed: speed::measure(&runtime, &bytes, &faces, Machine::here())?,
            parity,
            rounding,
        };
        folder::write(out, &bytes, &report, &self.history)?;
        Ok(report)
    }

    /// All faces of train, where they are those that the run began with.
    fn training_faces(
        &self,
        dataset: &Dataset,
        data: &Path,
    ) -> Result<Option<FaceSet>, ExportError> {
        if dataset.samples(Split::Train).is_empty()
            || dataset.fingerprint(Split::Train)? != self.run.data_sha256
        {
            return Ok(None);
        }
        Ok(Some(FaceSet::load(
            dataset,
            data,
            Split::Train,
            catalog::INPUT_SIDE,
        )?))
    }

    /// The run's own parts of all training faces: those that it trained on, and those that it held out.
    fn split(&self, train: &FaceSet) -> (FaceSet, FaceSet) {
        train
            .clone()
            .hold_out(self.recipe.holdout, self.recipe.seed)
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

/// As many faces as the largest comparison takes, mixed over the classes: of the test split where there is one.
fn real_faces(dataset: &Dataset) -> Result<Vec<Face>, DatasetError> {
    let split = if dataset.samples(Split::Test).is_empty() {
        Split::Train
    } else {
        Split::Test
    };
    dataset.required(split)?;
    let samples = dataset.subset(split, PARITY_PICTURES);
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
