//! The progress bar of commands. It is shown on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

/// Creates a bar on standard error for `total` images.
pub(super) fn bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::new(0);
    set_total(&bar, u64::try_from(total).unwrap_or(u64::MAX));
    bar
}

/// Creates a bar on standard error for images that have not been counted. `done` images were processed before.
pub(super) fn open_ended(done: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{pos} images  {per_sec}  {elapsed} elapsed");
    let bar = ProgressBar::no_length().with_style(style.expect("the template is well formed"));
    bar.set_position(done);
    // The rate is that of the images of this process.
    bar.reset_eta();
    bar
}

/// Sets the number of images, so that the bar shows the time that is left.
pub(super) fn set_total(bar: &ProgressBar, total: u64) {
    let style = ProgressStyle::with_template(
        "{bar:40} {pos}/{len} images  {per_sec}  {elapsed} elapsed, {eta} left",
    );
    bar.set_style(style.expect("the template is well formed"));
    bar.set_length(total);
}

/// Adds processed images.
pub(super) fn advance(bar: &ProgressBar, images: usize) {
    bar.inc(u64::try_from(images).unwrap_or(u64::MAX));
}
