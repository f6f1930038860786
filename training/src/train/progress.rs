//! What a person sees while a network trains: a bar on a terminal, a line an epoch in a log.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use super::history::EpochRow;

/// The bar of one epoch; it is taken away when dropped.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar for an epoch (from 0) of `steps` steps, `done` of which are finished.
    pub fn new(epoch: usize, epochs: usize, side: usize, steps: usize, done: usize) -> Self {
        let bar = bar(steps, "{prefix} {wide_bar} {pos}/{len} {msg} [{elapsed}<{eta}]");
        bar.set_prefix(format!("epoch {}/{epochs} {side}px", epoch + 1));
        bar.set_position(done as u64);
        bar.reset_eta();
        Self { bar }
    }

    /// One more step; `left` is the time to the end of the whole run in seconds.
    pub fn step(&self, loss: f64, accuracy: f64, images_per_second: f64, left: f64) {
        let accuracy = accuracy * 100.0;
        self.bar.set_message(format!(
            "loss {loss:.3} acc {accuracy:.1} % {images_per_second:.0} img/s, run ends in {}",
            clock(left)
        ));
        self.bar.inc(1);
    }
}

/// What is waited for before the first epoch, where the teachers answer once: a line, and on a terminal a bar; with large
/// teachers that is half an hour.
#[derive(Debug)]
pub struct Teaching {
    bar: ProgressBar,
    begun: Instant,
}

impl Teaching {
    /// Says that the teachers answer for so many faces.
    pub fn new(faces: usize) -> Self {
        eprintln!("the teachers answer for {faces} faces and their mirror images");
        let bar = bar(faces, "teachers {wide_bar} {pos}/{len} [{elapsed}<{eta}]");
        Self { bar, begun: Instant::now() }
    }

    /// So many faces more are answered; the first ones tell how long all will take.
    pub fn answered(&self, faces: usize) {
        let first = self.bar.position() == 0;
        self.bar.inc(faces as u64);
        let left = self.bar.length().unwrap_or(0).saturating_sub(self.bar.position());
        if first && left > 0 {
            let seconds = self.begun.elapsed().as_secs_f64() / faces as f64 * left as f64;
            let line = format!("their answers will take about {}", clock(seconds));
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }
}

/// A bar that is taken away when dropped.
fn bar(length: usize, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    ProgressBar::new(length as u64).with_style(style).with_finish(ProgressFinish::AndClear)
}

/// Prints the line of a finished epoch.
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
        clock(row.seconds)
    );
}

/// Seconds as `h:mm:ss`.
pub(crate) fn clock(seconds: f64) -> String {
    let s = seconds.max(0.0) as u64;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}
