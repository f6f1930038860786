//! Limits of requests.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;

use super::parse;

/// Limits of requests.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitSettings {
    /// Maximum time from the head of a request to its response (504). Clients may set a shorter time with the header
    /// x-request-timeout-ms.
    #[arg(long, env = "MIEN_REQUEST_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse::positive_duration)]
    pub request_timeout: Duration,

    /// Maximum time to receive the body of a request (408), and between two frames of /v1/live (close code 1008).
    #[arg(long, env = "MIEN_BODY_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse::positive_duration)]
    pub body_timeout: Duration,

    /// Maximum size of a body (413). At most 1GiB.
    #[arg(long, env = "MIEN_MAX_BODY", value_name = "SIZE", default_value = "32MiB", value_parser = parse::size::<{ 1 << 30 }>)]
    pub max_body: usize,

    /// Maximum memory of the bodies of all requests together, decompressed and parsed. A request that would exceed it is rejected
    /// with 503. At most 1TiB.
    #[arg(long, env = "MIEN_MAX_BODY_MEMORY", value_name = "SIZE", default_value = "256MiB", value_parser = parse::size::<{ 1 << 40 }>)]
    pub max_body_memory: usize,

    /// Maximum number of pixels of an image, width times height (413). At most 1G.
    #[arg(long, env = "MIEN_MAX_PIXELS", value_name = "COUNT", default_value = "64M", value_parser = parse::count::<1_000_000_000>)]
    pub max_pixels: u64,

    /// Maximum memory of all image decoders together. Images wait until enough of it is free. An image that alone needs more is
    /// rejected (413). At most 1TiB.
    #[arg(long, env = "MIEN_MAX_DECODE_MEMORY", value_name = "SIZE", default_value = "256MiB", value_parser = parse::size::<{ 1 << 40 }>)]
    pub max_decode_memory: usize,

    /// Maximum number of images of a request (413). It must not exceed --max-queue-size. At most 65536.
    #[arg(
        long,
        env = "MIEN_MAX_IMAGES",
        value_name = "COUNT",
        default_value = "64",
        value_parser = parse::number::<65_536>
    )]
    pub max_images: NonZeroUsize,

    /// Maximum number of concurrent explanations (503). Each explanation classifies up to 122 images at background priority. At
    /// most 1024.
    #[arg(
        long,
        env = "MIEN_MAX_EXPLANATIONS",
        value_name = "COUNT",
        default_value = "4",
        value_parser = parse::number::<1024>
    )]
    pub max_explanations: NonZeroUsize,

    /// Maximum number of open connections of /v1/live (503). Each reserves three times --max-live-frame of --max-body-memory. At most
    /// 65536.
    #[arg(
        long,
        env = "MIEN_MAX_LIVE_CONNECTIONS",
        value_name = "COUNT",
        default_value = "16",
        value_parser = parse::number::<65_536>
    )]
    pub max_live_connections: NonZeroUsize,

    /// Maximum size of a frame of /v1/live (close code 1009). At most 1GiB.
    #[arg(long, env = "MIEN_MAX_LIVE_FRAME", value_name = "SIZE", default_value = "2MiB", value_parser = parse::size::<{ 1 << 30 }>)]
    pub max_live_frame: usize,

    /// Maximum number of messages that a client of /v1/live may send per second (close code 1008). Frames that arrive faster than they
    /// are analysed are dropped. At most 1000000.
    #[arg(
        long,
        env = "MIEN_MAX_LIVE_RATE",
        value_name = "COUNT",
        default_value = "60",
        value_parser = parse::number::<1_000_000>
    )]
    pub max_live_rate: NonZeroUsize,
}
