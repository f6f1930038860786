//! Settings of queues and batches.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;

/// How images are queued and batched.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Batching")]
pub struct BatchSettings {
    /// Maximum number of images that wait in each model's queue. A request that does not fit as a whole gets 503.
    /// A longer queue takes larger bursts; a shorter one keeps waiting times short under overload.
    #[arg(long, env = "MIEN_MAX_QUEUE_SIZE", value_name = "COUNT", default_value = "64")]
    pub max_queue_size: NonZeroUsize,

    /// The most images of one run of a model. Without it what --tune finds, else 8 on a CPU and 64 on
    /// a GPU. A model's mien.toml goes before.
    #[arg(long, env = "MIEN_MAX_BATCH", value_name = "COUNT")]
    pub max_batch: Option<NonZeroUsize>,

    /// How long an idle worker waits for a batch to fill up. With 0 it does not wait; batches still form while all
    /// workers are busy.
    #[arg(long, env = "MIEN_MAX_QUEUE_DELAY", value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub max_queue_delay: Duration,
}
