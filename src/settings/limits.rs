//! Settings of what a client may send.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;

use super::parse;

/// What a client may send, and how long it may take.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitSettings {
    /// How long a request may take from its head to its answer (504). A client may ask for less
    /// with the header x-request-timeout-ms.
    #[arg(long, env = "MIEN_REQUEST_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse::positive_duration)]
    pub request_timeout: Duration,

    /// How long a request's body may take to arrive (408).
    #[arg(long, env = "MIEN_BODY_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse::positive_duration)]
    pub body_timeout: Duration,

    /// The largest body (413).
    #[arg(long, env = "MIEN_MAX_BODY", value_name = "SIZE", default_value = "10MiB", value_parser = parse::size)]
    pub max_body: usize,

    /// Maximum memory for the bodies of all requests together. A request that would exceed it gets 503.
    #[arg(long, env = "MIEN_MAX_BODY_MEMORY", value_name = "SIZE", default_value = "256MiB", value_parser = parse::size)]
    pub max_body_memory: usize,

    /// The most pixels of a picture, width times height (413).
    #[arg(long, env = "MIEN_MAX_PIXELS", value_name = "COUNT", default_value = "24M", value_parser = parse::count)]
    pub max_pixels: u64,

    /// The most pictures of a request (413). At most --max-queue-size, or such a request would never fit.
    #[arg(long, env = "MIEN_MAX_IMAGES", value_name = "COUNT", default_value = "64")]
    pub max_images: NonZeroUsize,

    /// The most faces that are explained at once (503 beyond); each sends up to 122 images through its model, below all
    /// other requests.
    #[arg(long, env = "MIEN_MAX_EXPLANATIONS", value_name = "COUNT", default_value = "4")]
    pub max_explanations: NonZeroUsize,
}
