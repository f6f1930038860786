//! A run that was read from its folder.

use std::path::Path;

use mien_faces::dataset::{Dataset, Split};
use tch::Device;

use super::ExportError;
use crate::{
    arch::{catalog, graph::Graph},
    data::FaceSet,
    recipe::Recipe,
    torch::weights::Weights,
    train::run::{
        checkpoint::{self, Checkpoint},
        history::EpochRow,
        metadata::RunMetadata,
    },
};

/// A run that was read from its folder.
#[derive(Debug)]
pub struct Trained {
    pub(super) name: String,
    pub(super) run: RunMetadata,
    pub(super) recipe: Recipe,
    pub(super) history: Vec<EpochRow>,
    pub(super) graph: Graph,
    pub(super) weights: Weights,
    pub(super) checkpoint_sha256: String,
}

impl Trained {
    /// Reads a run's averaged weights.
    ///
    /// # Errors
    /// Returns an error if the folder does not contain a run or a checkpoint, or if epochs are missing and `unfinished`
    /// is not set.
    pub fn open(folder: &Path, unfinished: bool) -> Result<Self, ExportError> {
        let (run, recipe) = RunMetadata::open(folder)?;
        let checkpoint =
            Checkpoint::read(folder)?.ok_or_else(|| ExportError::Untrained(folder.to_owned()))?;
        let checkpoint_sha256 = checkpoint::sha256(folder)?;
        let (done, epochs) = (checkpoint.state.epoch, recipe.epochs);
        if done < epochs && !unfinished {
            return Err(ExportError::Unfinished {
                folder: folder.to_owned(),
                done,
                epochs,
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

    /// Returns the path of the data set as recorded in the run.
    pub fn data(&self) -> &Path {
        &self.run.data
    }

    /// Returns the faces of the training split, or `None` if they are not those that the run started with.
    pub(super) fn training_faces(
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

    /// Splits the faces of the training split into those that the run trained on and those that it held out.
    pub(super) fn split(&self, train: &FaceSet) -> (FaceSet, FaceSet) {
        train
            .clone()
            .hold_out(self.recipe.holdout, self.recipe.seed)
    }
}
