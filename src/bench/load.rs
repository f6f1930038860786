//! Closed-loop and open-loop load.

use std::{
    io,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde::Serialize;
use tokio::{
    sync::{
        Mutex,
        mpsc::{UnboundedReceiver, unbounded_channel},
    },
    time::sleep_until,
};

use super::process::{Process, Usage};
use crate::client::Connection;

/// Maximum number of pending requests of an open loop.
const IN_FLIGHT: usize = 256;

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

/// Durations of a load.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Warm-up that is not counted.
    pub warm_up: Duration,
    /// Measured duration.
    pub measured: Duration,
}

/// The result of a load.
#[derive(Debug, Clone, Serialize)]
pub struct LoadResult {
    /// Name of the load.
    pub name: String,
    /// Classified images per second.
    pub images_per_second: f64,
    /// Latency in milliseconds. In an open loop it starts when the request was due, even if it was sent later.
    pub latency: Option<Latency>,
    /// Latency of rejected requests (503).
    pub refused: Option<Latency>,
    /// Number of failed requests.
    pub failed: usize,
    /// Reason of the first failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// CPU seconds of the server per thousand images, if known.
    pub cpu_seconds_per_1000: Option<f64>,
}

/// A distribution of durations in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "percentiles by their names")]
pub struct Latency {
    pub count: usize,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Latency {
    /// Computes the distribution; `None` without values.
    pub fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let last = times.len().checked_sub(1)?;
        let at = |share: f64| {
            let index = (share * last as f64).round() as usize;
            times[index.min(last)].as_secs_f64() * 1e3
        };
        Some(Self {
            count: times.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
        })
    }
}

impl LoadResult {
    /// Images per CPU second of the server.
    pub fn images_per_cpu_second(&self) -> Option<f64> {
        self.cpu_seconds_per_1000
            .filter(|&seconds| seconds > 0.0)
            .map(|seconds| 1e3 / seconds)
    }
}

/// Outcome of a request.
pub(super) enum Outcome {
    Classified,
    Refused,
    Failed(String),
}

/// A request with its due time and response time.
pub(super) struct Sample {
    pub(super) begin: Instant,
    pub(super) end: Instant,
    pub(super) outcome: Outcome,
}

/// Closed loop: each connection sends its next request after the response to the previous one.
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
    Ok(window.result(format!("closed loop, {connections}"), samples, usage?))
}

/// Open loop: requests arrive in a Poisson process with a mean rate, independently of the responses. At most `IN_FLIGHT` requests
/// are pending; others wait, and their wait counts as latency.
pub async fn open_loop(
    target: &Target,
    name: &str,
    rate: f64,
    timing: Timing,
) -> io::Result<LoadResult> {
    let window = Window::starting_now(timing);
    let (due, arrivals) = unbounded_channel();
    // A thread of its own, because the timer of the runtime has a resolution of milliseconds.
    let clock = thread::Builder::new()
        .name("mien-bench-clock".to_owned())
        .spawn(move || {
            for arrival in poisson(rate).map(|offset| window.opened + offset) {
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
    let clients = (0..IN_FLIGHT).map(|first| open_client(target, &arrivals, first));
    let (samples, usage) = tokio::join!(join_all(clients), window.usage(target.process));
    if clock.join().is_err() {
        return Err(io::Error::other(
            "the timer thread of the open loop panicked",
        ));
    }
    Ok(window.result(name.to_owned(), samples, usage?))
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
    let outcome = match connection.ask(request).await {
        Ok(answer) if answer.status == 200 && holds(answer.body, target.expect.as_bytes()) => {
            Outcome::Classified
        }
        Ok(answer) if answer.status == 503 => Outcome::Refused,
        Ok(answer) => {
            let body = String::from_utf8_lossy(answer.body);
            Outcome::Failed(format!("status {}: {body}", answer.status))
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

fn holds(body: &[u8], expect: &[u8]) -> bool {
    expect.is_empty() || body.windows(expect.len()).any(|part| part == expect)
}

/// Returns the arrival times of a Poisson process with a mean rate per second. The seed is fixed.
fn poisson(rate: f64) -> impl Iterator<Item = Duration> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut offset = 0.0;
    std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // 53 bits, and never 0.
        let uniform = ((state >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
        offset -= uniform.ln() / rate;
        Some(Duration::from_secs_f64(offset))
    })
}

/// The measured window.
#[derive(Clone, Copy)]
pub(super) struct Window {
    opened: Instant,
    start: Instant,
    pub(super) end: Instant,
}

impl Window {
    pub(super) fn starting_now(Timing { warm_up, measured }: Timing) -> Self {
        let opened = Instant::now();
        Self {
            opened,
            start: opened + warm_up,
            end: opened + warm_up + measured,
        }
    }

    /// CPU time of a process within the window.
    pub(super) async fn usage(self, process: Option<Process>) -> io::Result<Option<Duration>> {
        let Some(process) = process else {
            return Ok(None);
        };
        sleep_until(self.start.into()).await;
        let Usage { cpu: before, .. } = process.usage()?;
        sleep_until(self.end.into()).await;
        Ok(Some(process.usage()?.cpu.saturating_sub(before)))
    }

    /// Counts responses that ended within the window, and rejections and failures that were due within it.
    pub(super) fn result(
        self,
        name: String,
        samples: Vec<Vec<Sample>>,
        cpu: Option<Duration>,
    ) -> LoadResult {
        let (mut classified, mut refused, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        for Sample {
            begin,
            end,
            outcome,
        } in samples.into_iter().flatten()
        {
            if end < self.start || end > self.end {
                continue;
            }
            match outcome {
                Outcome::Classified => classified.push(end - begin),
                Outcome::Refused => refused.push(end - begin),
                Outcome::Failed(reason) => failures.push(reason),
            }
        }
        let images = classified.len();
        let seconds = (self.end - self.start).as_secs_f64();
        let cpu = cpu.filter(|_| images > 0);
        LoadResult {
            name,
            images_per_second: images as f64 / seconds,
            latency: Latency::of(classified),
            refused: Latency::of(refused),
            failed: failures.len(),
            failure: failures.into_iter().next(),
            cpu_seconds_per_1000: cpu.map(|cpu| 1e3 * cpu.as_secs_f64() / images as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_use_sorted_durations() {
        let times = (1..=101).rev().map(Duration::from_millis).collect();
        let latency = Latency::of(times).unwrap();
        assert_eq!(
            (latency.count, latency.p50, latency.p99),
            (101, 51.0, 100.0)
        );
        assert_eq!(latency.max, 101.0);
        assert_eq!(Latency::of(Vec::new()), None);
    }

    #[test]
    fn arrivals_have_requested_rate() {
        let tenth_thousand = poisson(100.0).nth(9_999).unwrap().as_secs_f64();
        assert!((97.0..103.0).contains(&tenth_thousand), "{tenth_thousand}");
    }
}
