//! Work that makes way for requests: opening sessions, looking for copies of images.

use std::{panic::resume_unwind, thread};

/// How far below the server's other threads the kernel ranks such work, in steps of `nice`: on a busy core it gets about a
/// tenth of what one of them gets, on an idle one all.
const STEPS: i32 = 10;

/// Does work on a thread of its own that stands back while others want the cores, and waits for it. Opening a session
/// optimises a whole network: beside saturated workers that would otherwise take a core from them for a tenth of a second.
///
/// What `work` starts threads for must be done elsewhere: they would stand back for ever, for nobody but root may
/// raise a priority again.
pub(crate) fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let stand_back = || {
        // `nice` is a thread's own on Linux alone; elsewhere it would slow the whole server down. Without it the work is
        // done all the same.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(STEPS);
        work()
    };
    thread::scope(|scope| scope.spawn(stand_back).join())
        .unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn rank() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[test]
    fn only_the_work_stands_back() {
        let before = rank();
        assert_eq!(aside(rank), (before + STEPS).min(19));
        assert_eq!(rank(), before);
    }

    #[test]
    #[should_panic = "broken"]
    fn a_panic_is_the_callers() {
        aside(|| panic!("broken"));
    }
}
