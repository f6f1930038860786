//! Drives mien's web UI in Chromium: starts the server with fixture models, and a browser that records its requests and
//! its console.
//!
//! The tests are in `tests/web_ui/`. `cargo xtask e2e` finds the browser and runs them.

mod accessibility;
mod browser;
mod foreign_page;
mod log;
mod server;
mod session;
mod web_ui;

use std::path::PathBuf;

pub use foreign_page::FOREIGN_HOST;
pub use session::{with_detector, with_foreign_pages, with_keys, with_web_ui};
pub use web_ui::WebUi;

/// Returns the absolute path of a file in the repository.
pub fn repository_path(path: &str) -> PathBuf {
    let e2e = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    e2e.parent()
        .expect("e2e is a directory of the repository")
        .join(path)
}
