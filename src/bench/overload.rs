//! Ten times more than a server can do.

use std::io;

use serde::Serialize;
use tokio::runtime;

use super::{
    hiccups,
    load::{LoadResult, Target, Timing, closed_loop, open_loop},
    process::Usage,
    server::Server,
};
use crate::thread_priority::run_at_realtime_priority;

/// How much more than it can do a server is offered in the overload.
const OVERLOAD: f64 = 10.0;

/// Requests a second that one thread beside a busy server can still send by the clock.
const MOST_OFFERED: f64 = 20_000.0;

/// A server at its limit and far over it.
#[derive(Debug, Clone, Serialize)]
pub struct Overload {
    /// As many connections as the queue holds, each with one request: full, and nothing refused.
    pub saturated: LoadResult,
    /// Ten times as many requests.
    pub overloaded: LoadResult,
    /// The longest time that the machine itself stood still during the second, in milliseconds; `None` where that cannot be
    /// told from other programs' turns.
    pub stalled_ms: Option<f64>,
    /// Memory before and after.
    pub memory: [Usage; 2],
}

/// As many connections as the queue holds images, `max_queue_size`, then ten times what they reached; `None` where that cannot be
/// offered.
///
/// # Errors
/// What the network or `/proc` refuse.
pub(super) async fn overload(
    target: &Target,
    server: &Server,
    max_queue_size: usize,
    timing: Timing,
) -> anyhow::Result<Option<Overload>> {
    tracing::info!("bench: overload");
    let saturated = closed_loop(target, max_queue_size, timing).await?;
    let rate = OVERLOAD * saturated.images_per_second;
    if rate > MOST_OFFERED {
        return Ok(None);
    }
    let before = server.process().usage()?;
    let name = format!("open loop, {OVERLOAD:.0} x saturation");
    // Refusals are shorter than a turn of the scheduler: a generator that waits for its own would time that. Nothing else runs
    // on this thread meanwhile.
    let (overloaded, stalled) = run_at_realtime_priority(|| {
        hiccups::beside(|| -> io::Result<LoadResult> {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(open_loop(target, &name, rate, timing))
        })
    });
    let overloaded = overloaded?;
    let stalled_ms = stalled.map(|longest| 1e3 * longest.as_secs_f64());
    let memory = [before, server.process().usage()?];
    Ok(Some(Overload { saturated, overloaded, stalled_ms, memory }))
}
