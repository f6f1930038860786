//! Ends inference calls and loads of models that exceed their time limit. One thread watches the sessions of all models.
//!
//! The start of a call only stores a number, and its end swaps it. The thread counts time in ticks of its own, so a process
//! that was stopped for a while does not end its calls when it continues. ONNX Runtime checks the termination flag before each
//! node, also before each node of the body of a `Loop`, so a call ends when its current node ends.

mod call_timer;
mod load;

use std::{
    io,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use mien_host::sync::lock;
use ort::session::RunOptions;

pub(in crate::inference) use self::call_timer::CallTimer;
use self::load::Loads;

/// The limit of a trial as a multiple of that of a batch. Trials run at background priority, so on a busy machine they take
/// longer.
const TRIAL_FACTOR: u32 = 3;

/// Number of ticks within the limit of a batch. A call may exceed its limit by one tick.
const TICKS_PER_LIMIT: u32 = 20;

/// Range of the time between two ticks.
const TICK: [Duration; 2] = [Duration::from_millis(1), Duration::from_secs(1)];

/// No call is running.
const IDLE: u64 = 0;
/// The call was terminated and has not returned yet.
const TERMINATED: u64 = u64::MAX;

/// Values of [`Shared::stopped`].
const NONE: u8 = 0;
const TRIALS: u8 = 1;
const ALL: u8 = 2;

/// The kind of an inference call, which determines its time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inference) enum CallKind {
    /// A batch of requests, evaluations or measurements.
    Batch,
    /// A trial while a model is being loaded.
    Trial,
}

/// Handle to the thread. Clones share it. The thread ends when no handle and no session is left.
#[derive(Clone)]
pub(crate) struct Watchdog(Arc<Shared>);

struct Shared {
    limit: Duration,
    tick: Duration,
    /// Number of ticks since the start of the thread, at least 1.
    ticks: AtomicU64,
    /// Which calls are terminated because the server stops: [`NONE`], [`TRIALS`] or [`ALL`].
    stopped: AtomicU8,
    sessions: Mutex<Vec<Weak<Watched>>>,
    loads: Loads,
}

/// A session that the thread watches.
struct Watched {
    options: RunOptions,
    /// The tick at which the running call expires, [`IDLE`] or [`TERMINATED`].
    expiry: AtomicU64,
    /// Whether the running call is a trial.
    is_trial: AtomicBool,
    /// Held while the termination flag is set, so that the flag is not set after the next call has begun.
    termination: Mutex<()>,
}

impl Watchdog {
    /// Starts the thread. `limit` is the time limit of a batch.
    pub(super) fn start(limit: Duration) -> io::Result<Self> {
        let [min, max] = TICK;
        let tick = (limit / TICKS_PER_LIMIT).clamp(min, max);
        let shared = Arc::new(Shared {
            limit,
            tick,
            ticks: AtomicU64::new(1),
            stopped: AtomicU8::new(NONE),
            sessions: Mutex::default(),
            loads: Loads::default(),
        });
        let watched = Arc::downgrade(&shared);
        let body = move || {
            loop {
                thread::sleep(tick);
                let Some(shared) = watched.upgrade() else {
                    return;
                };
                shared.ticks.fetch_add(1, Ordering::Relaxed);
                shared.terminate_expired();
            }
        };
        thread::Builder::new()
            .name("mien-watchdog".to_owned())
            .spawn(body)?;
        Ok(Self(shared))
    }

    /// Watches a new session.
    pub(in crate::inference) fn watch(&self) -> ort::Result<CallTimer> {
        let watched = Arc::new(Watched {
            options: RunOptions::new()?,
            expiry: AtomicU64::new(IDLE),
            is_trial: AtomicBool::new(false),
            termination: Mutex::default(),
        });
        lock(&self.0.sessions).push(Arc::downgrade(&watched));
        Ok(CallTimer {
            watched,
            shared: Arc::clone(&self.0),
        })
    }

    /// Terminates the running trials and loads, and all further ones after at most one tick.
    pub(crate) fn terminate_trials(&self) {
        self.terminate(TRIALS);
    }

    /// Terminates the running calls and loads, and all further ones after at most one tick.
    pub(crate) fn terminate_all(&self) {
        self.terminate(ALL);
    }

    /// Returns whether the server stops, so that loads of models are cancelled.
    pub(crate) fn is_stopping(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed) != NONE
    }

    /// Terminates the calls that `stopped` selects. A later call cannot reduce the selection.
    fn terminate(&self, stopped: u8) {
        self.0.stopped.fetch_max(stopped, Ordering::Relaxed);
        self.0.terminate_expired();
    }
}

impl Shared {
    fn terminate_expired(&self) {
        let stopped = self.stopped.load(Ordering::Relaxed);
        let ticks = self.ticks.load(Ordering::Relaxed);
        lock(&self.sessions).retain(|session| {
            let Some(session) = session.upgrade() else {
                return false;
            };
            let is_trial = session.is_trial.load(Ordering::Relaxed);
            let ends_now = stopped == ALL || (stopped == TRIALS && is_trial);
            session.terminate_if_expired(if ends_now { TERMINATED - 1 } else { ticks });
            true
        });
        let loads_end = stopped != NONE;
        self.loads
            .cancel_expired(if loads_end { TERMINATED } else { ticks });
    }

    /// Returns the number of ticks after which a call has run for at least `limit`.
    fn ticks_of(&self, limit: Duration) -> u64 {
        let ticks = limit.as_nanos().div_ceil(self.tick.as_nanos()) + 1;
        u64::try_from(ticks).unwrap_or(TERMINATED / 2)
    }

    fn limit(&self, kind: CallKind) -> Duration {
        match kind {
            CallKind::Batch => self.limit,
            CallKind::Trial => self.limit.saturating_mul(TRIAL_FACTOR),
        }
    }
}

impl Watched {
    fn terminate_if_expired(&self, now: u64) {
        let expiry = self.expiry.load(Ordering::Relaxed);
        if expiry == IDLE || expiry > now {
            return;
        }
        let _guard = lock(&self.termination);
        let is_running = self
            .expiry
            .compare_exchange(expiry, TERMINATED, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
        if is_running && let Err(error) = self.options.terminate() {
            tracing::error!(%error, "cannot terminate an inference call");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        Shared {
            limit: Duration::from_secs(20),
            tick: Duration::from_secs(1),
            ticks: AtomicU64::new(1),
            stopped: AtomicU8::new(NONE),
            sessions: Mutex::default(),
            loads: Loads::default(),
        }
    }

    #[test]
    fn termination_of_trials_does_not_revoke_termination_of_all_calls() {
        let watchdog = Watchdog(Arc::new(shared()));
        watchdog.terminate_all();
        watchdog.terminate_trials();
        assert_eq!(watchdog.0.stopped.load(Ordering::Relaxed), ALL);
    }

    #[test]
    fn limit_is_rounded_up_to_ticks() {
        let shared = shared();
        assert_eq!(shared.ticks_of(shared.limit(CallKind::Batch)), 21);
        assert_eq!(shared.ticks_of(shared.limit(CallKind::Trial)), 61);
        assert_eq!(shared.ticks_of(Duration::from_millis(1)), 2);
        assert!(shared.ticks_of(Duration::MAX) < TERMINATED);
    }
}
