//! Keeps the parsing of long JSON off event loops.

use tokio::task::{JoinError, spawn_blocking};

/// Maximum size of JSON that is parsed on the event loop, in bytes. A switch to another thread takes longer.
const MAX_INLINE: usize = 64 << 10;

/// Parses JSON of `length` bytes, on a blocking thread if it is long.
///
/// # Errors
/// Returns an error if the parser panics, or the process is stopping.
pub(crate) async fn off_event_loop<T: Send + 'static>(
    length: usize,
    parse: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if length <= MAX_INLINE {
        Ok(parse())
    } else {
        spawn_blocking(parse).await
    }
}
