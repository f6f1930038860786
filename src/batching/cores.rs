//! The machine's cores, shared by the workers of all models: whoever runs holds as many as its run uses, so that
//! several busy models take turns and do not slow each other down by switching.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::Priority;

/// A budget of cores. Clones share it.
#[derive(Clone)]
pub struct Cores(Option<Arc<Budget>>);

struct Budget {
    total: usize,
    /// What `state.free` is, for readers that need no exact answer.
    free: AtomicUsize,
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    free: usize,
    /// Who waits, by arrival.
    waiting: BTreeMap<u64, Priority>,
    next: u64,
}

impl Cores {
    /// A budget of `total` cores, at least 1.
    pub fn new(total: usize) -> Self {
        let total = total.max(1);
        let state = Mutex::new(State { free: total, waiting: BTreeMap::new(), next: 0 });
        let free = AtomicUsize::new(total);
        Self(Some(Arc::new(Budget { total, free, state, wake: Condvar::new() })))
    }

    /// The cores that this process may use: one budget for all models.
    pub fn of_machine() -> Self {
        static CORES: OnceLock<Cores> = OnceLock::new();
        let count = || std::thread::available_parallelism().map_or(1, usize::from);
        CORES.get_or_init(|| Self::new(count())).clone()
    }

    /// No budget at all: for models that do not run on the CPU.
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Blocks until `count` cores are free and nobody of the same priority who came earlier, or of a higher one,
    /// waits. A run that would use more cores than there are takes all. `priority` is asked again after each
    /// [`Self::nudge`].
    pub(super) fn acquire(&self, count: usize, priority: impl Fn() -> Priority) -> Permit<'_> {
        let Some(budget) = &self.0 else { return Permit { budget: None, count: 0 } };
        let count = count.clamp(1, budget.total);
        let mut state = budget.lock();
        if !state.waiting.is_empty() || state.free < count {
            let ticket = state.next;
            state.next += 1;
            loop {
                let now = priority();
                let before = state.waiting.insert(ticket, now);
                if before.is_some_and(|before| before < now) {
                    // Who looked before may have slept on because of the claim that is gone.
                    budget.wake.notify_all();
                }
                if state.free >= count && state.is_first(ticket) {
                    break;
                }
                state = budget.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.waiting.remove(&ticket);
        }
        budget.set_free(&mut state, |free| free - count);
        // There may be room for the next one too.
        let others = !state.waiting.is_empty() && state.free > 0;
        drop(state);
        if others {
            budget.wake.notify_all();
        }
        Permit { budget: Some(budget), count }
    }

    /// How many runs of `count` cores could start now; an estimate while others come and go.
    pub(super) fn room(&self, count: usize) -> usize {
        self.0.as_ref().map_or(usize::MAX, |b| b.free.load(Ordering::Relaxed) / count.max(1))
    }

    /// Has everybody who waits look at its priority again.
    pub(super) fn nudge(&self) {
        if let Some(budget) = &self.0 {
            drop(budget.lock());
            budget.wake.notify_all();
        }
    }
}

impl Budget {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_free(&self, state: &mut State, change: impl Fn(usize) -> usize) {
        state.free = change(state.free);
        self.free.store(state.free, Ordering::Relaxed);
    }
}

impl State {
    /// Whether nobody waits with a better claim.
    fn is_first(&self, ticket: u64) -> bool {
        let first = self.waiting.iter().min_by_key(|&(&other, &priority)| (priority, other));
        first.is_some_and(|(&first, _)| first == ticket)
    }
}

/// Cores that are held; dropping gives them back.
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
mod tests {
    use std::{
        sync::{atomic::AtomicBool, mpsc},
        thread,
    };

    use super::*;

    #[test]
    fn cores_are_given_out_once() {
        let cores = Cores::new(3);
        let two = cores.acquire(2, || Priority::Live);
        assert_eq!((cores.room(1), cores.room(2)), (1, 0));
        drop(two);
        // More than there are is all there are.
        let all = cores.acquire(8, || Priority::Live);
        assert_eq!(cores.room(1), 0);
        drop(all);
        assert_eq!(cores.room(1), 3);
        assert_eq!(Cores::unlimited().room(4), usize::MAX);
    }

    /// Waits until so many wait.
    fn until_waiting(cores: &Cores, count: usize) {
        let budget = cores.0.as_ref().unwrap();
        while budget.lock().waiting.len() < count {
            thread::yield_now();
        }
    }

    #[test]
    fn a_claim_that_gets_worse_holds_nobody_up() {
        for _ in 0..300 {
            let cores = Cores::new(1);
            let held = cores.acquire(1, || Priority::Live);
            let gone = Arc::new(AtomicBool::new(false));
            let (mine, flag) = (cores.clone(), Arc::clone(&gone));
            let first = thread::spawn(move || {
                let worse = || flag.load(Ordering::SeqCst);
                let priority = || if worse() { Priority::Background } else { Priority::Live };
                drop(mine.acquire(1, priority));
            });
            until_waiting(&cores, 1);
            let mine = cores.clone();
            let second = thread::spawn(move || drop(mine.acquire(1, || Priority::Live)));
            until_waiting(&cores, 2);
            gone.store(true, Ordering::SeqCst);
            drop(held);
            // Hangs where one of them sleeps on.
            first.join().unwrap();
            second.join().unwrap();
        }
    }

    #[test]
    fn live_goes_before_background_and_then_who_came_first() {
        let cores = Cores::new(1);
        let held = cores.acquire(1, || Priority::Live);
        let (done, order) = mpsc::channel();
        let waiters = [
            ("background", Priority::Background),
            ("first", Priority::Live),
            ("second", Priority::Live),
        ];
        let threads: Vec<_> = waiters
            .into_iter()
            .enumerate()
            .map(|(index, (name, priority))| {
                let (mine, done) = (cores.clone(), done.clone());
                let thread = thread::spawn(move || {
                    let permit = mine.acquire(1, || priority);
                    done.send(name).unwrap();
                    drop(permit);
                });
                until_waiting(&cores, index + 1);
                thread
            })
            .collect();
        drop(held);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(order.try_iter().collect::<Vec<_>>(), ["first", "second", "background"]);
    }
}
