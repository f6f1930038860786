//! Thread priorities. I/O threads have the highest priority, inference threads a lower one, background work the lowest:
//! opening sessions, decoding for evaluations, searching for duplicate images.

mod load_priority;

use std::{cell::Cell, io, panic::resume_unwind, thread};

pub(crate) use self::load_priority::LoadPriority;

/// Nice value of inference threads relative to I/O threads, so that responses and rejections do not wait for an inference
/// call to end.
const INFERENCE_NICE: i32 = 10;

/// Scheduler slice of inference threads in nanoseconds. It is longer than the kernel's default of 1 to 3 ms, because a thread
/// with a shorter slice preempts one with a longer slice at once. With equal slices an I/O thread waits for the next
/// scheduler tick, every 1 to 10 ms.
#[cfg(target_os = "linux")]
const INFERENCE_SLICE: u64 = 20_000_000;

/// Nice value of background work relative to the calling thread. On a busy core background work gets about a tenth of the
/// time of an inference thread.
const BACKGROUND_NICE: i32 = 19;

thread_local! {
    /// Whether this thread has inference priority already.
    static IS_LOWERED: Cell<bool> = const { Cell::new(false) };
}

/// Lowers this thread, and every thread that it starts from now on, to inference priority.
pub(crate) fn lower_to_inference_priority() {
    if !IS_LOWERED.replace(true) {
        renice(INFERENCE_NICE);
        if let Err(error) = set_scheduler_slice() {
            tracing::debug!(%error, "scheduler slice not set; rejections under load may take some milliseconds longer");
        }
    }
}

/// Runs `work`, whose threads will run models, on a thread with inference priority and waits for it.
pub(crate) fn run_at_inference_priority<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if IS_LOWERED.get() {
        return work();
    }
    run_on_thread(|| {
        lower_to_inference_priority();
        work()
    })
}

fn run_on_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

/// Raises the nice value of this thread by `steps` and returns whether that succeeded. On other systems than Linux `nice`
/// applies to the whole process, so the value stays as it is.
fn renice(steps: i32) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::process::nice(steps).is_ok();
    #[cfg(not(target_os = "linux"))]
    return steps == 0;
}

/// Sets the scheduler slice of this thread to [`INFERENCE_SLICE`]. This needs no privilege. Linux before 6.12 accepts the
/// call and ignores it (EEVDF, "Use `sched_attr::sched_runtime` to set request/slice suggestion").
#[cfg(target_os = "linux")]
fn set_scheduler_slice() -> io::Result<()> {
    let mut attributes = uapi::sched_getattr(THIS_THREAD, 0)?;
    attributes.sched_runtime = INFERENCE_SLICE;
    Ok(uapi::sched_setattr(THIS_THREAD, &attributes, 0)?)
}

#[cfg(not(target_os = "linux"))]
fn set_scheduler_slice() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Denotes the calling thread in scheduler system calls.
#[cfg(target_os = "linux")]
const THIS_THREAD: uapi::c::pid_t = 0;

/// Runs `work` on a thread of its own with background priority and waits for it. Opening a session optimises a whole
/// network, which would otherwise take a core from saturated workers for a tenth of a second.
///
/// `work` must not start threads that outlive it: they would keep background priority, because raising a priority needs
/// root.
pub(crate) fn run_at_background_priority<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    run_on_thread(|| {
        lower_to_background_priority();
        work()
    })
}

/// Measures the speed of a model with `work`, on a machine that is quiet or not, and waits for it. The measurement has background
/// priority unless other processes occupy cores. Then it has inference priority, because background work would take many times the
/// budget.
pub(crate) fn run_at_measurement_priority<T: Send>(
    is_quiet: bool,
    work: impl FnOnce() -> T + Send,
) -> T {
    if is_quiet {
        run_at_background_priority(work)
    } else {
        run_at_inference_priority(work)
    }
}

/// Lowers this thread to background priority for the rest of its life, because raising a priority needs root.
pub(crate) fn lower_to_background_priority() {
    renice(BACKGROUND_NICE);
}

