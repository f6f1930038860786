//! The service behind both transports: metadata and repository control; inference is in `infer`.

mod infer;

use std::sync::Arc;

use super::{Error, ModelConfig, ModelIndex, ModelMetadata, ModelStatistics, ServerMetadata};
use crate::{
    excerpt::Excerpt,
    intake::decoder::Decoder,
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
    /// Returns [`super::Kind::NotFound`].
    pub fn model(&self, name: &str, version: Option<&str>) -> Result<Arc<LiveModel>, Error> {
        let version = version.filter(|version| !version.is_empty());
        Ok(self.registry.resolve(Some(name), version)?)
    }

    /// Returns the metadata of a model.
    ///
    /// # Errors
    /// Returns [`super::Kind::NotFound`].
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
    /// Returns [`super::Kind::NotFound`].
    pub fn model_config(&self, name: &str, version: Option<&str>) -> Result<ModelConfig, Error> {
        Ok(ModelConfig::of(&*self.model(name, version)?, &self.limits))
    }

    /// Returns the statistics of all models, one model or one version.
    ///
    /// # Errors
    /// Returns [`super::Kind::NotFound`].
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
    /// Returns [`super::Kind::NotFound`]; [`super::Kind::Invalid`] if the model cannot be served, or if the names in `parameters` request another
    /// configuration or other files; [`super::Kind::Unavailable`] if too many changes are pending.
    pub async fn load(
        &self,
        name: &str,
        mut parameters: impl Iterator<Item = &str>,
    ) -> Result<(), Error> {
        if let Some(other) = parameters.find(|name| *name == "config" || name.starts_with("file:"))
        {
            let message = format!(
                "parameter `{}` is not supported; models and their mien.toml are loaded from the repository only",
                Excerpt(other)
            );
            return Err(Error::invalid(message));
        }
        self.registry.load_model(name).await?;
        Ok(())
    }

    /// Unloads all versions of a model.
    ///
    /// # Errors
    /// Returns [`super::Kind::NotFound`], and [`super::Kind::Unavailable`] if too many changes are pending.
    pub async fn unload(&self, name: &str) -> Result<(), Error> {
        self.registry.unload_model(name).await?;
        Ok(())
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
