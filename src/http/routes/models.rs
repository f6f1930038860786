//! `GET /v1/models`, `GET /v1/models/{name}`.

mod change;
pub mod pin;
pub mod promotions;

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::change::{__path_load, __path_unload, load, unload};
pub(super) use self::change::{LOAD_PATH, UNLOAD_PATH};
use crate::{
    http::{ApiError, State, error::Problem},
    models::{
        live::{LiveModel, Phase, VersionState},
        name::Alias,
        registry::{ModelView, ResolveError},
    },
    tuning::{Point, Source},
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
    /// The version that it stands for; without one it is the highest that serves.
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
    pub facts: Option<Facts>,
}

/// What is known about a version that serves.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Facts {
    /// Class names, in output order.
    #[schema(example = json!(["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]))]
    labels: Vec<String>,
    /// The network's architecture.
    #[schema(example = "resnet-20-v1")]
    architecture: Option<String>,
    /// How many parameters it has.
    parameters: Option<u64>,
    /// The temperature that its logits are divided by.
    temperature: Option<f64>,
    /// What it was trained on.
    trained_on: Option<String>,
    /// When it was exported.
    created: Option<String>,
    /// How it was trained.
    recipe: Option<serde_json::Value>,
    /// Split -> accuracy recorded at export, 0 to 1; `test` is the whole test set.
    #[schema(example = json!({"test": 0.62, "PublicTest": 0.61, "PrivateTest": 0.63}))]
    accuracy: BTreeMap<String, f64>,
    /// SHA-256 of the model file, in hex.
    sha256: String,
    /// What a run takes.
    input: Input,
    /// How it is served.
    serving: Serving,
}

/// What a run of a model takes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Input {
    /// The input's name in the graph.
    #[schema(example = "image")]
    name: String,
    /// `uint8` or `float32`.
    #[schema(example = "uint8")]
    datatype: String,
    /// Its dimensions; `N` is any number of pictures.
    #[schema(example = json!(["N", "1", "48", "48"]))]
    shape: Vec<String>,
}

/// How a version is served.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Serving {
    /// `cpu` or `cuda:N`.
    #[schema(example = "cpu")]
    device: String,
    /// Sessions, each with its own worker thread.
    instances: usize,
    /// Cores that one run uses.
    threads: usize,
    /// The most pictures of one run.
    max_batch: usize,
    /// How long a worker waits for a batch to fill up, in milliseconds.
    max_delay_ms: u64,
    /// The most pictures that wait.
    queue_images: usize,
    /// Why instances, threads and batch size are what they are.
    tuning: Tuning,
}

/// How a version's configuration was found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Tuning {
    /// Where it is from.
    source: Source,
    /// The curve that it was chosen from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    points: Vec<Point>,
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
        facts: state.live().map(|model| facts(model)),
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

fn facts(model: &LiveModel) -> Facts {
    let manifest = model.manifest.clone();
    let options = model.batcher.options();
    let datatype = if model.signature.feeding.is_some() { "float32" } else { "uint8" };
    Facts {
        labels: manifest.labels.names().to_vec(),
        architecture: manifest.architecture,
        parameters: manifest.parameters,
        temperature: manifest.temperature,
        trained_on: manifest.trained_on,
        created: manifest.created,
        recipe: manifest.recipe,
        accuracy: manifest.accuracy,
        sha256: model.sha256.clone(),
        input: Input {
            name: model.signature.input.clone(),
            datatype: datatype.to_owned(),
            shape: model.signature.layout(),
        },
        serving: Serving {
            device: model.device.to_string(),
            instances: options.instances,
            threads: options.threads,
            max_batch: options.max_batch,
            max_delay_ms: u64::try_from(options.max_delay.as_millis()).unwrap_or(u64::MAX),
            queue_images: options.queue_images,
            tuning: Tuning { source: model.tuning.source, points: model.tuning.points.clone() },
        },
    }
}
