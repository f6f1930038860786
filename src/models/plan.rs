//! How a model is served: sessions, cores and batch size.

use std::time::Duration;

use super::sidecar::Sidecar;
use crate::{
    batching::BatchOptions,
    tuning::space::{Configuration, Layout, Overrides},
};

/// How models are served where their sidecar says nothing else. `None` is chosen by the tuner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServingOptions {
    /// The queue, and the batch where it is given.
    pub max_queue_size: usize,
    /// The most images of one run.
    pub max_batch: Option<usize>,
    /// How long a worker waits for a batch to fill up.
    pub max_queue_delay: Duration,
    /// Sessions of each model.
    pub instances: Option<usize>,
    /// Cores that one run uses.
    pub intra_op_threads: Option<usize>,
}

impl ServingOptions {
    /// What the sidecar says, and where it says nothing the settings.
    pub fn given(self, sidecar: &Sidecar) -> Overrides {
        Overrides {
            instances: sidecar.instances.or(self.instances),
            intra_op_threads: sidecar.intra_op_threads.or(self.intra_op_threads),
            max_batch: sidecar.max_batch.or(self.max_batch),
        }
    }

    /// The same for a batcher, with what was chosen.
    pub fn batch_options(self, chosen: Configuration) -> BatchOptions {
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
        } = chosen;
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
    fn the_sidecar_overrides_the_settings() {
        let options = ServingOptions {
            max_queue_size: 64,
            max_batch: Some(16),
            max_queue_delay: Duration::ZERO,
            instances: None,
            intra_op_threads: None,
        };
        let sidecar: Sidecar = "instances = 3\nmax_batch = 4".parse().unwrap();
        let both = Overrides {
            instances: Some(3),
            intra_op_threads: None,
            max_batch: Some(4),
        };
        assert_eq!(options.given(&sidecar), both);
        let alone = Overrides {
            instances: None,
            intra_op_threads: None,
            max_batch: Some(16),
        };
        assert_eq!(options.given(&Sidecar::default()), alone);
    }
}
