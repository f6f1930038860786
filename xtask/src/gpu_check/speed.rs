//! Throughput and latency on the device and on the CPU.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{programs::Programs, report::Speed, server::Server, serving::Servers};
use crate::workspace::{display, root};

/// Number of measurements per device. The devices are measured by turns, and the fastest measurement counts, because other
/// processes can only slow a measurement down.
const ROUNDS: usize = 2;

/// Duration of each load.
const DURATION: &str = "3s";

/// Name of the load with one connection in the output of `mien bench`.
const ONE_CONNECTION: &str = "closed loop, 1";

/// Measures a model on both servers over HTTP.
///
/// # Errors
/// Returns an error if a server rejects a request or cannot be reached.
pub(super) fn run(programs: &Programs, servers: &Servers, model: &str) -> Result<Speed> {
    let mut speed = Speed {
        model: model.to_owned(),
        throughput: [0.0; 2],
        latency: [f64::INFINITY; 2],
    };
    for _ in 0..ROUNDS {
        for (index, server) in [&servers.device, &servers.cpu].into_iter().enumerate() {
            let (throughput, latency) = measure(programs, server, model)?;
            speed.throughput[index] = speed.throughput[index].max(throughput);
            speed.latency[index] = speed.latency[index].min(latency);
        }
    }
    Ok(speed)
}

/// Returns the images per second and the median latency in ms.
fn measure(programs: &Programs, server: &Server, model: &str) -> Result<(f64, f64)> {
    let mut bench = programs.mien();
    bench
        .current_dir(root())
        .args(["bench", "--json", "--duration", DURATION, "--url"])
        .arg(server.url(&format!("/v1/classify?model={model}")));
    let output = bench.output().context("cannot start mien bench")?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        display(&bench),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    parse(&output.stdout)
}

/// Reads the output of `mien bench --url --json`: the highest throughput of all loads and the latency with one connection.
fn parse(output: &[u8]) -> Result<(f64, f64)> {
    let loads: Vec<Value> = serde_json::from_slice(output)?;
    let mut result = (0.0_f64, None);
    for load in &loads {
        ensure!(
            load["failed"] == 0,
            "requests failed: {}",
            load["failure"].as_str().unwrap_or_default()
        );
        let throughput = load["images_per_second"].as_f64();
        result.0 = result
            .0
            .max(throughput.context("the throughput of a load is missing")?);
        if load["name"] == ONE_CONNECTION {
            result.1 = load["latency"]["p50"].as_f64();
        }
    }
    let latency = result.1.context("no load has one connection")?;
    Ok((result.0, latency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highest_throughput_and_latency_of_one_connection_count() {
        let output = br#"[
            {"name": "closed loop, 1", "images_per_second": 34.5, "latency": {"p50": 19.5}, "failed": 0},
            {"name": "closed loop, 8", "images_per_second": 311.0, "latency": {"p50": 12.5}, "failed": 0}]"#;
        assert_eq!(parse(output).unwrap(), (311.0, 19.5));
    }

    #[test]
    fn failed_requests_are_an_error() {
        let output =
            br#"[{"name": "closed loop, 1", "images_per_second": 0.0, "latency": null, "failed": 3,
            "failure": "status 404"}]"#;
        assert!(parse(output).unwrap_err().to_string().contains("404"));
    }
}
