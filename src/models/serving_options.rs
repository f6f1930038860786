//! Serving options: queue, sessions, cores and batch size.

use std::time::Duration;

use super::{serving_limits::MAX_THREADS, version_config::VersionConfig};
use crate::{
    batching::BatchOptions,
    inference::{InferenceError, invalid_model},
    tuning::space::{Configuration, Layout, Overrides},
};

/// Serving options of models whose `mien.toml` does not override them. The tuner selects values that are `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServingOptions {
    /// Maximum number of queued images per model.
    pub max_queue_size: usize,
    /// Maximum number of images per inference call.
    pub max_batch: Option<usize>,
    /// Maximum time that an image waits for its batch to fill up.
    pub max_queue_delay: Duration,
    /// Number of sessions per model.
    pub instances: Option<usize>,
    /// Number of cores that one inference call uses.
    pub intra_op_threads: Option<usize>,
}

impl ServingOptions {
    /// Returns the values that are set, of which `mien.toml` has precedence.
    ///
    /// # Errors
    /// Returns an error if the sessions would have too many threads.
    pub fn overrides(self, config: &VersionConfig) -> Result<Overrides, InferenceError> {
        let combined = Self {
            instances: config.instances.or(self.instances),
            intra_op_threads: config.intra_op_threads.or(self.intra_op_threads),
            max_batch: config.max_batch.or(self.max_batch),
            ..self
        };
        if let Some(threads) = combined.too_many_threads() {
            return invalid_model(format!(
                "`instances` times `intra_op_threads` is {threads}, which exceeds {MAX_THREADS}; lower one of them"
            ));
        }
        Ok(Overrides {
            instances: combined.instances,
            intra_op_threads: combined.intra_op_threads,
            max_batch: combined.max_batch,
        })
    }

    /// Returns the number of threads of all sessions of a model if it exceeds [`MAX_THREADS`].
    pub fn too_many_threads(self) -> Option<usize> {
        let threads = self.instances.unwrap_or(1) * self.intra_op_threads.unwrap_or(1);
        (threads > MAX_THREADS).then_some(threads)
    }

    /// Returns the options of a batcher with this configuration.
    pub fn batch_options(self, configuration: Configuration) -> BatchOptions {
        let Self {
            max_queue_size,
            max_queue_delay,
            ..
        } = self;
        let Configuration {
            layout:
                Layout {
                    instances,
                    intra_op_threads,
                },
            max_batch,
        } = configuration;
        BatchOptions {
            max_queue_size,
            max_batch,
            max_queue_delay,
            instances,
            intra_op_threads,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_file_overrides_settings() {
        let options = ServingOptions {
            max_queue_size: 64,
            max_batch: Some(16),
            max_queue_delay: Duration::ZERO,
            instances: None,
            intra_op_threads: None,
        };
        let config: VersionConfig = "instances = 3\nmax_batch = 4".parse().unwrap();
        let combined = Overrides {
            instances: Some(3),
            intra_op_threads: None,
            max_batch: Some(4),
        };
        assert_eq!(options.overrides(&config), Ok(combined));
        let defaults = Overrides {
            instances: None,
            intra_op_threads: None,
            max_batch: Some(16),
        };
        assert_eq!(options.overrides(&VersionConfig::default()), Ok(defaults));
        let options = ServingOptions {
            intra_op_threads: Some(256),
            ..options
        };
        assert!(options.overrides(&"instances = 4".parse().unwrap()).is_ok());
        let error = options.overrides(&"instances = 5".parse().unwrap());
        assert!(error.unwrap_err().to_string().contains("is 1280"));
    }
}
