//! Who makes way for whom on a busy core: threads that talk to clients go first, then those that run models, then work
//! that can wait, as opening sessions and looking for copies of images.

use std::{cell::Cell, io, panic::resume_unwind, thread};

/// How far below the threads that talk to clients the kernel ranks those that run models, in steps of `nice`: an answer or a
/// refusal does not wait for a run to end.
const RUNS: i32 = 10;

/// How long a thread that runs models may keep its core where others want it too, in nanoseconds: longer than the kernel's
/// own turns of 1 to 3 ms, for whoever has shorter ones interrupts it at once. With equal ones a client waits until the
/// kernel looks whose turn it is, every 1 to 10 ms.
#[cfg(target_os = "linux")]
const RUN_TURN: u64 = 20_000_000;

/// How far below whoever asks for it the kernel ranks work that can wait: on a busy core it gets about a tenth of what a
/// thread that runs models gets, on an idle one all.
const ASIDE: i32 = 19;

thread_local! {
    /// Whether this thread makes way for those that talk to clients already.
    static BEHIND: Cell<bool> = const { Cell::new(false) };
}

/// Has this thread make way for those that talk to clients, and every thread that it starts from now on.
pub(crate) fn behind_clients() {
    if !BEHIND.replace(true) {
        stand_back(RUNS);
        if let Err(error) = yield_at_once() {
            tracing::debug!("refusals under load may take some milliseconds longer: {error}");
        }
    }
}

/// Does work whose threads will run models, on one that makes way for clients, and waits for it.
pub(crate) fn with_runs<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if BEHIND.get() {
        return work();
    }
    let behind = || {
        behind_clients();
        work()
    };
    on_a_thread(behind)
}

fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

/// `nice` is a thread's own on Linux alone; elsewhere it would slow the whole server down. Where it fails the work is
/// done all the same, and this is false.
fn stand_back(steps: i32) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::process::nice(steps).is_ok();
    #[cfg(not(target_os = "linux"))]
    return steps == 0;
}

/// Has others interrupt this thread as soon as they want its core and have not had their share. No privilege is needed; Linux
/// before 6.12 takes it and does nothing (EEVDF, "Use `sched_attr::sched_runtime` to set request/slice suggestion").
#[cfg(target_os = "linux")]
fn yield_at_once() -> io::Result<()> {
    let mut attributes = uapi::sched_getattr(THIS_THREAD, 0)?;
    attributes.sched_runtime = RUN_TURN;
    Ok(uapi::sched_setattr(THIS_THREAD, &attributes, 0)?)
}

#[cfg(not(target_os = "linux"))]
fn yield_at_once() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What the kernel's calls take it for.
#[cfg(target_os = "linux")]
const THIS_THREAD: uapi::c::pid_t = 0;

/// Does work on a thread of its own that stands back while others want the cores, and waits for it. Opening a session
/// optimises a whole network: beside saturated workers that would otherwise take a core from them for a tenth of a second.
///
/// What `work` starts threads for must be done elsewhere: they would stand back for ever, for nobody but root may
/// raise a priority again.
pub(crate) fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let behind_all = || {
        stand_back(ASIDE);
        work()
    };
    on_a_thread(behind_all)
}

/// Does work on a thread of its own that, with those that it starts, goes before all others at once (`SCHED_FIFO`), and waits
/// for it; where the system does not permit that (to root it does, mostly) it is a thread as any other. A clock on a busy
/// machine then tells the time of what it measures and not that of its own waiting.
pub(crate) fn ahead<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let before_all = || {
        if let Err(error) = go_first() {
            tracing::warn!(
                "a busy machine will be in the figures: no thread may go first: {error}"
            );
        }
        work()
    };
    on_a_thread(before_all)
}

/// Whether this thread is one that goes before all others.
pub(crate) fn goes_first() -> bool {
    #[cfg(target_os = "linux")]
    return uapi::sched_getscheduler(THIS_THREAD) == Ok(uapi::c::SCHED_FIFO);
    #[cfg(not(target_os = "linux"))]
    return false;
}

#[cfg(target_os = "linux")]
fn go_first() -> io::Result<()> {
    let least = uapi::c::sched_param { sched_priority: 1 };
    uapi::sched_setscheduler(THIS_THREAD, uapi::c::SCHED_FIFO, &least)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn go_first() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
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
        assert_eq!(aside(rank), (before + ASIDE).min(19));
        assert_eq!(rank(), before);
    }

    #[test]
    fn runs_stand_between_clients_and_work_that_can_wait() {
        let clients = rank();
        let (run, waiting) = thread::scope(|scope| {
            let worker = || {
                behind_clients();
                assert_eq!(with_runs(rank), rank());
                (rank(), aside(rank))
            };
            scope.spawn(worker).join().unwrap()
        });
        assert_eq!(with_runs(rank), run);
        assert!(clients < run && run < waiting, "{clients} {run} {waiting}");
    }

    #[test]
    fn runs_are_interrupted_by_clients_and_not_the_other_way_round() {
        // Nothing where the kernel's turns cannot be set.
        let turn = || uapi::sched_getattr(THIS_THREAD, 0).map_or(0, |of| of.sched_runtime);
        let clients = turn();
        let (run, its_thread) = with_runs(|| (turn(), thread::spawn(turn).join().unwrap()));
        assert_eq!((run, its_thread), if clients == 0 { (0, 0) } else { (RUN_TURN, RUN_TURN) });
        assert!(clients == 0 || clients < run, "{clients}");
        assert_eq!(turn(), clients);
    }

    #[test]
    fn only_the_work_goes_ahead() {
        let policy = || uapi::sched_getscheduler(THIS_THREAD).unwrap();
        let before = policy();
        let (work, its_thread) = ahead(|| (policy(), thread::spawn(policy).join().unwrap()));
        assert!(work == uapi::c::SCHED_FIFO || work == before, "{work}");
        assert_eq!((its_thread, policy()), (work, before));
    }

    #[test]
    #[should_panic = "broken"]
    fn a_panic_is_the_callers() {
        aside(|| panic!("broken"));
    }
}
