//! The Open Inference Protocol v2 over HTTP, implemented by [`crate::oip`].

pub mod infer;
pub mod models;
pub mod repository;
pub mod server;
pub(crate) mod wire;

use serde::Deserialize;
use utoipa::IntoParams;

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

/// Beginning of the paths of a model.
pub const MODEL_PREFIX: &str = "/v2/models/{model}";
/// Beginning of the paths of a version.
pub const VERSION_PREFIX: &str = "/v2/models/{model}/versions/{version}";
