//! What both doors ask: documents about server and models, and inference.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use tokio::time::timeout_at;

use super::{
    Error, InferRequest, InferResponse, InputTensor, Kind, ModelConfig, ModelIndex, ModelMetadata,
    ModelStatistics, ServerMetadata,
    input::{self, Images},
    output,
};
use crate::{
    batching::{BatchError, Priority, RequestOptions},
    inference::Input,
    intake::decoder::Decoder,
    metrics::Outcome,
    models::{
        name::Alias,
        registry::{LiveModel, Registry, ResolveError, VersionState},
    },
    settings::LimitSettings,
};

/// The protocol's service over the models of a server.
pub struct Service {
    registry: Arc<Registry>,
    decoder: Arc<Decoder>,
    limits: LimitSettings,
}

impl Service {
    /// A service over these models.
    pub fn new(registry: Arc<Registry>, decoder: Arc<Decoder>, limits: LimitSettings) -> Self {
        Self { registry, decoder, limits }
    }

    /// What a client may send.
    pub fn limits(&self) -> &LimitSettings {
        &self.limits
    }

    /// What the server is.
    pub fn metadata(&self) -> ServerMetadata {
        ServerMetadata::new()
    }

    /// The model that a request means: the highest version that serves where it names none, or an empty one.
    ///
    /// # Errors
    /// [`Kind::NotFound`].
    pub fn model(&self, name: &str, version: Option<&str>) -> Result<Arc<LiveModel>, Error> {
        let version = version.filter(|version| !version.is_empty());
        Ok(self.registry.resolve(Some(name), version)?)
    }

