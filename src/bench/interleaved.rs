//! Compares the server with raw ONNX Runtime in alternation, so that both see the same state of the machine: the latency that
//! HTTP adds to one image, and its cost under load.

use std::time::Duration;

use anyhow::Context;
use mien_loadgen::{
    load::{Target, closed_loop},
    window::Timing,
};
use serde::Serialize;

use super::{engine, server::Server};
use crate::{
    models::source::Source,
    tuning::{Point, sessions::ThroughputRun},
};

/// Duration of each turn with one image at a time: about a dozen inference calls of a real network.
const TURN: Duration = Duration::from_millis(200);

/// Maximum duration of each turn at saturation. CPU time has a resolution of a hundredth of a second.
const SATURATED_TURN: Duration = Duration::from_secs(1);

/// Connections that saturate a server.
const SATURATING: usize = 32;

/// Number of sessions and servers that are compared. The location of a network in memory makes a session several per cent faster
/// or slower for its whole lifetime.
const STARTS: u32 = 5;

/// The comparison of the server with raw ONNX Runtime.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Paired {
    /// Latency of one image in milliseconds: an inference call of one session, a request over one connection, and the difference.
    pub one_connection: Compared,
    /// Images per CPU second: raw ONNX Runtime at its best point, the server under load, and the ratio.
    pub per_cpu_second: Compared,
    /// The same for images per second.
    pub per_second: Compared,
}

/// A figure of raw ONNX Runtime and the following figure of the server.
#[derive(Debug, Clone, Copy)]
struct Turn {
    raw: f64,
    http: f64,
}

/// Summary of the turns of several starts.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Compared {
    /// Median of raw ONNX Runtime.
    pub raw: f64,
    /// Median of the server.
    pub http: f64,
    /// Median over turns of the difference or ratio of the two figures.
    pub median: f64,
    /// Minimum and maximum of the same median per start.
    pub by_start: (f64, f64),
}

/// Measures for a few times the time of a load, over several sessions and servers. `best` is where the runtime does best;
/// `threads` the cores of a run of one image; `start` starts a server that is the target.
///
/// # Errors
/// When the model cannot be run or a server does not start or answer.
pub(super) async fn paired(
    source: &Source,
    best: &Point,
    intra_op_threads: usize,
    start: impl AsyncFn() -> anyhow::Result<(Server, Target)>,
    time: Duration,
) -> anyhow::Result<Paired> {
    let saturated_turn = SATURATED_TURN.min(time);
    let count = |turn: Duration| ((time / STARTS).as_nanos() / turn.as_nanos().max(1)).max(1);
    let (mut one, mut cpu, mut rate) = (Vec::new(), Vec::new(), Vec::new());
    // Held to the end, because the next sessions would otherwise reuse the same memory.
    let mut kept = Vec::new();
    for _ in 0..STARTS {
        let mut lone = engine::lone_session(source, intra_op_threads)?;
        let mut many = engine::sessions(source, best)?;
        let (_server, target) = start().await?;
        let mut turns = Vec::new();
        for _ in 0..count(TURN) {
            turns.push(one_image(&mut lone, &target).await?);
        }
        one.push(turns);
        let (mut of_cpu, mut of_rate) = (Vec::new(), Vec::new());
        for _ in 0..count(saturated_turn) {
            let turns = saturated(&mut many, &target, saturated_turn).await?;
            of_cpu.push(turns.0);
            of_rate.push(turns.1);
        }
        cpu.push(of_cpu);
        rate.push(of_rate);
        kept.push((lone, many));
    }
    let share = |turn: &Turn| turn.http / turn.raw;
    Ok(Paired {
        one_connection: compare(&one, |turn| turn.http - turn.raw),
        per_cpu_second: compare(&cpu, share),
        per_second: compare(&rate, share),
    })
}

/// Measures the latency of an inference call and of a request in milliseconds.
async fn one_image(session: &mut ThroughputRun, target: &Target) -> anyhow::Result<Turn> {
    let raw = session.run(TURN)?.run_ms;
    let timing = Timing {
        warm_up: Duration::ZERO,
        measured: TURN,
    };
    let result = closed_loop(target, 1, timing).await?;
    Ok(Turn {
        raw,
        http: result.latency.context("the server did not respond")?.p50,
    })
}

/// Measures images per CPU second and images per second.
async fn saturated(
    sessions: &mut ThroughputRun,
    target: &Target,
    turn: Duration,
) -> anyhow::Result<(Turn, Turn)> {
    let (point, raw) = engine::run(sessions, turn)?;
    let result = closed_loop(
        target,
        SATURATING,
        Timing {
            warm_up: turn / 5,
            measured: turn,
        },
    )
    .await?;
    let http = result
        .images_per_cpu_second()
        .context("the server did not respond")?;
    let rate = Turn {
        raw: point.images_per_second,
        http: result.images_per_second,
    };
    Ok((Turn { raw, http }, rate))
}

fn compare(starts: &[Vec<Turn>], by: impl Fn(&Turn) -> f64) -> Compared {
    let all = || starts.iter().flatten();
    let each = starts.iter().map(|turns| median(turns.iter().map(&by)));
    let by_start = each.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), one| {
        (least.min(one), most.max(one))
    });
    Compared {
        raw: median(all().map(|turn| turn.raw)),
        http: median(all().map(|turn| turn.http)),
        median: median(all().map(&by)),
        by_start,
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slowdown_of_machine_cancels_out() {
        let turn = |raw: f64| Turn {
            raw,
            http: raw + 1.0,
        };
        let compared = compare(&[vec![turn(10.0), turn(20.0)], vec![turn(40.0)]], |turn| {
            turn.http - turn.raw
        });
        assert_eq!((compared.raw, compared.http), (20.0, 21.0));
        assert_eq!((compared.median, compared.by_start), (1.0, (1.0, 1.0)));
    }
}
