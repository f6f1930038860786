//! Drives mien's page in a real Chromium: the server as users start it, its fixtures, and a browser that remembers every
//! request and every line of its console.
//!
//! `tests/page.rs` holds the cases; `cargo xtask e2e` finds the browser and runs them.

mod browser;
mod log;
mod page;
mod server;

use std::path::PathBuf;

pub use page::{Page, on_page};

/// A path of the checkout.
pub fn checkout(path: &str) -> PathBuf {
    let e2e = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    e2e.parent().expect("e2e lies in the checkout").join(path)
}
