//! Settings of queues and batches.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;

use super::parse;
use crate::{inference::runtime::DEFAULT_INFERENCE_TIMEOUT, models::serving_limits::MAX_BATCH};

/// Settings of queues and batches.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Batching")]
pub struct BatchSettings {
    /// Maximum number of queued images per model. A request that does not fit as a whole is rejected with 503. A longer queue
    /// accepts larger bursts; a shorter queue keeps waiting times short under overload. At most 65536.
    #[arg(
        long,
        env = "MIEN_MAX_QUEUE_SIZE",
        value_name = "COUNT",
        default_value = "64",
        value_parser = parse::number::<65_536>
    )]
    pub max_queue_size: NonZeroUsize,

    /// Maximum number of images per inference call. By default the result of --tune, otherwise 8 on a CPU and 64 on a GPU. A
    /// model's mien.toml has priority. At most 1024.
    #[arg(long, env = "MIEN_MAX_BATCH", value_name = "COUNT", value_parser = parse::number::<MAX_BATCH>)]
    pub max_batch: Option<NonZeroUsize>,

    /// Maximum time that an idle worker waits for a batch to fill up. With 0 it does not wait; batches still form while all
    /// workers are busy.
    #[arg(long, env = "MIEN_MAX_QUEUE_DELAY", value_name = "TIME", default_value = "0s", value_parser = parse::duration)]
    pub max_queue_delay: Duration,

    /// Maximum time of an inference call. A call that takes longer is terminated, and its requests get 504. After three such calls
    /// in a row the model is out of service until it is loaded again. The trial of a model that is loaded may take three times
    /// as long.
    #[arg(
        long,
        env = "MIEN_INFERENCE_TIMEOUT",
        value_name = "TIME",
        default_value = DEFAULT_INFERENCE_TIMEOUT,
        value_parser = parse::positive_duration
    )]
    pub inference_timeout: Duration,
}