/// Runs `work` on a thread of its own with real-time priority (`SCHED_FIFO`) and waits for it; threads that `work` starts
/// inherit the priority. Usually only root may set it; without the permission the thread has normal priority. Latency
/// measurements use it so that they do not contain the time for which the measuring thread itself waited for a core.
pub(crate) fn run_at_realtime_priority<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    run_on_thread(|| {
        if let Err(error) = set_sched_fifo() {
            tracing::warn!(%error, "real-time priority not set; measurements include scheduling delays of this machine");
        }
        work()
    })
}

/// Returns whether this thread has real-time priority.
pub(crate) fn has_realtime_priority() -> bool {
    #[cfg(target_os = "linux")]
    return uapi::sched_getscheduler(THIS_THREAD) == Ok(uapi::c::SCHED_FIFO);
    #[cfg(not(target_os = "linux"))]
    return false;
}

#[cfg(target_os = "linux")]
fn set_sched_fifo() -> io::Result<()> {
    let lowest = uapi::c::sched_param { sched_priority: 1 };
    uapi::sched_setscheduler(THIS_THREAD, uapi::c::SCHED_FIFO, &lowest)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn set_sched_fifo() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// The highest nice value; the kernel clamps sums to it.
    const MAX_NICE: i32 = 19;

    fn nice() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[test]
    fn background_work_leaves_caller_priority_unchanged() {
        let before = nice();
        assert_eq!(
            run_at_background_priority(nice),
            (before + BACKGROUND_NICE).min(MAX_NICE)
        );
        assert_eq!(nice(), before);
    }

    #[test]
    fn loads_have_background_priority_when_model_serves() {
        let (before, priority) = (nice(), LoadPriority::default());
        assert_eq!(priority.run(nice), before);
        let at_startup = priority.current();
        priority.clone().start_serving();
        assert_eq!(at_startup.run(nice), before);
        let background = (before + BACKGROUND_NICE).min(MAX_NICE);
        assert_eq!(priority.run(nice), background);
        let suspended = priority.suspend_background();
        assert_eq!(priority.run(nice), before);
        drop(suspended);
        assert_eq!(priority.run(nice), background);
    }

    #[test]
    fn inference_priority_is_between_io_and_background() {
        let io = nice();
        let (inference, background) = thread::scope(|scope| {
            let worker = || {
                lower_to_inference_priority();
                assert_eq!(run_at_inference_priority(nice), nice());
                (nice(), run_at_background_priority(nice))
            };
            scope.spawn(worker).join().unwrap()
        });
        assert_eq!(run_at_inference_priority(nice), inference);
        // The sums are clamped if the process was started with `nice`.
        assert_eq!(inference, (io + INFERENCE_NICE).min(MAX_NICE));
        assert_eq!(background, (inference + BACKGROUND_NICE).min(MAX_NICE));
    }

    #[test]
    fn inference_slice_exceeds_io_slice() {
        // Zero if the kernel does not support slices.
        let slice = || uapi::sched_getattr(THIS_THREAD, 0).map_or(0, |of| of.sched_runtime);
        let io = slice();
        let (inference, child) =
            run_at_inference_priority(|| (slice(), thread::spawn(slice).join().unwrap()));
        assert_eq!(slice(), io);
        if io == 0 {
            eprintln!("skipped: this kernel has no scheduler slices");
            return;
        }
        assert_eq!((inference, child), (INFERENCE_SLICE, INFERENCE_SLICE));
        assert!(io < inference, "{io}");
    }

    #[test]
    fn realtime_priority_ends_with_its_work() {
        let policy = || uapi::sched_getscheduler(THIS_THREAD).unwrap();
        let before = policy();
        let (work, child) =
            run_at_realtime_priority(|| (policy(), thread::spawn(policy).join().unwrap()));
        assert_eq!((child, policy()), (work, before));
        if work == before {
            eprintln!("skipped: this process may not set real-time priority");
            return;
        }
        assert_eq!(work, uapi::c::SCHED_FIFO);
    }

    #[test]
    #[should_panic = "broken"]
    fn panic_of_work_reaches_caller() {
        run_at_background_priority(|| panic!("broken"));
    }
}
