//! Measures scheduling stalls of the machine (jHiccup). The host of a virtual machine takes processors away from time to time,
//! and maximum latencies cannot be interpreted without the longest stall.

use std::{
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use self::processors::Processor;
use crate::thread_priority::has_realtime_priority;

/// Sleep time of a watcher: short compared with stalls, long compared with its cost.
const NAP: Duration = Duration::from_millis(1);

/// Runs `work` and returns the longest oversleep of a real-time thread on any processor meanwhile. Returns `None` unless the
/// calling thread has real-time priority ([`crate::thread_priority::run_at_realtime_priority`]), because the oversleep of other
/// threads includes their wait for a core.
pub(super) fn measure_during<T>(work: impl FnOnce() -> T) -> (T, Option<Duration>) {
    if !has_realtime_priority() {
        return (work(), None);
    }
    thread::scope(|scope| {
        // Dropped when the work ends, also by a panic; the watchers end with it.
        let working = Arc::new(());
        let start = |processor| {
            let working = Arc::downgrade(&working);
            scope.spawn(move || watch(&processor, &working))
        };
        let watches: Vec<_> = processors::all().into_iter().map(start).collect();
        let done = work();
        drop(working);
        // A watcher does not panic.
        let longest = watches
            .into_iter()
            .filter_map(|watch| watch.join().ok())
            .max();
        (done, longest)
    })
}

fn watch(processor: &Processor, working: &Weak<()>) -> Duration {
    processors::keep_to(processor);
    let mut longest = Duration::ZERO;
    while working.strong_count() > 0 {
        let start = Instant::now();
        thread::sleep(NAP);
        longest = longest.max(start.elapsed().saturating_sub(NAP));
    }
    longest
}

#[cfg(target_os = "linux")]
mod processors {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    pub(super) type Processor = CpuSet;

    /// Returns the processors that this thread may run on.
    pub(super) fn all() -> Vec<Processor> {
        let allowed = sched_getaffinity(None).unwrap_or_default();
        let only = |index| {
            let mut one = CpuSet::new();
            one.set(index);
            one
        };
        (0..CpuSet::MAX_CPU)
            .filter(|&index| allowed.is_set(index))
            .map(only)
            .collect()
    }

    /// Pins this thread to one processor. If that fails, it watches the processor that it runs on.
    pub(super) fn keep_to(processor: &Processor) {
        let _ = sched_setaffinity(None, processor);
    }
}

#[cfg(not(target_os = "linux"))]
mod processors {
    pub(super) type Processor = ();

    pub(super) fn all() -> Vec<Processor> {
        Vec::new()
    }

    pub(super) fn keep_to((): &Processor) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread_priority::run_at_realtime_priority;

    #[test]
    fn stall_is_measured_only_with_realtime_priority() {
        assert_eq!(measure_during(|| 1), (1, None));
        let ((work, longest), permitted) = run_at_realtime_priority(|| {
            (
                measure_during(|| thread::sleep(3 * NAP)),
                has_realtime_priority(),
            )
        });
        assert_eq!((work, longest.is_some()), ((), permitted));
        if !permitted {
            eprintln!("skipped: this process may not set real-time priority");
        }
    }
}
