//! Starts and resumes runs: reads and checks everything before the first step, then trains.

use std::path::{Path, PathBuf};

use tch::Device;

use super::{
    distillation::teacher::Teachers,
    init,
    run::{lock::RunLock, metadata::RunMetadata},
    trainer::{Control, Outcome, Trainer},
};
use crate::{
    arch::{
        catalog::{self, CatalogError},
        graph::Graph,
    },
    data::FaceSet,
    machine::{Environment, Machine},
    recipe::Recipe,
    torch::{device, weights::Weights},
};

mod error;
mod inputs;

pub use error::PrepareError;
use inputs::{first_weights, load, open_teachers, same_teachers};

/// A run that does not exist yet.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// The data set.
    pub data: PathBuf,
    /// The checked recipe.
    pub recipe: Recipe,
}

/// A run whose inputs are read and checked, and whose folder is locked by this process.
#[derive(Debug)]
pub struct Prepared {
    run: RunMetadata,
    recipe: Recipe,
    faces: FaceSet,
    holdout: FaceSet,
    teachers: Option<Teachers>,
    /// The initial weights of a run with `init` that has no checkpoint yet.
    init: Option<Weights>,
    device: Device,
    _lock: RunLock,
}

impl Prepared {
    /// Reads the inputs of a new run and creates its folder. Teachers that are model files run on `threads` threads.
    ///
    /// # Errors
    /// Returns an error if the folder already contains a run, or an input is missing or does not fit. No folder is
    /// created then.
    pub fn start(folder: &Path, new: NewRun, threads: usize) -> Result<Self, PrepareError> {
        let device = device::best_device();
        let NewRun {
            architecture,
            data,
            recipe,
        } = new;
        let graph = network(&architecture, &recipe)?;
        let teachers = open_teachers(&recipe, threads, device)?;
        let (data_sha256, faces) = load(&data)?;
        let init = init::weights(&recipe, &graph, &data_sha256, device)?;
        let (init, init_file) = init.unzip();
        let unreadable = faces.unreadable.clone();
        let (faces, holdout) = faces.hold_out(recipe.holdout, recipe.seed);
        check_sizes(&recipe, &data, faces.len(), holdout.len())?;
        let run = RunMetadata {
            architecture,
            data,
            data_sha256,
            training_faces: faces.len(),
            holdout_faces: holdout.len(),
            unreadable,
            teachers: teachers.as_ref().map(Teachers::files).unwrap_or_default(),
            init: init_file,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            environments: Vec::new(),
        };
        let lock = run.create(folder, &recipe)?;
        Ok(Self {
            run,
            recipe,
            faces,
            holdout,
            teachers,
            init,
            device,
            _lock: lock,
        })
    }

    /// Opens the folder of an interrupted run and reads the same inputs again. `data` replaces the data set's path when
    /// it has moved.
    ///
    /// # Errors
    /// Returns an error if the folder does not contain a run, another process trains it, or its inputs have changed.
    pub fn resume(
        folder: &Path,
        data: Option<&Path>,
        threads: usize,
    ) -> Result<Self, PrepareError> {
        let device = device::best_device();
        let (run, recipe) = RunMetadata::open(folder)?;
        let lock = RunLock::acquire(folder)?;
        let teachers = open_teachers(&recipe, threads, device)?;
        let now = teachers.as_ref().map(Teachers::files).unwrap_or_default();
        same_teachers(&run.teachers, &now)?;
        if recipe.init.as_ref() != run.init.as_ref().map(|file| &file.path) {
            return Err(PrepareError::OtherInit);
        }
        let data = data.unwrap_or(&run.data);
        let (sha256, faces) = load(data)?;
        if sha256 != run.data_sha256 {
            return Err(PrepareError::OtherData(data.to_owned()));
        }
        let init = first_weights(folder, &run, &recipe, device)?;
        let (faces, holdout) = faces.hold_out(recipe.holdout, recipe.seed);
        Ok(Self {
            run,
            recipe,
            faces,
            holdout,
            teachers,
            init,
            device,
            _lock: lock,
        })
    }

    /// Trains until the run is finished or interrupted.
    ///
    /// # Errors
    /// Returns an error if the loss diverges, a teacher fails, or the folder cannot be written.
    pub fn train(mut self, control: Control) -> Result<Outcome, PrepareError> {
        for error in &self.run.unreadable {
            eprintln!("skipped an unreadable image: {error}");
        }
        let precision = format!("{:?}", self.recipe.precision.kind(self.device));
        eprintln!(
            "{} on {:?} in {precision}: {} faces, {} held out, {} epochs",
            self.run.architecture,
            self.device,
            self.faces.len(),
            self.holdout.len(),
            self.recipe.epochs
        );
        let device = format!("{:?}", self.device);
        let (machine, threads) = (Machine::here(), control.threads);
        self.run.record_resume(
            &control.folder,
            Environment {
                machine,
                device,
                precision,
                threads,
            },
        )?;
        let graph = network(&self.run.architecture, &self.recipe)?;
        let mut trainer = Trainer::new(
            graph,
            self.recipe,
            self.teachers,
            self.init,
            self.device,
            control,
        )?;
        Ok(trainer.run(&self.faces, &self.holdout)?)
    }
}

/// Checks that a run has at least two training faces, and held-out faces if the recipe holds out a share.
fn check_sizes(
    recipe: &Recipe,
    data: &Path,
    training: usize,
    held_out: usize,
) -> Result<(), PrepareError> {
    let (holdout, data) = (recipe.holdout, data.to_owned());
    if training < 2 {
        return Err(PrepareError::NothingToTrainOn {
            holdout,
            left: training,
            data,
        });
    }
    if holdout > 0.0 && held_out == 0 {
        return Err(PrepareError::NothingHeldOut { holdout, data });
    }
    Ok(())
}

/// Returns the network of a run with the options of its recipe.
pub(crate) fn network(architecture: &str, recipe: &Recipe) -> Result<Graph, CatalogError> {
    let options = catalog::Options {
        dropout: recipe.dropout,
        head_dropout: recipe.head_dropout,
        stochastic_depth: recipe.stochastic_depth,
    };
    catalog::build_with(architecture, &options)
}
