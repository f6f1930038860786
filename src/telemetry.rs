//! Logging to standard error, as text for people or as JSON for collectors.

use std::{io::IsTerminal, time::Duration};

use clap::{Args, ValueEnum};
use mien_faces::image::is_panic_contained;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};
use uuid::Uuid;

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text, in colour on a terminal.
    Text,
    /// One JSON object per line with the identifier of the request.
    Json,
}

/// Settings of logging.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub struct LogSettings {
    /// Log format: text for people, json for collectors.
    #[arg(
        long,
        env = "MIEN_LOG_FORMAT",
        value_enum,
        default_value = "text",
        global = true
    )]
    pub log_format: LogFormat,

    /// Log filter: a level (error, warn, info, debug, trace), or `target=level` pairs separated by commas. The default is
    /// `info,ort=warn,actix_server=warn` for `mien serve` and `warn` for other commands.
    #[arg(long, env = "MIEN_LOG", value_name = "FILTER", global = true)]
    pub log: Option<String>,
}

/// Log filter of the server.
pub const SERVER_FILTER: &str = "info,ort=warn,actix_server=warn";
/// Log filter of commands that end.
pub const COMMAND_FILTER: &str = "warn";

/// The log filter is invalid.
#[derive(Debug, thiserror::Error)]
#[error("--log `{filter}` is not a valid filter: {reason}")]
pub struct LogError {
    filter: String,
    reason: String,
}

/// Starts logging, including panics. `default_filter` applies if the settings have no filter.
///
/// # Errors
/// Returns an error if the filter is invalid or logging was started before.
pub fn init(settings: &LogSettings, default_filter: &str) -> Result<(), LogError> {
    let filter = settings.log.as_deref().unwrap_or(default_filter);
    let wrong = |reason: String| LogError {
        filter: filter.to_owned(),
        reason,
    };
    let filter = EnvFilter::try_new(filter).map_err(|error| wrong(error.to_string()))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match settings.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(|error| wrong(error.to_string()))?;
    std::panic::set_hook(Box::new(|panic| {
        if is_panic_contained() {
            tracing::warn!("image decoder panicked");
        } else {
            tracing::error!("{panic}");
        }
    }));
    Ok(())
}

/// Returns whether a request identifier of a client is valid: 1 to 128 visible ASCII characters.
pub fn is_request_id(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// Creates a request identifier: a UUID.
pub fn new_request_id() -> String {
    Uuid::new_v4().to_string()
}

/// Returns milliseconds rounded to hundredths for log lines.
pub fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}
