//! `GET /v1/models`, `GET /v1/models/{name}`.

mod load;
pub mod model_info;
pub mod pin;
pub mod promotions;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::load::{__path_load, __path_unload, load, unload};
pub(super) use self::load::{LOAD_PATH, UNLOAD_PATH};
use self::model_info::ModelInfo;
use crate::{
    http::{ApiError, State, error::Problem},
    models::{
        live::{Phase, VersionState},
        name::Alias,
        registry::{ModelView, ResolveError},
    },
};

pub(super) const LIST_PATH: &str = "/v1/models";
pub(super) const ONE_PATH: &str = "/v1/models/{name}";

/// Every model of the server.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// By name.
    models: Vec<ModelSummary>,
}

/// A model in short.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelSummary {
    /// Its name.
    #[schema(example = "resnet-20-v1")]
    name: String,
    /// Whether it answers requests that name no model.
    default: bool,
    /// What else it is called.
    aliases: Vec<AliasView>,
    /// The version that answers requests that name none; null where none serves.
    #[schema(example = "1")]
    serving: Option<String>,
    /// The version that the model is pinned to by a promotion or by hand; null where it is not.
    pinned: Option<String>,
    /// The versions on disk or in memory, lowest first.
    versions: Vec<VersionSummary>,
}

/// Another name of a model.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AliasView {
    /// The name.
    #[schema(example = "stable")]
    alias: String,
    /// The version that it stands for; without one it is the pinned one, else the highest that serves.
    #[schema(example = "1")]
    version: Option<String>,
}

/// A version in short.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionSummary {
    /// The version.
    #[schema(example = "1")]
    version: String,
    /// Where it stands.
    status: Phase,
    /// Why it does not serve; of a version that does, why the files that are on disk now do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A model in full.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelDetails {
    /// Its name.
    #[schema(example = "resnet-20-v1")]
    name: String,
    /// Whether it answers requests that name no model.
    default: bool,
    /// What else it is called.
    aliases: Vec<AliasView>,
    /// The version that answers requests that name none; null where none serves.
    #[schema(example = "1")]
    serving: Option<String>,
    /// The version that the model is pinned to by a promotion or by hand; null where it is not.
    pinned: Option<String>,
    /// The versions on disk or in memory, lowest first.
    versions: Vec<VersionDetails>,
}

/// A version in full.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionDetails {
    #[serde(flatten)]
    #[expect(missing_docs, reason = "its fields stand in its place")]
    pub summary: VersionSummary,
    /// What is known about it, where it serves.
    #[serde(flatten)]
    pub facts: Option<ModelInfo>,
}

/// Every model, with its versions: those that serve, and those that do not and why.
#[utoipa::path(get, path = LIST_PATH, tag = "models", operation_id = "listModels",
    responses((status = 200, description = "The models.", body = ModelList)))]
pub async fn list(state: web::Data<State>) -> HttpResponse {
    let models = state.registry.models().into_iter().map(ModelSummary::from).collect();
    HttpResponse::Ok().json(ModelList { models })
}

/// One model: labels, architecture, recorded accuracy, input and serving configuration of each version.
#[utoipa::path(get, path = ONE_PATH, tag = "models", operation_id = "getModel",
    params(("name" = String, Path, description = "The model's name, or an alias.", example = "resnet-20-v1")),
    responses(
        (status = 200, description = "The model.", body = ModelDetails),
        (status = 404, description = "`unknown_model`.",
            body = Problem, content_type = "application/problem+json")))]
pub async fn one(
    name: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let model = state.registry.model(&name);
    let model = model.ok_or_else(|| ResolveError::UnknownModel(name.into_inner()))?;
    let versions = model.versions.iter().map(|(version, state)| VersionDetails {
        summary: summary(*version, state),
        facts: state.live().map(|model| ModelInfo::from(&**model)),
    });
    let versions = versions.collect();
    let (serving, pinned) = (text(model.serving), text(model.pinned));
    let aliases = aliases(&model.aliases);
    let ModelView { name, default, .. } = model;
    let details = ModelDetails { name, default, aliases, serving, pinned, versions };
    Ok(HttpResponse::Ok().json(details))
}

impl From<ModelView> for ModelSummary {
    fn from(model: ModelView) -> Self {
        let versions = model.versions.iter().map(|(version, state)| summary(*version, state));
        let (versions, aliases) = (versions.collect(), aliases(&model.aliases));
        let (serving, pinned) = (text(model.serving), text(model.pinned));
        Self { name: model.name, default: model.default, aliases, serving, pinned, versions }
    }
}

/// A version as the API writes it.
fn text(version: Option<u64>) -> Option<String> {
    version.map(|version| version.to_string())
}

fn aliases(aliases: &[Alias]) -> Vec<AliasView> {
    let view = |alias: &Alias| {
        let version = text(alias.target.version);
        AliasView { alias: alias.alias.clone(), version }
    };
    aliases.iter().map(view).collect()
}

fn summary(version: u64, state: &VersionState) -> VersionSummary {
    let reason = state.problem().map(str::to_owned);
    VersionSummary { version: version.to_string(), status: state.phase(), reason }
}
