//! The machine's cores, shared by the workers of all models. A worker holds as many cores as its inference call uses, so
//! that several busy models take turns instead of slowing each other down by context switches.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use mien_host::sync::lock;

use super::Priority;

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
}

impl CpuBudget {
    /// Creates a budget of `total` cores, at least 1.
    pub fn new(total: usize) -> Self {
        let total = total.max(1);
        let state = Mutex::new(State {
            free: total,
            waiting: BTreeMap::new(),
            next: 0,
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
                count: 0,
            };
        };
        let count = count.clamp(1, budget.total);
        let mut state = budget.lock();
        if !state.waiting.is_empty() || state.free < count {
            let ticket = state.next;
            state.next += 1;
            loop {
                let now = priority();
                let before = state.waiting.insert(ticket, now);
                if before.is_some_and(|before| before < now) {
                    // A worker that was second to this one may be sleeping although it is first now.
                    budget.wake.notify_all();
                }
                if state.free >= count && state.is_first(ticket) {
                    break;
                }
                state = budget
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.waiting.remove(&ticket);
        }
        budget.set_free(&mut state, |free| free - count);
        // The next worker may fit too.
        let others = !state.waiting.is_empty() && state.free > 0;
        drop(state);
        if others {
            budget.wake.notify_all();
        }
        Permit {
            budget: Some(budget),
            count,
        }
    }

    /// Estimates how many inference calls of `count` cores could start now.
    pub(super) fn available(&self, count: usize) -> usize {
        self.0.as_ref().map_or(usize::MAX, |b| {
            b.free.load(Ordering::Relaxed) / count.max(1)
        })
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
    count: usize,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Some(budget) = self.budget else { return };
        let mut state = budget.lock();
        budget.set_free(&mut state, |free| free + self.count);
        let others = !state.waiting.is_empty();
        drop(state);
        if others {
            budget.wake.notify_all();
        }
    }
}

#[cfg(test)]
mod tests;