    /// What a model takes and gives.
    ///
    /// # Errors
    /// [`Kind::NotFound`].
    pub fn model_metadata(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<ModelMetadata, Error> {
        let model = self.model(name, version)?;
        let versions = self.live(name)?.into_iter().map(|model| model.version.to_string());
        Ok(ModelMetadata::of(&model, versions.collect()))
    }

    /// How a model is served.
    ///
    /// # Errors
    /// [`Kind::NotFound`].
    pub fn model_config(&self, name: &str, version: Option<&str>) -> Result<ModelConfig, Error> {
        Ok(ModelConfig::of(&*self.model(name, version)?, &self.limits))
    }

    /// What versions have done: those of every model, of one model, or one version.
    ///
    /// # Errors
    /// [`Kind::NotFound`].
    pub fn statistics(
        &self,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<Vec<ModelStatistics>, Error> {
        let name = name.filter(|name| !name.is_empty());
        let version = version.filter(|version| !version.is_empty());
        let models = match (name, version) {
            (None, _) => {
                let all = self.registry.models().into_iter().flat_map(|model| model.versions);
                all.filter_map(|(_, state)| state.live().cloned()).collect()
            }
            (Some(name), None) => self.live(name)?,
            (Some(name), version) => vec![self.model(name, version)?],
        };
        Ok(models.iter().map(|model| ModelStatistics::of(model)).collect())
    }

    /// Every version that the server knows; only those that serve where `ready`.
    pub fn repository(&self, ready: bool) -> Vec<ModelIndex> {
        super::repository::index(&self.registry, ready)
    }

    /// Loads a model, or loads it anew, from what is on disk now. What served before goes on until then.
    ///
    /// # Errors
    /// [`Kind::NotFound`]; [`Kind::Invalid`] where it cannot be served, or `parameters` (their names) ask for another
    /// configuration or other files; [`Kind::Unavailable`] where too many changes wait.
    pub async fn load(
        &self,
        name: &str,
        mut parameters: impl Iterator<Item = &str>,
    ) -> Result<(), Error> {
        if let Some(other) = parameters.find(|name| *name == "config" || name.starts_with("file:"))
        {
            let message = format!(
                "parameter `{other}`: models are loaded from the models folder alone, with its mien.toml"
            );
            return Err(Error::invalid(message));
        }
        self.registry.load_model(name).await?;
        Ok(())
    }

    /// Takes a model out of service, all its versions.
    ///
    /// # Errors
    /// [`Kind::NotFound`]; [`Kind::Unavailable`] where too many changes wait.
    pub async fn unload(&self, name: &str) -> Result<(), Error> {
        self.registry.unload_model(name).await?;
        Ok(())
    }

    /// The tensor that data without a description are.
    pub fn raw_input(&self, model: &LiveModel, body: Bytes) -> InputTensor {
        input::raw(&model.signature, body)
    }

    /// Answers a request.
    ///
    /// # Errors
    /// Those of [`Kind`].
    pub async fn infer(
        &self,
        model: &LiveModel,
        request: InferRequest,
        deadline: Instant,
    ) -> Result<InferResponse, Error> {
        let start = Instant::now();
        let columns = output::select(&request.outputs, &model.signature)?;
        let max_images = self.limits.max_images.get();
        let images = input::images(request.inputs, &model.signature, max_images)?;
        let deadline = request.timeout.map_or(deadline, |time| deadline.min(start + time));
        let priority = if request.priority > 1 { Priority::Background } else { Priority::Live };

        let count = images.len();
        if priority == Priority::Live {
            model.batcher.ensure_capacity(count)?;
        }
        let inputs = self.faces(model, images, deadline).await?;
        let preprocess = start.elapsed();
        let call = RequestOptions { deadline: Some(deadline), priority };
        let raw = inputs.iter().any(|input| matches!(input, Input::Tensor(_)));
        let answers = match model.batcher.classify(inputs, call).await {
            // Floats that are finite may still be too large for a network to do sums with.
            Err(BatchError::InvalidOutput(_)) if raw => {
                return Err(Error::invalid(
                    "the model has no answer to these values: its own overflow",
                ));
            }
            answers => answers?,
        };
        model.metrics.predictions(&answers.rows);
        let finish = Instant::now();
        let outputs = output::tensors(columns, &answers, &model.manifest.labels);
        model.metrics.statistics().converted(preprocess, finish.elapsed());
        Ok(InferResponse {
            id: request.id,
            model: model.name.clone(),
            version: model.version.to_string(),
            outputs,
            preprocess,
            queue: answers.queue,
            inference: answers.inference,
        })
    }

    /// Decodes what is encoded. One picture that cannot be read fails the request.
    async fn faces(
        &self,
        model: &LiveModel,
        images: Images,
        deadline: Instant,
    ) -> Result<Vec<Input>, Error> {
        let pictures = match images {
            Images::Ready(inputs) => return Ok(inputs),
            Images::EncodedImage(pictures) => pictures,
        };
        let count = pictures.len();
        let decoding = self.decoder.decode(pictures, model.signature.side);
        let Ok(decoded) = timeout_at(deadline.into(), decoding).await else {
            model.metrics.images(Outcome::Expired, count);
            let message = "the deadline passed before the pictures were decoded";
            return Err(Error::new(Kind::DeadlineExceeded, message));
        };
        let faces = decoded?.into_iter().enumerate().map(|(index, face)| {
            face.map(Input::Face).map_err(|error| {
                let message = format!("picture {index}: {error}");
                Error::new(Error::from(error).kind(), message)
            })
        });
        faces.collect::<Result<_, _>>().inspect_err(|_| {
            model.metrics.images(Outcome::Invalid, count);
        })
    }

    /// The versions of a model that serve, lowest first; of an alias of one version that one.
    fn live(&self, name: &str) -> Result<Vec<Arc<LiveModel>>, Error> {
        let unknown = || ResolveError::UnknownModel(name.to_owned());
        let model = self.registry.model(name).ok_or_else(unknown)?;
        let is_alias = |alias: &Alias| alias.alias == name && alias.target.version.is_some();
        if model.aliases.iter().any(is_alias) {
            return Ok(vec![self.model(name, None)?]);
        }
        Ok(model.versions.values().filter_map(VersionState::live).cloned().collect())
    }
}
