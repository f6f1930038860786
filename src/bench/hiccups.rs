//! How long the machine itself stands still. Where it is a virtual one beside others, its processors are taken from it now and
//! then, and nothing on it can answer meanwhile: no longest time means anything without this one beside it.

use std::{
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use self::processors::Processor;
use crate::thread_priority::has_realtime_priority;

/// How long a watch sleeps: short beside what it looks for, and long beside what it costs.
const NAP: Duration = Duration::from_millis(1);

/// Does work, and the longest time meanwhile that a thread which goes before all others overslept on any processor. `None`
/// unless the thread that asks is one ([`crate::thread_priority::run_at_realtime_priority`]): of any other it would be the time that it waited for its turn.
pub(super) fn beside<T>(work: impl FnOnce() -> T) -> (T, Option<Duration>) {
    if !has_realtime_priority() {
        return (work(), None);
    }
    thread::scope(|scope| {
        // Gone when the work is over, by a panic too: the watches end with it.
        let working = Arc::new(());
        let start = |processor| {
            let working = Arc::downgrade(&working);
            scope.spawn(move || watch(&processor, &working))
        };
        let watches: Vec<_> = processors::all().into_iter().map(start).collect();
        let done = work();
        drop(working);
        // A watch cannot panic.
        let longest = watches.into_iter().filter_map(|watch| watch.join().ok()).max();
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

    /// Those that this thread may run on.
    pub(super) fn all() -> Vec<Processor> {
        let allowed = sched_getaffinity(None).unwrap_or_default();
        let only = |index| {
            let mut one = CpuSet::new();
            one.set(index);
            one
        };
        (0..CpuSet::MAX_CPU).filter(|&index| allowed.is_set(index)).map(only).collect()
    }

    /// Keeps this thread to one; where that fails it watches whichever it is on.
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
    fn only_a_thread_that_goes_first_tells_the_machine_from_its_own_waiting() {
        assert_eq!(beside(|| 1), (1, None));
        let ((work, longest), permitted) = run_at_realtime_priority(|| {
            (beside(|| thread::sleep(3 * NAP)), has_realtime_priority())
        });
        assert_eq!((work, longest.is_some()), ((), permitted));
    }
}
