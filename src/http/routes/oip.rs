//! The Open Inference Protocol v2 over HTTP, implemented by [`crate::oip`].

pub mod infer;
pub mod models;
pub mod repository;
pub mod server;
pub(crate) mod wire;

use actix_web::web;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{get, get_or_head, post};
use crate::metrics::Metrics;

/// Path parameters of a model.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ModelPath {
    /// Name or alias of the model.
    #[param(example = "resnet-20-v1")]
    model: String,
    /// Version; by default the pinned version, otherwise the highest loaded version.
    #[param(ignore)]
    version: Option<String>,
}

/// Suffixes of the path of a model or version.
pub const MODEL_PREFIX: &str = "/v2/models/{model}";
/// Prefixes of these paths.
pub const VERSION_PREFIX: &str = "/v2/models/{model}/versions/{version}";

/// Paths of GET requests.
const READ: [&str; 4] = [
    server::PATH,
    server::LIVE_PATH,
    server::READY_PATH,
    models::ALL_STATISTICS_PATH,
];
/// Paths of POST requests.
const WRITTEN: [&str; 3] = [
    repository::INDEX_PATH,
    repository::LOAD_PATH,
    repository::UNLOAD_PATH,
];
/// Suffixes of GET requests.
const MODEL_READ: [&str; 4] = ["", "/ready", "/config", "/stats"];

/// Creates the metrics of every route with the value 0.
pub(super) fn init_metrics(metrics: &Metrics) {
    READ.iter()
        .for_each(|path| metrics.init_route("GET", path, 200));
    WRITTEN
        .iter()
        .for_each(|path| metrics.init_route("POST", path, 200));
    for prefix in [MODEL_PREFIX, VERSION_PREFIX] {
        for end in MODEL_READ {
            metrics.init_route("GET", &format!("{prefix}{end}"), 200);
        }
        metrics.init_route("POST", &format!("{prefix}/infer"), 200);
    }
}

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(get(server::PATH, get_or_head().to(server::metadata)))
        .service(get(server::LIVE_PATH, get_or_head().to(server::live)))
        .service(get(server::READY_PATH, get_or_head().to(server::ready)))
        // This must precede the paths of models, which would match it.
        .service(get(
            models::ALL_STATISTICS_PATH,
            get_or_head().to(models::all_statistics),
        ))
        .service(post(
            repository::INDEX_PATH,
            web::post().to(repository::index),
        ))
        .service(post(
            repository::LOAD_PATH,
            web::post().to(repository::load),
        ))
        .service(post(
            repository::UNLOAD_PATH,
            web::post().to(repository::unload),
        ));
    for prefix in [MODEL_PREFIX, VERSION_PREFIX] {
        let path = |end: &str| format!("{prefix}{end}");
        config
            .service(get(&path(""), get_or_head().to(models::metadata)))
            .service(get(&path("/ready"), get_or_head().to(models::ready)))
            .service(get(&path("/config"), get_or_head().to(models::config)))
            .service(get(&path("/stats"), get_or_head().to(models::statistics)))
            .service(post(&path("/infer"), web::post().to(infer::infer)));
    }
}
