//! The service behind both transports: metadata, repository control and inference.

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

/// The protocol service for the models of a server.
pub struct Service {
    registry: Arc<Registry>,
    decoder: Arc<Decoder>,
    limits: Arc<LimitSettings>,
}

impl Service {
    /// Creates the service.
    pub fn new(registry: Arc<Registry>, decoder: Arc<Decoder>, limits: Arc<LimitSettings>) -> Self {
        Self {
            registry,
            decoder,
            limits,
        }
    }

    /// Returns the metadata of the server.
    pub fn metadata(&self) -> ServerMetadata {
        ServerMetadata::new()
    }

    /// Returns the model of a request. An absent or empty version selects the serving version.
    ///
    /// # Errors
    /// Returns [`Kind::NotFound`].
    pub fn model(&self, name: &str, version: Option<&str>) -> Result<Arc<LiveModel>, Error> {
        let version = version.filter(|version| !version.is_empty());
        Ok(self.registry.resolve(Some(name), version)?)
    }

    /// Returns the metadata of a model.
    ///
    /// # Errors
    /// Returns [`Kind::NotFound`].
    pub fn model_metadata(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<ModelMetadata, Error> {
        let model = self.model(name, version)?;
        let versions = self.live(name)?.into_iter().map(|model| model.version);
        Ok(ModelMetadata::of(&model, versions.collect()))
    }

    /// Returns the configuration of a model.
    ///
    /// # Errors
    /// Returns [`Kind::NotFound`].
    pub fn model_config(&self, name: &str, version: Option<&str>) -> Result<ModelConfig, Error> {
        Ok(ModelConfig::of(&*self.model(name, version)?, &self.limits))
    }

    /// Returns the statistics of all models, one model or one version.
    ///
    /// # Errors
    /// Returns [`Kind::NotFound`].
    pub fn statistics(
        &self,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<Vec<ModelStatistics>, Error> {
        let name = name.filter(|name| !name.is_empty());
        let version = version.filter(|version| !version.is_empty());
        let models = match (name, version) {
            (None, _) => {
                let all = self
                    .registry
                    .models()
                    .into_iter()
                    .flat_map(|model| model.versions);
                all.filter_map(|(_, state)| state.live().cloned()).collect()
            }
            (Some(name), None) => self.live(name)?,
            (Some(name), version) => vec![self.model(name, version)?],
        };
        Ok(models
            .iter()
            .map(|model| ModelStatistics::of(model))
            .collect())
    }

    /// Lists all versions, or only the loaded ones if `ready`.
    pub fn repository(&self, ready: bool) -> Vec<ModelIndex> {
        super::repository::index(&self.registry, ready)
    }

    /// Loads or reloads a model from disk. The previous versions serve until then.
    ///
    /// # Errors
    /// Returns [`Kind::NotFound`]; [`Kind::Invalid`] if the model cannot be served, or if the names in `parameters` request another
    /// configuration or other files; [`Kind::Unavailable`] if too many changes are pending.
    pub async fn load(
        &self,
        name: &str,
        mut parameters: impl Iterator<Item = &str>,
    ) -> Result<(), Error> {
        if let Some(other) = parameters.find(|name| *name == "config" || name.starts_with("file:"))
        {
            let message = format!(
                "parameter `{other}` is not supported; models and their mien.toml are loaded from the repository only"
            );
            return Err(Error::invalid(message));
        }
        self.registry.load_model(name).await?;
        Ok(())
    }

    /// Unloads all versions of a model.
    ///
    /// # Errors
    /// Returns [`Kind::NotFound`], and [`Kind::Unavailable`] if too many changes are pending.
    pub async fn unload(&self, name: &str) -> Result<(), Error> {
        self.registry.unload_model(name).await?;
        Ok(())
    }

    /// Returns the tensor of a raw body.
    pub fn raw_input(&self, model: &LiveModel, body: Bytes) -> InputTensor {
        input::raw(&model.signature, body)
    }

    /// Runs inference for a request.
    ///
    /// # Errors
    /// Returns an error of any [`Kind`].
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
        let deadline = request
            .timeout
            .map_or(deadline, |time| deadline.min(start + time));
        let priority = if request.priority > 1 {
            Priority::Background
        } else {
            Priority::Live
        };

        let count = images.len();
        if priority == Priority::Live {
            model.batcher.ensure_capacity(count)?;
        }
        let inputs = self.faces(model, images, deadline).await?;
        let preprocess = start.elapsed();
        let call = RequestOptions {
            deadline: Some(deadline),
            priority,
        };
        let raw = inputs.iter().any(|input| matches!(input, Input::Tensor(_)));
        let response = match model.batcher.classify(inputs, call).await {
            // Finite inputs can still overflow inside the network.
            Err(BatchError::InvalidOutput(_)) if raw => {
                return Err(Error::invalid(
                    "the model's output contains NaN or infinity for these values",
                ));
            }
            result => result?,
        };
        model.metrics.predictions(&response.rows);
        let finish = Instant::now();
        let outputs = output::tensors(columns, &response, &model.manifest.labels);
        model
            .metrics
            .statistics()
            .converted(preprocess, finish.elapsed());
        Ok(InferResponse {
            id: request.id,
            model: model.name.clone(),
            version: model.version,
            outputs,
            preprocess,
            queue: response.queue,
            inference: response.inference,
        })
    }

    /// Decodes image files. One invalid image fails the request.
    async fn faces(
        &self,
        model: &LiveModel,
        images: Images,
        deadline: Instant,
    ) -> Result<Vec<Input>, Error> {
        let encoded = match images {
            Images::Ready(inputs) => return Ok(inputs),
            Images::Encoded(encoded) => encoded,
        };
        let count = encoded.len();
        let decoding = self.decoder.decode(encoded, model.signature.side);
        let Ok(decoded) = timeout_at(deadline.into(), decoding).await else {
            model.metrics.images(Outcome::Expired, count);
            let message = "the deadline passed before the images were decoded";
            return Err(Error::new(Kind::DeadlineExceeded, message));
        };
        let faces = decoded?.into_iter().enumerate().map(|(index, face)| {
            face.map(Input::Face).map_err(|error| {
                let message = format!("image {index}: {error}");
                Error::new(Error::from(error).kind(), message)
            })
        });
        faces.collect::<Result<_, _>>().inspect_err(|_| {
            model.metrics.images(Outcome::Invalid, count);
        })
    }

    /// Returns the loaded versions of a model in ascending order; for an alias of a version, only that version.
    fn live(&self, name: &str) -> Result<Vec<Arc<LiveModel>>, Error> {
        let unknown = || ResolveError::UnknownModel(name.to_owned());
        let model = self.registry.model(name).ok_or_else(unknown)?;
        let is_alias = |alias: &Alias| alias.alias == name && alias.target.version.is_some();
        if model.aliases.iter().any(is_alias) {
            return Ok(vec![self.model(name, None)?]);
        }
        Ok(model
            .versions
            .values()
            .filter_map(VersionState::live)
            .cloned()
            .collect())
    }
}
