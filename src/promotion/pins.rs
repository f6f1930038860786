//! Pins: those that are kept, and by hand, written down before they come true.

use std::collections::BTreeMap;

use super::{Promotions, runner::unkept};
use crate::{
    models::{Commit, PromoteError, name::parse_version, registry::ModelView},
    store::{Pin, Store, StoreError},
};

/// The versions that models are pinned to.
///
/// # Errors
/// When the store fails.
pub fn pins(store: &Store) -> Result<BTreeMap<String, u64>, StoreError> {
    let pins = store.pins()?.into_iter();
    let number = |pin: Pin| Some((pin.model, parse_version(&pin.version)?));
    Ok(pins.filter_map(number).collect())
}

impl Promotions {
    /// Pins a model to the version that serves.
    ///
    /// # Errors
    /// Those of [`crate::models::registry::Registry::pin`].
    pub async fn pin(&self, model: &str) -> Result<ModelView, PromoteError> {
        self.shared.registry.pin(model, self.commit(model)).await
    }

    /// Releases the pin of a model.
    ///
    /// # Errors
    /// Those of [`crate::models::registry::Registry::release`].
    pub async fn release(&self, model: &str) -> Result<ModelView, PromoteError> {
        self.shared.registry.release(model, self.commit(model)).await
    }

    /// What writes the pin of a model down.
    fn commit(&self, model: &str) -> Commit {
        let (store, name) = (self.shared.store.clone(), self.real_name(model));
        Box::new(move |version| {
            let kept = match version {
                Some(version) => store.set_pin(&name, &version.to_string()),
                None => store.clear_pin(&name).map(drop),
            };
            kept.map_err(|error| unkept(&error))
        })
    }
}
