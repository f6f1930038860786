//! Measures the time of training steps by phase, with the real trainer on random images.

use std::{
    fs, io,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use mien_faces::{expression::Expression, image::Face};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;

use crate::{
    arch::catalog::{self, CatalogError},
    data::FaceSet,
    recipe::{Recipe, RecipeError, options::Phase},
    torch::device::{self, Precision},
    train::trainer::{Control, Trainer, error::TrainError, step_timings::StepTimings},
};

/// The measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The network is unknown.
    #[error(transparent)]
    Architecture(#[from] CatalogError),
    /// The batch size or image size is out of range.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The folder for the checkpoint of the measured run cannot be created.
    #[error("cannot create a temporary folder: {0}; set TMPDIR to a writable folder")]
    Folder(#[from] io::Error),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
}

/// Settings of a measurement.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// Images per step.
    pub batch: usize,
    /// Images per micro-batch; `None` to split every operation over the threads instead.
    pub micro_batch: Option<usize>,
    /// Height and width of the images, px, 16 to 48.
    pub side: usize,
    /// Number format.
    pub precision: Precision,
    /// Measured steps, after two warm-up steps.
    pub steps: usize,
    /// Number of threads.
    pub threads: usize,
}

/// Results of a measurement. Durations are wall-clock milliseconds per image.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// Images per step.
    pub batch: usize,
    /// Images per micro-batch.
    pub micro_batch: Option<usize>,
    /// Height and width of the images, px.
    pub side: usize,
    /// Number format of convolutions and activations.
    pub precision: String,
    /// Number of threads.
    pub threads: usize,
    /// Waiting for the augmented batch.
    pub data: f64,
    /// Forward pass, from images to loss.
    pub forward: f64,
    /// Backward pass, from loss to gradients.
    pub backward: f64,
    /// Optimiser and weight averaging.
    pub step: f64,
    /// The whole step.
    pub total: f64,
    /// Peak resident memory of the process during training, MiB; `None` if the system does not report it.
    pub peak_memory_mib: Option<f64>,
}

/// Steps before the measurement, which fill caches and memory pools.
const WARM_UP: usize = 2;

/// Trains for some steps and returns their durations.
///
/// # Errors
/// Returns an error if the network is unknown, a setting is out of range, or libtorch fails.
pub fn run(settings: &Settings) -> Result<Figures, BenchError> {
    let recipe = recipe(settings)?;
    let device = device::best_device();
    let precision = format!("{:?}", recipe.precision.kind(device));
    let graph = catalog::build(&settings.architecture)?;
    let faces = noise(settings.batch * (WARM_UP + settings.steps + 1));
    let holdout = FaceSet::empty(faces.side);
    let folder = tempfile::tempdir()?;
    let control = Control {
        folder: folder.path().to_owned(),
        save_every: Duration::MAX,
        max_steps: Some(WARM_UP),
        threads: settings.threads,
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    tch::set_num_threads(i32::try_from(settings.threads).unwrap_or(i32::MAX));
    reset_peak_memory();
    let mut trainer = Trainer::new(graph, recipe, None, None, device, control)?;
    trainer.run(&faces, &holdout)?;
    trainer.limit(settings.steps);
    trainer.run(&faces, &holdout)?;
    Ok(figures(settings, precision, &trainer.timings()))
}

fn recipe(settings: &Settings) -> Result<Recipe, RecipeError> {
    Recipe {
        epochs: 1,
        batch: settings.batch,
        micro_batch: settings.micro_batch,
        precision: settings.precision,
        zero_init_residual: true,
        sizes: vec![Phase {
            until: 1.0,
            side: settings.side,
        }],
        ..Recipe::default()
    }
    .checked()
}

fn noise(count: usize) -> FaceSet {
    let side = catalog::INPUT_SIDE;
    let mut rng = StdRng::seed_from_u64(1);
    let mut face = |_| {
        let pixels = (0..side * side).map(|_| rng.random()).collect();
        Face::new(side, pixels).expect("side times side pixels are a face")
    };
    let faces = (0..count).map(&mut face).collect();
    let labels = (0..count)
        .map(|i| Expression::ALL[i % Expression::COUNT])
        .collect();
    FaceSet {
        side,
        faces,
        labels,
        unreadable: Vec::new(),
    }
}

fn figures(settings: &Settings, precision: String, timings: &StepTimings) -> Figures {
    let images = (settings.batch * settings.steps) as f64;
    let each = |duration: Duration| duration.as_secs_f64() * 1000.0 / images;
    Figures {
        architecture: settings.architecture.clone(),
        batch: settings.batch,
        micro_batch: settings.micro_batch,
        side: settings.side,
        precision,
        threads: settings.threads,
        data: each(timings.data),
        forward: each(timings.forward),
        backward: each(timings.backward),
        step: each(timings.step),
        total: each(timings.total),
        peak_memory_mib: peak_memory(),
    }
}

/// Resets the peak memory of the process on Linux (proc(5), `clear_refs`). On other systems the peak covers the whole
/// process.
fn reset_peak_memory() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Returns the peak resident memory in MiB (`VmHWM` of proc(5)).
fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
