//! The consistency of the settings.

use std::collections::BTreeSet;

use super::{Settings, SettingsError};

impl Settings {
    /// Checks that the settings are consistent.
    ///
    /// # Errors
    /// Returns the first inconsistency.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let (max_images, max_queue_size) = (
            self.limits.max_images.get(),
            self.batching.max_queue_size.get(),
        );
        if max_images > max_queue_size {
            return Err(SettingsError::QueueTooShort {
                max_images,
                max_queue_size,
            });
        }
        for (index, source) in self.data.iter().enumerate() {
            if self.data[..index]
                .iter()
                .any(|other| other.name == source.name)
            {
                return Err(SettingsError::DataTwice(source.name.clone()));
            }
        }
        let mut shadowed = BTreeSet::new();
        for spec in &self.shadow.shadow {
            let alias = self.models.alias.iter().find(|a| a.alias == spec.model);
            let model = alias.map_or(&spec.model, |alias| &alias.target.name);
            if !shadowed.insert(model) {
                return Err(SettingsError::ShadowTwice(model.clone()));
            }
        }
        if let Some(threads) = self.serving_options().too_many_threads() {
            return Err(SettingsError::TooManyThreads(threads));
        }
        let choice = self.engines.choice();
        choice.check().map_err(SettingsError::Precision)?;
        self.traces.options()?;
        self.models.lifecycle().map(drop)
    }
}
