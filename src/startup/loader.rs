//! The loader of models.

use std::sync::Arc;

use super::{StartupError, credentials};
use crate::{
    batching::{RetiredWorkers, StartMode},
    drift::Monitors,
    inference::runtime::Runtime,
    metrics::Metrics,
    models::{engines::Engines, load::ModelLoader},
    settings::Settings,
    tuning::{self, Tuner},
};

/// Opens ONNX Runtime and reads the public keys of signed models.
pub(super) fn loader(
    settings: &Settings,
    metrics: &Arc<Metrics>,
    drift: Option<Arc<Monitors>>,
) -> Result<ModelLoader, StartupError> {
    let cache = tuning::cache_directory(settings.tuning.tune_cache.clone());
    let runtime = Runtime::load(
        settings.engines.device,
        settings.cuda.options(),
        settings.batching.inference_timeout,
    )?;
    Ok(ModelLoader {
        runtime: runtime.with_openvino(settings.engines.openvino(cache.clone())),
        options: settings.serving_options(),
        tuner: Tuner::new(settings.tuning.options()),
        default_batch: None,
        engines: Engines::new(settings.engines.choice(), cache),
        verifier: credentials::verifier(settings)?,
        metrics: Arc::clone(metrics),
        drift,
        retired_workers: RetiredWorkers::default(),
        startup_mode: StartMode::FirstWorker,
    })
}
