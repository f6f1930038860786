//! `GET /v1/models`, `GET /v1/models/{name}`.

pub mod load;
pub mod model_info;
pub mod pin;
pub mod promotions;
pub mod shadow;
mod version_details;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::{model_info::ModelInfo, version_details::VersionDetails};
use crate::{
    app::AppState,
    http::ApiError,
    models::{
        ModelVersion,
        live::{Phase, VersionState},
        name::Alias,
        registry::{ModelView, ResolveError},
        repository::IgnoredPath,
    },
    shadow::ShadowReport,
};

const LIST_PATH: &str = "/v1/models";
const ONE_PATH: &str = "/v1/models/{name}";

/// All models.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// Models, sorted by name.
    models: Vec<ModelSummary>,
    /// Files and directories in the models directory that look like models but have the wrong name or place, at most 100.
    ignored: Vec<IgnoredView>,
}

/// A file or directory that looks like a model and is not loaded.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct IgnoredView {
    /// Path in the models directory.
    #[schema(example = "mine/v1")]
    path: String,
    /// The expected path or content.
    #[schema(example = "mine/N, N a positive integer without leading zeros, for example mine/1")]
    expected: String,
}

/// Summary of a model.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelSummary {
    /// Name of the model.
    #[schema(example = "resnet-20-v1")]
    name: String,
    /// Whether it is the default model.
    default: bool,
    /// Aliases of the model.
    aliases: Vec<AliasView>,
    /// The version that serves requests without a version; null if none is loaded.
    #[schema(value_type = Option<String>, example = "1")]
    serving: Option<ModelVersion>,
    /// The version that the model is pinned to; null without a pin.
    #[schema(value_type = Option<String>)]
    pinned: Option<ModelVersion>,
    /// Versions on disk or in memory in ascending order.
    versions: Vec<VersionSummary>,
}

/// An alias of a model.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AliasView {
    /// Name of the alias.
    #[schema(example = "stable")]
    alias: String,
    /// The version that the alias refers to; by default the pinned version, otherwise the highest loaded version.
    #[schema(value_type = Option<String>, example = "1")]
    version: Option<ModelVersion>,
}

/// Summary of a version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionSummary {
    /// Version.
    #[schema(value_type = String, example = "1")]
    version: ModelVersion,
    /// Status of the version.
    status: Phase,
    /// Views of a face whose probabilities the version averages inside its graph: 2 if it adds the mirror image, else 1.
    /// Absent if the version does not serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    views: Option<u32>,
    /// Why the version is not loaded, or why the changed files of a loaded version cannot be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Details of a model.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelDetails {
    /// Name of the model.
    #[schema(example = "resnet-20-v1")]
    name: String,
    /// Whether it is the default model.
    default: bool,
    /// Aliases of the model.
    aliases: Vec<AliasView>,
    /// The version that serves requests without a version; null if none is loaded.
    #[schema(value_type = Option<String>, example = "1")]
    serving: Option<ModelVersion>,
    /// The version that the model is pinned to; null without a pin.
    #[schema(value_type = Option<String>)]
    pinned: Option<ModelVersion>,
    /// Versions on disk or in memory in ascending order.
    versions: Vec<VersionDetails>,
    /// The running shadow, otherwise the last one. Absent if no shadow of the model has run since the start of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<ShadowReport>,
}

/// List all models with their versions, the reason for each version that is not loaded, and paths that look like models.
#[utoipa::path(get, path = LIST_PATH, tag = "models", operation_id = "listModels",
    responses((status = 200, description = "The models.", body = ModelList)))]
pub async fn list(state: web::Data<AppState>) -> HttpResponse {
    let models = state
        .registry
        .models()
        .into_iter()
        .map(ModelSummary::from)
        .collect();
    let ignored = state.registry.ignored();
    let view = |IgnoredPath { path, expected }: &IgnoredPath| IgnoredView {
        path: path.clone(),
        expected: expected.clone(),
    };
    let ignored = ignored.iter().map(view).collect();
    HttpResponse::Ok().json(ModelList { models, ignored })
}

/// Return a model with labels, architecture, recorded accuracy, input and serving configuration of each version.
#[utoipa::path(get, path = ONE_PATH, tag = "models", operation_id = "getModel",
    params(("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1")),
    responses(
        (status = 200, description = "The model.", body = ModelDetails),))]
pub async fn get(
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let model = state.registry.model(&name);
    let model = model.ok_or_else(|| ResolveError::UnknownModel(name.into_inner()))?;
    let versions = model
        .versions
        .iter()
        .map(|(version, state)| VersionDetails {
            summary: summary(*version, state),
            info: state.live().map(|model| ModelInfo::from(&**model)),
        });
    let versions = versions.collect();
    let aliases = aliases(&model.aliases);
    let shadow = state.shadows.get(&model.name);
    let ModelView {
        name,
        default,
        serving,
        pinned,
        ..
    } = model;
    let details = ModelDetails {
        name,
        default,
        aliases,
        serving,
        pinned,
        versions,
        shadow,
    };
    Ok(HttpResponse::Ok().json(details))
}

impl From<ModelView> for ModelSummary {
    fn from(model: ModelView) -> Self {
        let versions = model
            .versions
            .iter()
            .map(|(version, state)| summary(*version, state));
        let (versions, aliases) = (versions.collect(), aliases(&model.aliases));
        Self {
            name: model.name,
            default: model.default,
            aliases,
            serving: model.serving,
            pinned: model.pinned,
            versions,
        }
    }
}

fn aliases(aliases: &[Alias]) -> Vec<AliasView> {
    let view = |alias: &Alias| AliasView {
        alias: alias.alias.clone(),
        version: alias.target.version,
    };
    aliases.iter().map(view).collect()
}

fn summary(version: ModelVersion, state: &VersionState) -> VersionSummary {
    let reason = state.problem().map(str::to_owned);
    let views = state.live().map(|model| model.manifest.views.get());
    VersionSummary {
        version,
        status: state.phase(),
        views,
        reason,
    }
}
