//! The progress bar of commands. It is shown on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

/// Creates a bar on standard error for `total` images.
pub(super) fn bar(total: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {pos}/{len} images  {per_sec}  {elapsed} elapsed, {eta} left",
    );
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    bar.with_style(style.expect("the template is well formed"))
}

/// Adds processed images.
pub(super) fn advance(bar: &ProgressBar, images: usize) {
    bar.inc(u64::try_from(images).unwrap_or(u64::MAX));
}
