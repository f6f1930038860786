//! What HTTP adds to one image: the bare session and the server by turns, so that both meet the same machine.

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::{
    engine,
    load::{Target, Timing, closed_loop},
    server::Server,
};
use crate::models::file::ModelFile;

/// How long each has its turn: a dozen runs of a real network.
const TURN: Duration = Duration::from_millis(200);

/// Sessions and servers that are compared. Where the system happens to put a network in memory makes one faster or slower
/// than the next by several per cent for as long as it lives.
const STARTS: u32 = 5;

/// Medians of one image at a time, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Paired {
    /// A run of one session in this process.
    pub raw_ms: f64,
    /// A request over one connection.
    pub http_ms: f64,
    /// What a request took longer than a run.
    pub added_ms: f64,
    /// The same by the server and the session of one start alone: the least and the most.
    pub added_range_ms: (f64, f64),
}

/// Measures for twice the time of a load, over several sessions and servers. `start` starts one that is the target.
///
/// # Errors
/// When the model cannot be run or a server does not start or answer.
pub(super) async fn paired(
    file: &ModelFile,
    threads: usize,
    start: impl AsyncFn() -> anyhow::Result<(Server, Target)>,
    time: Duration,
) -> anyhow::Result<Paired> {
    let turn = Timing { warm_up: Duration::ZERO, measured: TURN };
    let turns = ((time / STARTS).as_millis() / TURN.as_millis()).max(1);
    let (mut raw, mut http, mut added) = (Vec::new(), Vec::new(), Vec::new());
    // Kept to the end, or the next one would lie where the last one lay.
    let mut sessions = Vec::new();
    for _ in 0..STARTS {
        let mut session = engine::lone_session(file, threads)?;
        let (_server, target) = start().await?;
        let (mut runs, mut requests) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            runs.push(session.run(turn.measured)?.run_ms);
            let leg = closed_loop(&target, 1, turn).await?;
            requests.push(leg.latency.context("the server did not answer")?.p50);
        }
        added.push(median(&requests) - median(&runs));
        raw.append(&mut runs);
        http.append(&mut requests);
        sessions.push(session);
    }
    let (raw_ms, http_ms) = (median(&raw), median(&http));
    let least = added.iter().copied().fold(f64::INFINITY, f64::min);
    let most = added.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(Paired { raw_ms, http_ms, added_ms: http_ms - raw_ms, added_range_ms: (least, most) })
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
