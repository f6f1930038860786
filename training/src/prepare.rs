//! Turns photos into a data set like FER2013: finds the face in each photo and crops it.

mod crops;
mod summary;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use mien_faces::{
    dataset::{Dataset, DatasetError, Sample, Split},
    detection::DetectionOptions,
};

pub use self::summary::{PhotoOutcome, Summary};
use crate::onnx::{
    session::Runtime,
    yunet::{DetectorError, YuNet},
};

/// What to do with a photo of several faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum SeveralFaces {
    /// Crop the largest face.
    #[default]
    Largest,
    /// Leave the photo out.
    Skip,
}

/// Settings of a preparation.
#[derive(Debug, Clone)]
pub struct Options {
    /// Directory of the data set to write. It must not exist or be empty.
    pub out: PathBuf,
    /// Rows and columns of the crops.
    pub side: usize,
    /// What to do with a photo of several faces.
    pub several: SeveralFaces,
    /// Which detections are faces.
    pub detection: DetectionOptions,
    /// Number of threads.
    pub threads: usize,
}

/// Why a data set cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The photos cannot be listed.
    #[error(transparent)]
    Photos(#[from] DatasetError),
    /// The output directory has files.
    #[error("{0} is not empty; choose another directory or remove its files")]
    NotEmpty(PathBuf),
    /// A file or directory cannot be read or written.
    #[error("cannot access {path}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The detector failed.
    #[error(transparent)]
    Detector(#[from] DetectorError),
}

impl PrepareError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}

/// Lists photos: a directory with `train/` or `test/` of class directories, or a directory of classes, which become `train`.
///
/// # Errors
/// Returns an error if the directory has neither, or cannot be read.
pub fn photos(directory: &Path) -> Result<Dataset, DatasetError> {
    match Dataset::open(directory) {
        Err(DatasetError::NoSplits { .. }) => Dataset::open_classes(directory, Split::Train),
        listed => listed,
    }
}

/// Crops the faces of all photos to `<out>/{train,test}/<class>/<name>.png`. Calls `advance` after each photo.
///
/// # Errors
/// Returns an error if the output directory is not empty or cannot be written, or the detector fails. A photo that cannot be read
/// is counted.
pub fn prepare(
    photos: &Dataset,
    runtime: &Runtime,
    detector: &[u8],
    options: &Options,
    advance: impl Fn() + Sync,
) -> Result<Summary, PrepareError> {
    crops::require_empty(&options.out)?;
    let samples: Vec<(Split, &Sample)> = [Split::Train, Split::Test]
        .into_iter()
        .flat_map(|split| {
            photos
                .samples(split)
                .iter()
                .map(move |sample| (split, sample))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, PhotoOutcome)>, PrepareError> {
        let mut detector = YuNet::open(runtime, detector)?;
        let mut outcomes = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(split, sample)) = samples.get(index) else {
                return Ok(outcomes);
            };
            outcomes.push((index, crops::crop(sample, split, &mut detector, options)?));
            advance();
        }
    };
    let outcomes: Result<Vec<_>, PrepareError> = thread::scope(|scope| {
        let workers: Vec<_> = (0..options.threads.max(1))
            .map(|_| scope.spawn(work))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut outcomes: Vec<_> = outcomes?.into_iter().flatten().collect();
    outcomes.sort_by_key(|(index, _)| *index);
    let outcomes = outcomes.into_iter().map(|(index, outcome)| {
        let (_, sample) = samples[index];
        (sample.name.clone(), outcome)
    });
    Ok(Summary::new(outcomes.collect()))
}
