//! Finds the faces in photos.
//!
//! ```text
//! file -> decode -> DetectorImage -> Batcher<YuNet> -> crop of each face from the photo -> FoundFace
//! ```

mod photo;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use mien_faces::detection::Detection;

pub use self::photo::{FoundFace, PhotoFaces, PhotoOptions, StepTimes};
use crate::{
    batching::{BatchError, BatchOptions, Batcher, CpuBudget, RequestOptions},
    inference::{
        InferenceError,
        onnx::{Photo, YuNet},
        runtime::{Device, Runtime},
    },
    metrics::{DetectorMetrics, Metrics},
};

/// Name of the detector in metrics and logs.
pub const NAME: &str = "yunet";
/// Version of the detector in metrics.
pub const VERSION: &str = "2023mar";

/// Name of the file.
const FILE: &str = "face_detection_yunet_2023mar.onnx";

/// Maximum number of photos per call on a GPU. On a CPU a photo takes as long in a batch as alone, so a worker takes one.
const GPU_BATCH: usize = 8;

/// The face detector with its queue and workers.
pub struct FaceDetector {
    batcher: Batcher<YuNet>,
    metrics: DetectorMetrics,
    max_faces: usize,
}

/// Limits of the detector.
#[derive(Debug, Clone, Copy)]
pub struct DetectorLimits {
    /// Maximum number of queued photos.
    pub max_queue_size: usize,
    /// Maximum number of faces of a request.
    pub max_faces: usize,
}

impl FaceDetector {
    /// Opens the file of YuNet in one worker per core, each with one thread.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is not YuNet.
    pub fn start(
        runtime: &Runtime,
        path: &Path,
        limits: DetectorLimits,
        metrics: &Metrics,
    ) -> Result<Self, InferenceError> {
        let metrics = metrics.detector(NAME, VERSION);
        let (cores, instances, max_batch) = match runtime.device() {
            Device::Cpu => {
                let cores = mien_host::cpu::available_cores();
                (CpuBudget::of_machine(), cores, 1)
            }
            Device::Cuda(_) => (CpuBudget::unlimited(), 1, GPU_BATCH),
        };
        let options = BatchOptions {
            max_queue_size: limits.max_queue_size,
            max_batch,
            max_queue_delay: Duration::ZERO,
            instances,
            intra_op_threads: 1,
        };
        let (runtime, model) = (runtime.clone(), YuNet::read(path)?);
        let factory = move || YuNet::open(&runtime, &model, 1).map(Box::new);
        let batcher = Batcher::start(
            NAME,
            &(Arc::new(factory) as _),
            options,
            cores,
            metrics.model.clone(),
        )?;
        Ok(Self {
            batcher,
            metrics,
            max_faces: limits.max_faces,
        })
    }

    /// Returns the file that `cargo xtask setup` installs, or `None` if it is not found.
    pub fn installed_file() -> Option<PathBuf> {
        Runtime::installed(NAME, FILE)
    }

    /// Returns the maximum number of faces of a request.
    pub fn max_faces(&self) -> usize {
        self.max_faces
    }

    /// Rejects at once if the queue is full or closed.
    ///
    /// # Errors
    /// Returns [`BatchError::Overloaded`] or [`BatchError::ShuttingDown`].
    pub fn ensure_capacity(&self, photos: usize) -> Result<(), BatchError> {
        self.batcher.ensure_capacity(photos)
    }

    /// Finds the faces in one photo, largest first. Also returns the time in the queue and that of the inference.
    async fn detect(
        &self,
        photo: Photo,
        options: RequestOptions,
    ) -> Result<(Vec<Detection>, Duration, Duration), BatchError> {
        let response = self.batcher.infer(vec![photo], options).await?;
        let faces = response.rows.into_iter().next().unwrap_or_default();
        self.metrics.record_faces(faces.len());
        Ok((faces, response.queue, response.inference))
    }

    /// Closes the queue and blocks until the workers have ended.
    pub fn shut_down(&self) {
        self.batcher.join();
    }
}
