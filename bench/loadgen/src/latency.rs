//! Percentiles of durations.

use std::time::Duration;

use serde::Serialize;

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
}
