//! Finds the faces in photos.
//!
//! ```text
//! file -> decode -> DetectorImage -> Batcher<YuNet> -> crop of each face from the photo -> FoundFace
//! ```

mod photo;
mod tuning;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use mien_faces::detection::Detection;
use opentelemetry::KeyValue;
use sha2::{Digest, Sha256};

pub use self::photo::{FoundFace, PhotoFaces, PhotoOptions, StepTimes};
use crate::{
    batching::{
        BatchError, BatchOptions, Batcher, CpuBudget, RequestOptions, RetiredWorkers, record_spans,
    },
    inference::{
        InferenceError,
        onnx::{Photo, YuNet},
        runtime::{Device, Runtime},
    },
    metrics::{DetectorMetrics, Metrics},
    tuning::space::{Configuration, Layout},
};

/// Name of the detector in metrics and logs.
pub const NAME: &str = "yunet";
/// Version of the detector in metrics.
pub const VERSION: &str = "2023mar";

/// Name of the file.
const FILE: &str = "face_detection_yunet_2023mar.onnx";

/// The face detector with its queue and workers.
pub struct FaceDetector {
    runtime: Runtime,
    /// The file, for photos of any size.
    model: Arc<Vec<u8>>,
    /// SHA-256 of the file, hex.
    sha256: String,
    limits: DetectorLimits,
    metrics: DetectorMetrics,
    /// Worker threads of earlier configurations.
    retired_workers: RetiredWorkers,
    serving: ArcSwap<Serving>,
}

/// The queue and the workers of a configuration.
struct Serving {
    batcher: Batcher<YuNet>,
    configuration: Configuration,
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
    /// Opens the file of YuNet in the configuration of a detector that is not measured.
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
        let model = Arc::new(YuNet::read(path)?);
        let sha256 = hex::encode(Sha256::digest(&*model));
        let configuration = tuning::default_configuration(runtime.device());
        let retired_workers = RetiredWorkers::default();
        let serving = Serving::start(
            runtime,
            &model,
            limits,
            configuration,
            &metrics,
            &retired_workers,
        )?;
        Ok(Self {
            runtime: runtime.clone(),
            model,
            sha256,
            limits,
            metrics,
            retired_workers,
            serving: ArcSwap::from_pointee(serving),
        })
    }

    /// Returns the file that `cargo xtask setup` installs, or `None` if it is not found.
    pub fn installed_file() -> Option<PathBuf> {
        Runtime::installed(NAME, FILE)
    }

    /// Returns the maximum number of faces of a request.
    pub fn max_faces(&self) -> usize {
        self.limits.max_faces
    }

    /// Rejects at once if the queue is full or closed.
    ///
    /// # Errors
    /// Returns [`BatchError::Overloaded`] or [`BatchError::ShuttingDown`].
    pub fn ensure_capacity(&self, photos: usize) -> Result<(), BatchError> {
        self.serving.load().batcher.ensure_capacity(photos)
    }

    /// Finds the faces in one photo, largest first. Also returns the time in the queue and that of the inference.
    async fn detect(
        &self,
        photo: Photo,
        options: RequestOptions,
    ) -> Result<(Vec<Detection>, Duration, Duration), BatchError> {
        let batcher = self.serving.load().batcher.clone();
        let enqueued = Instant::now();
        let result = batcher.infer(vec![photo], options).await;
        record_spans(&result, enqueued, || {
            vec![
                KeyValue::new("mien.model.name", NAME),
                KeyValue::new("mien.model.version", VERSION),
            ]
        });
        let response = result?;
        let faces = response.rows.into_iter().next().unwrap_or_default();
        self.metrics.record_faces(faces.len());
        Ok((faces, response.queue, response.inference))
    }

    /// Closes the queue and blocks until the workers have ended.
    pub fn shut_down(&self) {
        self.serving.load().batcher.join();
        self.retired_workers.join();
    }
}

impl Serving {
    fn start(
        runtime: &Runtime,
        model: &Arc<Vec<u8>>,
        limits: DetectorLimits,
        configuration: Configuration,
        metrics: &DetectorMetrics,
        retired_workers: &RetiredWorkers,
    ) -> Result<Self, InferenceError> {
        let Layout {
            instances,
            intra_op_threads,
        } = configuration.layout;
        let options = BatchOptions {
            max_queue_size: limits.max_queue_size,
            max_batch: configuration.max_batch,
            max_queue_delay: Duration::ZERO,
            instances,
            intra_op_threads,
        };
        let cores = match runtime.device() {
            Device::Cpu => CpuBudget::of_machine(),
            Device::Cuda(_) => CpuBudget::unlimited(),
        };
        let (runtime, model) = (runtime.clone(), Arc::clone(model));
        let factory = move || YuNet::open(&runtime, &model, intra_op_threads).map(Box::new);
        let factory = Arc::new(factory) as _;
        let batcher = Batcher::start(NAME, &factory, options, cores, metrics.model.clone())?;
        batcher.set_reaper(retired_workers);
        Ok(Self {
            batcher,
            configuration,
        })
    }
}
