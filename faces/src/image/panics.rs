//! Contains panics of decoders: a file must not affect other requests.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

thread_local! {
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether a panic of this thread would be contained. Panic hooks then need not report it as a fault of the program.
pub fn is_panic_contained() -> bool {
    IS_CONTAINED.get()
}

/// Runs `decoder` and returns `None` if it panics.
pub(super) fn contain<T>(decoder: impl FnOnce() -> T) -> Option<T> {
    let before = IS_CONTAINED.replace(true);
    // A decoder owns its state, which is dropped.
    let result = catch_unwind(AssertUnwindSafe(decoder));
    IS_CONTAINED.set(before);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::{contain, is_panic_contained};

    #[test]
    fn panic_is_contained_and_state_is_restored() {
        assert_eq!(contain(|| -> u8 { panic!("expected by the test") }), None);
        assert!(!is_panic_contained());
        assert_eq!(contain(is_panic_contained), Some(true));
    }
}
