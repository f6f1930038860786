//! Progress of training on the terminal: a bar within an epoch, and one line per finished epoch.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use super::run::history::EpochRow;

/// Progress bar of one epoch. Dropping it clears the bar.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Creates a bar for an epoch (from 0) of `steps` steps, of which `done` are finished.
    pub fn new(epoch: usize, epochs: usize, side: usize, steps: usize, done: usize) -> Self {
        let bar = bar(
            steps,
            "{prefix} {wide_bar} {pos}/{len} {msg} [{elapsed}<{eta}]",
        );
        bar.set_prefix(format!("epoch {}/{epochs} {side}px", epoch + 1));
        bar.set_position(done as u64);
        bar.reset_eta();
        Self { bar }
    }

    /// Advances by one step. `eta` is the remaining time of the whole run in seconds.
    pub fn step(&self, loss: f64, accuracy: f64, images_per_second: f64, eta: f64) {
        let accuracy = accuracy * 100.0;
        self.bar.set_message(format!(
            "loss {loss:.3} acc {accuracy:.1} % {images_per_second:.0} img/s, run ends in {}",
            format_hms(eta)
        ));
        self.bar.inc(1);
    }
}

/// Progress of computing the cached teacher outputs before the first epoch, which takes half an hour with large teachers.
#[derive(Debug)]
pub struct TeacherProgress {
    bar: ProgressBar,
    start: Instant,
}

impl TeacherProgress {
    /// Prints that the teachers run on `faces` faces and starts a bar.
    pub fn new(faces: usize) -> Self {
        eprintln!("computing teacher outputs for {faces} faces and their mirror images");
        let bar = bar(faces, "teachers {wide_bar} {pos}/{len} [{elapsed}<{eta}]");
        Self {
            bar,
            start: Instant::now(),
        }
    }

    /// Advances by `faces` faces. The first call prints an estimate of the total time.
    pub fn advance(&self, faces: usize) {
        let first = self.bar.position() == 0;
        self.bar.inc(faces as u64);
        let left = self
            .bar
            .length()
            .unwrap_or(0)
            .saturating_sub(self.bar.position());
        if first && left > 0 {
            let seconds = self.start.elapsed().as_secs_f64() / faces as f64 * left as f64;
            let line = format!("the teacher outputs take about {}", format_hms(seconds));
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }
}

/// Returns a bar that is cleared when dropped. It is hidden if standard error is not a terminal.
pub(crate) fn bar(length: usize, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    ProgressBar::new(length as u64)
        .with_style(style)
        .with_finish(ProgressFinish::AndClear)
}

/// Prints one line for a finished epoch.
pub fn report(row: &EpochRow, epochs: usize) {
    let holdout = match (row.holdout_accuracy, row.holdout_loss) {
        (Some(accuracy), Some(loss)) => {
            format!("  holdout {:.2} % (nll {loss:.3})", accuracy * 100.0)
        }
        _ => String::new(),
    };
    eprintln!(
        "epoch {:>3}/{epochs}  {} px  loss {:.4}  train {:.2} %{holdout}  {:.0} img/s  {}",
        row.epoch,
        row.side,
        row.train_loss,
        row.train_accuracy * 100.0,
        row.images_per_second,
        format_hms(row.seconds)
    );
}

/// Formats seconds as `h:mm:ss`.
pub(crate) fn format_hms(seconds: f64) -> String {
    let s = seconds.max(0.0) as u64;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}
