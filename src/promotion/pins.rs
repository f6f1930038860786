//! Pins of models to versions. A pin is stored before it takes effect.

use std::collections::BTreeMap;

use super::Promotions;
use crate::{
    models::{ModelVersion, PersistPin, PersistPinError, PromoteError, registry::ModelView},
    store::{Store, StoreError},
};

/// Returns the stored pins by model.
///
/// # Errors
/// Returns an error if the store fails.
pub fn pins(store: &Store) -> Result<BTreeMap<String, ModelVersion>, StoreError> {
    let pins = store.pins()?.into_iter();
    Ok(pins.map(|pin| (pin.model, pin.version)).collect())
}

impl Promotions {
    /// Pins a model to its serving version.
    ///
    /// # Errors
    /// Returns the errors of [`crate::models::registry::Registry::pin`].
    pub async fn pin(&self, model: &str) -> Result<ModelView, PromoteError> {
        self.shared.registry.pin(model, self.persist(model)).await
    }

    /// Removes the pin of a model.
    ///
    /// # Errors
    /// Returns the errors of [`crate::models::registry::Registry::unpin`].
    pub async fn unpin(&self, model: &str) -> Result<ModelView, PromoteError> {
        self.shared.registry.unpin(model, self.persist(model)).await
    }

    /// Returns a callback that stores the pin of a model.
    fn persist(&self, model: &str) -> PersistPin {
        let (store, name) = (self.shared.jobs.store.clone(), self.resolve_alias(model));
        Box::new(move |version| {
            let saved = match version {
                Some(version) => store.set_pin(&name, version),
                None => store.clear_pin(&name).map(drop),
            };
            saved.map_err(|error| PersistPinError::NotSaved(error.into()))
        })
    }
}
