//! The server against the bare runtime by turns, so that both meet the same machine: what HTTP adds to one image, and what it
//! costs under load.

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::{
    engine,
    load::{Target, Timing, closed_loop},
    server::Server,
};
use crate::{
    models::source::Source,
    tuning::{Point, sessions::ThroughputRun},
};

/// How long each has its turn with one image at a time: a dozen runs of a real network.
const TURN: Duration = Duration::from_millis(200);

/// How long each has its turn at saturation, at most: CPU time is told in hundredths of a second.
const SATURATED_TURN: Duration = Duration::from_secs(1);

/// Connections that saturate a server.
const SATURATING: usize = 32;

/// Sessions and servers that are compared. Where the system happens to put a network in memory makes one faster or slower
/// than the next by several per cent for as long as it lives.
const STARTS: u32 = 5;

/// The server beside the runtime.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Paired {
    /// Milliseconds of one image at a time, a run of one session and a request over one connection; how many more a request
    /// takes.
    pub one_connection: Compared,
    /// Images of a CPU second, of the runtime at its best point and of the server under load; the server's share.
    pub per_cpu_second: Compared,
    /// Images/s, the same way.
    pub per_second: Compared,
}

/// A figure of the runtime's and the one of the server's that followed.
#[derive(Debug, Clone, Copy)]
struct Turn {
    raw: f64,
    http: f64,
}

/// What the turns of several starts say.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Compared {
    /// The runtime's median.
    pub raw: f64,
    /// The server's median.
    pub http: f64,
    /// The median of what each turn's two figures differ by, or what the one is of the other.
    pub median: f64,
    /// The same by the server and the sessions of one start alone: the least and the most.
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
    // Kept to the end, or the next ones would lie where the last ones lay.
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

/// Milliseconds of a run and of a request.
async fn one_image(session: &mut ThroughputRun, target: &Target) -> anyhow::Result<Turn> {
    let raw = session.run(TURN)?.run_ms;
    let timing = Timing { warm_up: Duration::ZERO, measured: TURN };
    let leg = closed_loop(target, 1, timing).await?;
    Ok(Turn { raw, http: leg.latency.context("the server did not answer")?.p50 })
}

/// Images of a CPU second, and images/s.
async fn saturated(
    sessions: &mut ThroughputRun,
    target: &Target,
    turn: Duration,
) -> anyhow::Result<(Turn, Turn)> {
    let (point, raw) = engine::run(sessions, turn)?;
    let leg = closed_loop(target, SATURATING, Timing { warm_up: turn / 5, measured: turn }).await?;
    let http = leg.images_per_cpu_second().context("the server did not answer")?;
    let rate = Turn { raw: point.images_per_second, http: leg.images_per_second };
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
    fn a_machine_that_slows_down_is_not_the_servers() {
        let turn = |raw: f64| Turn { raw, http: raw + 1.0 };
        let compared =
            compare(&[vec![turn(10.0), turn(20.0)], vec![turn(40.0)]], |turn| turn.http - turn.raw);
        assert_eq!((compared.raw, compared.http), (20.0, 21.0));
        assert_eq!((compared.median, compared.by_start), (1.0, (1.0, 1.0)));
    }
}
