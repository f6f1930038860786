//! Settings of queues and batches.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;

/// How images are queued and batched.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Batching")]
pub struct BatchSettings {
    /// The most images that wait for each model; a request that does not fit as a whole is
    /// answered 503. No image waits longer than the model needs for so many: a longer queue
    /// takes larger bursts, a shorter one answers sooner under overload.
    #[arg(long, env = "MIEN_QUEUE_IMAGES", value_name = "COUNT", default_value = "64")]
    pub queue_images: NonZeroUsize,

    /// The most images of one run of a model. Without it what --tune finds, else 8 on a CPU and 64 on
    /// a GPU. A model's mien.toml goes before.
    #[arg(long, env = "MIEN_MAX_BATCH", value_name = "COUNT")]
    pub max_batch: Option<NonZeroUsize>,

    /// How long an idle worker waits for a batch to fill up. At 0 it never waits: batches form
    /// while the workers are busy.
    #[arg(long, env = "MIEN_MAX_DELAY", value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub max_delay: Duration,
}
