//! Logging to standard error, as text for people or as JSON for collectors.
//!
//! The server writes its log through a bounded buffer, so that it does not wait for the reader. Other commands write directly.

mod line_buffer;

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    sync::{LazyLock, OnceLock},
    time::Duration,
};

use clap::{Args, ValueEnum};
use mien_faces::image::is_panic_contained;
use prometheus::IntCounter;
use tracing_subscriber::{
    EnvFilter, Layer, fmt::writer::BoxMakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};
use uuid::Uuid;

use self::line_buffer::LineBuffer;

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
    /// `info,ort=warn,actix_server=warn,actix_http=off` for `mien serve` and `warn` for other commands.
    #[arg(long, env = "MIEN_LOG", value_name = "FILTER", global = true)]
    pub log: Option<String>,
}

/// Log filter of the server. actix logs an error for each invalid request, so clients could fill the log.
pub const SERVER_FILTER: &str = "info,ort=warn,actix_server=warn,actix_http=off";
/// Log filter of commands that end.
pub const COMMAND_FILTER: &str = "warn";

/// Maximum time that the end of the process waits for the reader of the log.
const MAX_FLUSH: Duration = Duration::from_secs(1);

/// The log of the server that is not written yet.
static BUFFER: OnceLock<LineBuffer> = OnceLock::new();

static DROPPED_LINES: LazyLock<IntCounter> = LazyLock::new(|| {
    let help = "Log lines that were dropped because the reader of standard error was too slow or had ended.";
    IntCounter::new("mien_log_lines_dropped_total", help).expect("the name is valid")
});

/// Where log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogOutput {
    /// Directly to standard error. A line is written when the event returns.
    Direct,
    /// Through a bounded buffer and a thread. Lines are dropped if the reader of standard error is too slow.
    Buffered,
}

/// Why logging was not started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is invalid, or logging was started before.
    #[error("--log `{filter}` is not a valid filter: {reason}")]
    Filter {
        /// The filter.
        filter: String,
        /// Why it is invalid.
        reason: String,
    },
    /// The thread that writes the log cannot be started.
    #[error("cannot start the thread that writes the log: {0}")]
    Output(#[source] io::Error),
}

/// Starts logging, including panics. `default_filter` applies if the settings have no filter.
///
/// # Errors
/// Returns an error if the filter is invalid, the log cannot be written, or logging was started before.
pub fn init(
    settings: &LogSettings,
    default_filter: &str,
    output: LogOutput,
) -> Result<(), LogError> {
    let filter = settings.log.as_deref().unwrap_or(default_filter);
    let wrong = |reason: String| LogError::Filter {
        filter: filter.to_owned(),
        reason,
    };
    let filter = EnvFilter::try_new(filter).map_err(|error| wrong(error.to_string()))?;
    let writer = writer(output).map_err(LogError::Output)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
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

/// Returns the writer of log lines.
fn writer(output: LogOutput) -> io::Result<BoxMakeWriter> {
    match output {
        LogOutput::Direct => Ok(BoxMakeWriter::new(io::stderr)),
        LogOutput::Buffered => {
            // The thread must not hold the lock of `io::stderr` while it waits for the reader.
            let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
            let buffer = LineBuffer::start(stderr, DROPPED_LINES.clone())?;
            Ok(BoxMakeWriter::new(BUFFER.get_or_init(|| buffer).clone()))
        }
    }
}

/// Returns the counter of dropped log lines.
pub fn dropped_lines() -> IntCounter {
    DROPPED_LINES.clone()
}

/// Waits until the log is written, at most one second.
pub fn flush() {
    if let Some(buffer) = BUFFER.get() {
        buffer.flush(MAX_FLUSH);
    }
}

/// Prints a line to standard error, after the log lines that are not written yet. The line is lost if standard error is closed
/// or its reader stands still.
pub fn print(line: &str) {
    match BUFFER.get() {
        Some(buffer) => {
            buffer.push(format!("{line}\n").as_bytes());
            flush();
        }
        None => drop(writeln!(io::stderr(), "{line}")),
    }
}

/// Calls [`flush`] when it is dropped, also if the program panics.
#[derive(Debug)]
pub struct FlushOnDrop;

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        flush();
    }
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
