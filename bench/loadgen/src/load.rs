//! Closed-loop and open-loop load.

use std::{
    io,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rand_distr::Exp;
use serde::Serialize;
use tokio::sync::{
    Mutex,
    mpsc::{UnboundedReceiver, unbounded_channel},
};

use crate::{
    connection::Connection,
    latency::Latency,
    process::Process,
    window::{Outcome, Sample, Timing, Window},
};

/// Maximum number of pending requests of an open loop.
const MAX_IN_FLIGHT: usize = 256;
/// Seed of the arrival times, so that each run has the same ones.
const SEED: u64 = 1;

/// Target of the load.
pub struct Target {
    /// Address of the server.
    pub addr: SocketAddr,
    /// Requests (head and body), sent in rotation.
    pub requests: Vec<Vec<u8>>,
    /// Text that the body of every response must contain.
    pub expect: String,
    /// Process of the server, for its CPU time.
    pub process: Option<Process>,
}

/// The result of a load.
#[derive(Debug, Clone, Serialize)]
pub struct LoadResult {
    /// Name of the load.
    pub name: String,
    /// Successful requests, and so classified images, per second.
    pub images_per_second: f64,
    /// Latency in milliseconds. In an open loop it starts when the request was due, even if it was sent later.
    pub latency: Option<Latency>,
    /// Latency of rejected requests (503).
    pub refused: Option<Latency>,
    /// Number of failed requests.
    pub failed: usize,
    /// Why the first failed request failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// CPU seconds of the server per thousand images, if known.
    pub cpu_seconds_per_1000: Option<f64>,
}

impl LoadResult {
    /// Computes the figures of the requests within a window. `cpu` is the CPU time of the server within it.
    pub fn new(
        name: String,
        window: Window,
        samples: Vec<Vec<Sample>>,
        cpu: Option<Duration>,
    ) -> Self {
        let samples = window.samples(samples);
        let images = samples.succeeded.len();
        let cpu = cpu.filter(|_| images > 0);
        Self {
            name,
            images_per_second: images as f64 / window.measured().as_secs_f64(),
            latency: Latency::of(samples.succeeded),
            refused: Latency::of(samples.rejected),
            failed: samples.failures.len(),
            failure: samples.failures.into_iter().next(),
            cpu_seconds_per_1000: cpu.map(|cpu| 1e3 * cpu.as_secs_f64() / images as f64),
        }
    }

    /// Images per CPU second of the server.
    pub fn images_per_cpu_second(&self) -> Option<f64> {
        self.cpu_seconds_per_1000
            .filter(|&seconds| seconds > 0.0)
            .map(|seconds| 1e3 / seconds)
    }
}

/// Closed loop: each connection sends its next request after the response to the previous one.
///
/// # Errors
/// Returns an error if the CPU time of the server cannot be read.
pub async fn closed_loop(
    target: &Target,
    connections: usize,
    timing: Timing,
) -> io::Result<LoadResult> {
    let window = Window::starting_now(timing);
    let clients = (0..connections).map(|first| async move {
        let mut connection = Connection::new(target.addr);
        let mut samples = Vec::new();
        let mut requests = target.requests.iter().cycle().skip(first);
        while Instant::now() < window.end
            && let Some(request) = requests.next()
        {
            samples.push(sample(&mut connection, target, request, Instant::now()).await);
        }
        samples
    });
    let (samples, usage) = tokio::join!(join_all(clients), window.usage(target.process));
    let name = format!("closed loop, {connections}");
    Ok(LoadResult::new(name, window, samples, usage?))
}

/// Open loop: requests arrive in a Poisson process with a mean rate, independently of the responses. At most `MAX_IN_FLIGHT` requests
/// are pending; others wait, and their wait counts as latency.
///
/// # Errors
/// Returns an error if the rate is negative, the timer thread fails, or the CPU time of the server cannot be read.
pub async fn open_loop(
    target: &Target,
    name: &str,
    rate: f64,
    timing: Timing,
) -> io::Result<LoadResult> {
    let window = Window::starting_now(timing);
    let offsets = poisson(rate)?;
    let (due, arrivals) = unbounded_channel();
    // A thread of its own, because the timer of the runtime has a resolution of milliseconds.
    let clock = thread::Builder::new()
        .name("load-clock".to_owned())
        .spawn(move || {
            for arrival in offsets.map(|offset| window.opened + offset) {
                if arrival >= window.end {
                    return;
                }
                thread::sleep(arrival.saturating_duration_since(Instant::now()));
                if due.send(arrival).is_err() {
                    return;
                }
            }
        })?;
    let arrivals = Mutex::new(arrivals);
    let clients = (0..MAX_IN_FLIGHT).map(|first| open_client(target, &arrivals, first));
    let (samples, usage) = tokio::join!(join_all(clients), window.usage(target.process));
    if clock.join().is_err() {
        return Err(io::Error::other(
            "the timer thread of the open loop panicked",
        ));
    }
    let name = name.to_owned();
    Ok(LoadResult::new(name, window, samples, usage?))
}

async fn open_client(
    target: &Target,
    arrivals: &Mutex<UnboundedReceiver<Instant>>,
    first: usize,
) -> Vec<Sample> {
    let mut connection = Connection::new(target.addr);
    let mut samples = Vec::new();
    let mut requests = target.requests.iter().cycle().skip(first);
    loop {
        let Some(due) = arrivals.lock().await.recv().await else {
            return samples;
        };
        let Some(request) = requests.next() else {
            return samples;
        };
        samples.push(sample(&mut connection, target, request, due).await);
    }
}

async fn sample(
    connection: &mut Connection,
    target: &Target,
    request: &[u8],
    begin: Instant,
) -> Sample {
    let outcome = match connection.send(request).await {
        Ok(response)
            if response.status == 200 && contains(response.body, target.expect.as_bytes()) =>
        {
            Outcome::Succeeded
        }
        Ok(response) if response.status == 503 => Outcome::Rejected,
        Ok(response) => {
            let body = String::from_utf8_lossy(response.body);
            Outcome::Failed(format!("status {}: {body}", response.status))
        }
        Err(error) => {
            // Do not retry an unreachable server a million times per second.
            tokio::time::sleep(Duration::from_millis(10)).await;
            Outcome::Failed(error.to_string())
        }
    };
    Sample {
        begin,
        end: Instant::now(),
        outcome,
    }
}

fn contains(body: &[u8], expect: &[u8]) -> bool {
    expect.is_empty() || body.windows(expect.len()).any(|part| part == expect)
}

/// Returns the arrival times of a Poisson process with a mean rate per second. The seed is fixed.
fn poisson(rate: f64) -> io::Result<impl Iterator<Item = Duration>> {
    let gaps = Exp::new(rate).map_err(io::Error::other)?;
    let gaps = StdRng::seed_from_u64(SEED).sample_iter(gaps);
    let offsets = gaps.scan(0.0, |offset, gap: f64| {
        *offset += gap;
        // The gaps of the rate 0 are infinite, so it has no arrivals.
        Duration::try_from_secs_f64(*offset).ok()
    });
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_have_requested_rate() {
        let tenth_thousand = poisson(100.0).unwrap().nth(9_999).unwrap().as_secs_f64();
        assert!((97.0..103.0).contains(&tenth_thousand), "{tenth_thousand}");
        assert!(poisson(-1.0).is_err());
        assert_eq!(poisson(0.0).unwrap().next(), None);
    }
}
