//! What HTTP adds to one image: the bare session and the server by turns, so that both meet the same machine.

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::{
    engine,
    load::{Target, Timing, closed_loop},
};
use crate::models::file::ModelFile;

/// How long each has its turn: a dozen runs of a real network.
const TURN: Duration = Duration::from_millis(200);

/// Medians of one image at a time, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Paired {
    /// A run of one session in this process.
    pub raw_ms: f64,
    /// A request over one connection.
    pub http_ms: f64,
    /// The median, over the turns, of what a request took longer than the run beside it.
    pub added_ms: f64,
}

/// Measures for twice the time of a load.
///
/// # Errors
/// When the model cannot be run or the server does not answer.
pub(super) async fn paired(
    file: &ModelFile,
    threads: usize,
    target: &Target,
    time: Duration,
) -> anyhow::Result<Paired> {
    let mut session = engine::lone_session(file, threads)?;
    let turn = Timing { warm_up: Duration::ZERO, measured: TURN };
    let (mut raw, mut http, mut added) = (Vec::new(), Vec::new(), Vec::new());
    let turns = (time.as_millis() / TURN.as_millis()).max(1);
    for _ in 0..turns {
        let run = session.run(turn.measured)?.run_ms;
        let leg = closed_loop(target, 1, turn).await?;
        let request = leg.latency.context("the server did not answer")?.p50;
        raw.push(run);
        http.push(request);
        added.push(request - run);
    }
    Ok(Paired { raw_ms: median(raw), http_ms: median(http), added_ms: median(added) })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
