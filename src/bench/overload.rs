//! Overload: ten times the saturation throughput.

use std::io;

use mien_loadgen::{
    load::{LoadResult, Target, closed_loop, open_loop},
    process::Usage,
    window::Timing,
};
use serde::Serialize;
use tokio::runtime;

use super::{hiccups, server::Server};
use crate::thread_priority::run_at_realtime_priority;

/// Offered load divided by the saturation throughput.
const OVERLOAD: f64 = 10.0;

/// Maximum request rate of one generator thread next to a busy server.
const MOST_OFFERED: f64 = 20_000.0;

/// Figures at saturation and under overload.
#[derive(Debug, Clone, Serialize)]
pub struct Overload {
    /// One connection per place in the queue: the queue is full, but requests are not rejected.
    pub saturated: LoadResult,
    /// Ten times the request rate.
    pub overloaded: LoadResult,
    /// Longest scheduling stall of the machine during the overload in milliseconds; `None` without real-time priority.
    pub stalled_ms: Option<f64>,
    /// Memory before and after the overload.
    pub memory: [Usage; 2],
}

/// Measures `max_queue_size` connections, then ten times their throughput. Returns `None` if the generator cannot send
/// that many requests.
///
/// # Errors
/// Returns errors of the network and of `/proc`.
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
    // Rejections are shorter than a scheduler slice, so a generator without real-time priority would measure its own wait for a
    // core. This thread only runs the generator meanwhile.
    let (overloaded, stalled) = run_at_realtime_priority(|| {
        hiccups::measure_during(|| -> io::Result<LoadResult> {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(open_loop(target, &name, rate, timing))
        })
    });
    let overloaded = overloaded?;
    let stalled_ms = stalled.map(|longest| 1e3 * longest.as_secs_f64());
    let memory = [before, server.process().usage()?];
    Ok(Some(Overload {
        saturated,
        overloaded,
        stalled_ms,
        memory,
    }))
}
