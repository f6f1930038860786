//! The time for which the load of the machine has been low.

use std::time::Duration;

use mien_host::cpu_times::CpuTimes;

/// The current period in which other processes occupy at most a share of the cores.
pub(super) struct QuietPeriod {
    max_load: f64,
    /// Time and processor times of the last sample.
    last: Option<(Duration, Option<CpuTimes>)>,
    begin: Option<Duration>,
}

impl QuietPeriod {
    pub(super) fn new(max_load: f64) -> Self {
        Self {
            max_load,
            last: None,
            begin: None,
        }
    }

    /// Adds a sample. A high load since the last sample ends the period. An unknown load counts as low.
    pub(super) fn sample(&mut self, now: Duration, times: Option<CpuTimes>) {
        if let Some((previous, before)) = self.last {
            let load = before.zip(times).and_then(|(a, b)| a.load_until(&b));
            if load.is_some_and(|load| load > self.max_load) {
                self.begin = None;
            } else {
                self.begin.get_or_insert(previous);
            }
        }
        self.last = Some((now, times));
    }

    /// Returns the length of the period up to the last sample; zero if the load is high.
    pub(super) fn length(&self) -> Duration {
        let last = self.last.map_or(Duration::ZERO, |(time, _)| time);
        self.begin
            .map_or(Duration::ZERO, |begin| last.saturating_sub(begin))
    }
}

#[cfg(test)]
mod tests {
    use mien_host::cpu::available_cores;

    use super::*;

    fn times(total: u64, others: u64) -> Option<CpuTimes> {
        Some(CpuTimes {
            processors: available_cores(),
            total,
            others,
        })
    }

    /// Returns the length after samples at each second.
    fn length(samples: &[Option<CpuTimes>]) -> u64 {
        let mut period = QuietPeriod::new(0.1);
        for (second, times) in samples.iter().enumerate() {
            period.sample(Duration::from_secs(second as u64), *times);
        }
        period.length().as_secs()
    }

    #[test]
    fn high_load_ends_period() {
        let quiet = [times(100, 0), times(200, 5), times(300, 10)];
        assert_eq!(length(&quiet), 2);
        assert_eq!(length(&quiet[..1]), 0);
        let loaded = [times(100, 0), times(200, 5), times(300, 50)];
        assert_eq!(length(&loaded), 0);
        let again = [&loaded[..], &[times(400, 50)]].concat();
        assert_eq!(length(&again), 1);
    }

    #[test]
    fn unknown_load_counts_as_low() {
        assert_eq!(length(&[None, None, None]), 2);
        assert_eq!(length(&[times(100, 0), None, times(300, 200)]), 2);
    }
}
