//! Compares the server with raw ONNX Runtime in alternation, so that both see the same state of the machine: the latency that
//! HTTP adds to one image, and its cost under load.

use std::time::Duration;

use anyhow::Context;
use mien_loadgen::{
    load::{Target, closed_loop},
    window::Timing,
};
use serde::Serialize;

use super::{baseline, server::Server};
use crate::{
    inference::engine::Execution,
    models::source::Source,
    tuning::{Point, sessions::ThroughputRun},
};

/// Duration of each measurement with one image at a time: about a dozen inference calls of a real network.
const PERIOD: Duration = Duration::from_millis(200);

/// Maximum duration of each measurement at saturation. CPU time has a resolution of a hundredth of a second.
const SATURATED_PERIOD: Duration = Duration::from_secs(1);

/// Connections that saturate a server.
const SATURATING: usize = 32;

/// Number of sessions and servers that are compared. The location of a network in memory makes a session several percent faster
/// or slower for its whole lifetime.
const STARTS: u32 = 5;

/// The comparison of the server with raw ONNX Runtime.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Interleaved {
    /// Latency of one image in milliseconds: an inference call of one session, a request over one connection, and the difference.
    pub one_connection: Compared,
    /// Images per CPU second: raw ONNX Runtime at its best point, the server under load, and the ratio.
    pub per_cpu_second: Compared,
    /// The same for images per second.
    pub per_second: Compared,
}

/// A figure of raw ONNX Runtime and the following figure of the server.
#[derive(Debug, Clone, Copy)]
struct Pair {
    raw: f64,
    http: f64,
}

/// Summary of the pairs of several starts.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Compared {
    /// Median of raw ONNX Runtime.
    pub raw: f64,
    /// Median of the server.
    pub http: f64,
    /// Median over pairs of the difference or ratio of the two figures.
    pub median: f64,
    /// Minimum and maximum of the same median per start.
    pub by_start: (f64, f64),
}

/// Measures several sessions and servers; each kind of measurement takes `time` in total. `best` is the best point of raw ONNX
/// Runtime. A single session uses `intra_op_threads` threads. `start` starts a server and returns it with its load target.
///
/// # Errors
/// Returns an error if the model fails, or if a server does not start or respond.
pub(super) async fn measure(
    (source, execution): (&Source, Execution),
    best: &Point,
    intra_op_threads: usize,
    start: impl AsyncFn() -> anyhow::Result<(Server, Target)>,
    time: Duration,
) -> anyhow::Result<Interleaved> {
    let saturated_period = SATURATED_PERIOD.min(time);
    let count = |period: Duration| ((time / STARTS).as_nanos() / period.as_nanos().max(1)).max(1);
    let (mut one, mut cpu, mut rate) = (Vec::new(), Vec::new(), Vec::new());
    // Sessions stay open, because the next ones would otherwise reuse the same memory.
    let mut open_sessions = Vec::new();
    for _ in 0..STARTS {
        let mut single = baseline::single_session(source, execution, intra_op_threads)?;
        let mut saturating = baseline::sessions(source, execution, best)?;
        let (_server, target) = start().await?;
        let mut pairs = Vec::new();
        for _ in 0..count(PERIOD) {
            pairs.push(one_image(&mut single, &target).await?);
        }
        one.push(pairs);
        let (mut of_cpu, mut of_rate) = (Vec::new(), Vec::new());
        for _ in 0..count(saturated_period) {
            let pairs = saturated(&mut saturating, &target, saturated_period).await?;
            of_cpu.push(pairs.0);
            of_rate.push(pairs.1);
        }
        cpu.push(of_cpu);
        rate.push(of_rate);
        open_sessions.push((single, saturating));
    }
    let share = |pair: &Pair| pair.http / pair.raw;
    Ok(Interleaved {
        one_connection: compare(&one, |pair| pair.http - pair.raw),
        per_cpu_second: compare(&cpu, share),
        per_second: compare(&rate, share),
    })
}

/// Measures the latency of an inference call and of a request in milliseconds.
async fn one_image(session: &mut ThroughputRun, target: &Target) -> anyhow::Result<Pair> {
    let raw = session.run(PERIOD)?.run_ms;
    let timing = Timing {
        warm_up: Duration::ZERO,
        measured: PERIOD,
    };
    let result = closed_loop(target, 1, timing).await?;
    Ok(Pair {
        raw,
        http: result.latency.context("the server did not respond")?.p50,
    })
}

/// Measures images per CPU second and images per second.
async fn saturated(
    sessions: &mut ThroughputRun,
    target: &Target,
    period: Duration,
) -> anyhow::Result<(Pair, Pair)> {
    let (point, raw) = baseline::run(sessions, period)?;
    let result = closed_loop(
        target,
        SATURATING,
        Timing {
            warm_up: period / 5,
            measured: period,
        },
    )
    .await?;
    let http = result
        .images_per_cpu_second()
        .context("the server did not respond")?;
    let rate = Pair {
        raw: point.images_per_second,
        http: result.images_per_second,
    };
    Ok((Pair { raw, http }, rate))
}

fn compare(starts: &[Vec<Pair>], by: impl Fn(&Pair) -> f64) -> Compared {
    let all = || starts.iter().flatten();
    let each = starts.iter().map(|pairs| median(pairs.iter().map(&by)));
    let by_start = each.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), one| {
        (least.min(one), most.max(one))
    });
    Compared {
        raw: median(all().map(|pair| pair.raw)),
        http: median(all().map(|pair| pair.http)),
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
        let pair = |raw: f64| Pair {
            raw,
            http: raw + 1.0,
        };
        let compared = compare(&[vec![pair(10.0), pair(20.0)], vec![pair(40.0)]], |pair| {
            pair.http - pair.raw
        });
        assert_eq!((compared.raw, compared.http), (20.0, 21.0));
        assert_eq!((compared.median, compared.by_start), (1.0, (1.0, 1.0)));
    }
}
