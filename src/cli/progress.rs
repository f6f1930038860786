//! The progress bar of commands over many images. It shows on a terminal alone.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on the standard error stream over `total` images.
pub(super) fn bar(total: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {pos}/{len} images  {per_sec}  {elapsed} gone, {eta} left",
    );
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    bar.with_style(style.expect("the template is well formed"))
}

/// More images are through.
pub(super) fn advance(bar: &ProgressBar, images: usize) {
    bar.inc(u64::try_from(images).unwrap_or(u64::MAX));
}
