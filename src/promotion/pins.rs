//! Pins by hand, written down before they come true.

use super::{Promotions, work::unkept};
use crate::{
    models::{PromoteError, registry::ModelView},
    state::Store,
};

impl Promotions {
    /// Pins a model to the version that serves.
    ///
    /// # Errors
    /// Those of [`crate::models::registry::Registry::pin`].
    pub async fn pin(&self, model: &str) -> Result<ModelView, PromoteError> {
        let registry = &self.shared.registry;
        let (store, name) = (self.shared.store.clone(), self.real_name(model));
        registry.pin(model, Box::new(move |version| keep(&store, &name, version))).await
    }

    /// Releases the pin of a model.
    ///
    /// # Errors
    /// Those of [`crate::models::registry::Registry::release`].
    pub async fn release(&self, model: &str) -> Result<ModelView, PromoteError> {
        let registry = &self.shared.registry;
        let (store, name) = (self.shared.store.clone(), self.real_name(model));
        registry.release(model, Box::new(move |version| keep(&store, &name, version))).await
    }
}

fn keep(store: &Store, model: &str, version: Option<u64>) -> Result<(), String> {
    let kept = match version {
        Some(version) => store.set_pin(model, &version.to_string()),
        None => store.clear_pin(model).map(drop),
    };
    kept.map_err(|error| unkept(&error))
}
