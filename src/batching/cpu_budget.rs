//! The machine's cores, shared by the workers of all models. A worker holds as many cores as its inference call uses, so
//! that several busy models take turns instead of slowing each other down by context switches. If a call runs longer than a
//! second, waiting workers get its cores, so that a call that does not end cannot block other models.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use mien_host::sync::lock;

use super::Priority;

/// Time after which the cores of a call are free for waiting workers although the call still runs.
const MAX_RESERVATION: Duration = Duration::from_secs(1);

/// A budget of cores. Clones share it.
#[derive(Clone)]
pub struct CpuBudget(Option<Arc<Budget>>);

struct Budget {
    total: usize,
    /// A copy of `state.free` for readers that need only an estimate.
    free: AtomicUsize,
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    free: usize,
    /// Priorities of the waiting workers, by ticket in order of arrival.
    waiting: BTreeMap<u64, Priority>,
    next: u64,
    /// The reservations of the running calls.
    reserved: Vec<Reservation>,
}

/// The cores of one inference call.
struct Reservation {
    ticket: u64,
    count: usize,
    since: Instant,
}

impl CpuBudget {
    /// Creates a budget of `total` cores, at least 1.
    pub fn new(total: usize) -> Self {
        let total = total.max(1);
        let state = Mutex::new(State {
            free: total,
            waiting: BTreeMap::new(),
            next: 0,
            reserved: Vec::new(),
        });
        let free = AtomicUsize::new(total);
        Self(Some(Arc::new(Budget {
            total,
            free,
            state,
            wake: Condvar::new(),
        })))
    }

    /// Returns the budget of all cores that this process may use, shared by all models.
    pub fn of_machine() -> Self {
        static CORES: OnceLock<CpuBudget> = OnceLock::new();
        let count = || mien_host::cpu::available_cores();
        CORES.get_or_init(|| Self::new(count())).clone()
    }

    /// Creates a budget without a limit, for models that do not run on the CPU.
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Blocks until `count` cores are free and no worker of a higher priority, or of the same priority and an earlier
    /// ticket, waits. `count` is limited to the number of cores. `priority` is evaluated again after each
    /// [`Self::reprioritize`].
    pub(super) fn acquire(&self, count: usize, priority: impl Fn() -> Priority) -> Permit<'_> {
        let Some(budget) = &self.0 else {
            return Permit {
                budget: None,
                ticket: 0,
            };
        };
        let count = count.clamp(1, budget.total);
        let mut state = budget.lock();
        let ticket = state.next;
        state.next += 1;
        if !state.waiting.is_empty() || state.free < count {
            loop {
                let now = priority();
                let before = state.waiting.insert(ticket, now);
                if before.is_some_and(|before| before < now) {
                    // A worker that was second to this one may be sleeping although it is first now.
                    budget.wake.notify_all();
                }
                let next_expiry = budget.release_expired(&mut state);
                if state.free >= count && state.is_first(ticket) {
                    break;
                }
                let wait = budget.wake.wait_timeout(state, next_expiry);
                state = wait.unwrap_or_else(PoisonError::into_inner).0;
            }
            state.waiting.remove(&ticket);
        }
        budget.set_free(&mut state, |free| free - count);
        state.reserved.push(Reservation {
            ticket,
            count,
            since: Instant::now(),
        });
        // The next worker may fit too.
        let others = !state.waiting.is_empty() && state.free > 0;
        drop(state);
        if others {
            budget.wake.notify_all();
        }
        Permit {
            budget: Some(budget),
            ticket,
        }
    }

    /// Estimates how many inference calls of `count` cores could start now.
    pub(super) fn available(&self, count: usize) -> usize {
        self.0.as_ref().map_or(usize::MAX, |b| {
            b.free.load(Ordering::Relaxed) / count.max(1)
        })
    }

    /// Estimates the number of reserved cores; zero for a budget without a limit.
    pub(super) fn reserved(&self) -> usize {
        self.0
            .as_ref()
            .map_or(0, |b| b.total - b.free.load(Ordering::Relaxed).min(b.total))
    }

    /// Returns the number of cores; zero for a budget without a limit.
    pub(super) fn total(&self) -> usize {
        self.0.as_ref().map_or(0, |budget| budget.total)
    }

    /// Makes all waiting workers evaluate their priority again.
    pub(super) fn reprioritize(&self) {
        if let Some(budget) = &self.0 {
            drop(budget.lock());
            budget.wake.notify_all();
        }
    }
}

impl Budget {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Code that holds the lock does not panic.
        lock(&self.state)
    }

    /// Frees the cores of calls that run longer than [`MAX_RESERVATION`] and returns the time until the next one does.
    fn release_expired(&self, state: &mut State) -> Duration {
        let (mut next, mut expired) = (MAX_RESERVATION, 0);
        state.reserved.retain(|reservation| {
            let rest = MAX_RESERVATION.saturating_sub(reservation.since.elapsed());
            if rest.is_zero() {
                expired += reservation.count;
            } else {
                next = next.min(rest);
            }
            !rest.is_zero()
        });
        if expired > 0 {
            self.set_free(state, |free| free + expired);
            self.wake.notify_all();
        }
        next
    }

    fn set_free(&self, state: &mut State, change: impl Fn(usize) -> usize) {
        state.free = change(state.free);
        self.free.store(state.free, Ordering::Relaxed);
    }
}

impl State {
    /// Returns whether this ticket is the next to be served.
    fn is_first(&self, ticket: u64) -> bool {
        let first = self
            .waiting
            .iter()
            .min_by_key(|&(&other, &priority)| (priority, other));
        first.is_some_and(|(&first, _)| first == ticket)
    }
}

/// Reserved cores, released on drop.
pub(super) struct Permit<'a> {
    budget: Option<&'a Budget>,
    ticket: u64,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Some(budget) = self.budget else { return };
        let mut state = budget.lock();
        let is_own = |reservation: &Reservation| reservation.ticket == self.ticket;
        // Waiting workers may have got the cores of a long call already.
        let Some(index) = state.reserved.iter().position(is_own) else {
            return;
        };
        let Reservation { count, .. } = state.reserved.swap_remove(index);
        budget.set_free(&mut state, |free| free + count);
        let others = !state.waiting.is_empty();
        drop(state);
        if others {
            budget.wake.notify_all();
        }
    }
}

#[cfg(test)]
mod tests;
