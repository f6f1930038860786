//! The consistency of the settings.

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
        let shadows = &self.shadow.shadow;
        for (index, spec) in shadows.iter().enumerate() {
            if shadows[..index]
                .iter()
                .any(|other| other.model == spec.model)
            {
                return Err(SettingsError::ShadowTwice(spec.model.clone()));
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
