use std::{
    sync::{atomic::AtomicBool, mpsc},
    thread,
};

use super::*;

#[test]
fn cores_are_reserved_exclusively() {
    let cores = CpuBudget::new(3);
    let two = cores.acquire(2, || Priority::Live);
    assert_eq!((cores.available(1), cores.available(2)), (1, 0));
    drop(two);
    // A request for more cores than exist reserves all of them.
    let all = cores.acquire(8, || Priority::Live);
    assert_eq!(cores.available(1), 0);
    drop(all);
    assert_eq!(cores.available(1), 3);
    assert_eq!(CpuBudget::unlimited().available(4), usize::MAX);
}

/// Blocks until `count` threads wait for cores.
fn wait_for_waiters(cores: &CpuBudget, count: usize) {
    let budget = cores.0.as_ref().unwrap();
    while budget.lock().waiting.len() < count {
        thread::yield_now();
    }
}

#[test]
fn long_call_loses_its_cores_to_waiting_worker() {
    let cores = CpuBudget::new(2);
    let endless = cores.acquire(2, || Priority::Live);
    let mine = cores.clone();
    let waiter = thread::spawn(move || {
        drop(mine.acquire(2, || Priority::Live));
    });
    // Hangs if the cores are not released.
    waiter.join().unwrap();
    assert_eq!(cores.available(1), 2);
    drop(endless);
    assert_eq!(
        cores.available(1),
        2,
        "the cores must not be released twice"
    );
}

#[test]
fn lowered_priority_wakes_next_waiter() {
    for _ in 0..300 {
        let cores = CpuBudget::new(1);
        let held = cores.acquire(1, || Priority::Live);
        let lowered = Arc::new(AtomicBool::new(false));
        let (mine, flag) = (cores.clone(), Arc::clone(&lowered));
        let first = thread::spawn(move || {
            let priority = || {
                if flag.load(Ordering::SeqCst) {
                    Priority::Background
                } else {
                    Priority::Live
                }
            };
            drop(mine.acquire(1, priority));
        });
        wait_for_waiters(&cores, 1);
        let mine = cores.clone();
        let second = thread::spawn(move || drop(mine.acquire(1, || Priority::Live)));
        wait_for_waiters(&cores, 2);
        lowered.store(true, Ordering::SeqCst);
        drop(held);
        // Hangs if one of them is not woken.
        first.join().unwrap();
        second.join().unwrap();
    }
}

#[test]
fn live_precedes_background_then_arrival_order() {
    let cores = CpuBudget::new(1);
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
            wait_for_waiters(&cores, index + 1);
            thread
        })
        .collect();
    drop(held);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(
        order.try_iter().collect::<Vec<_>>(),
        ["first", "second", "background"]
    );
}
