//! `mien-train quantize`

use std::{io::Write, path::PathBuf, process::ExitCode};

use mien_faces::report::format::{percent, points};

use crate::{
    quantize::{self, DEFAULT_CALIBRATION_FACES, DEFAULT_MAX_LOSS, Settings},
    report::quantization::{Paired, QuantizationReport},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The float model file, written by `mien-train export`.
    model: PathBuf,
    /// The data set that the model was trained on: a folder with train/<class>/ or fer2013.csv.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The INT8 model file to write, such as models/NAME-int8/1/model.onnx. Report and card are written to the same folder.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Number of training faces on which the ranges of activations are measured.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CALIBRATION_FACES, value_parser = super::at_least_one)]
    calibration_faces: usize,
    /// Maximum increase of the log-loss on the held-out faces, nats. If the INT8 file exceeds it, no file is written. A
    /// negative number requires an improvement.
    #[arg(long, value_name = "NATS", default_value_t = DEFAULT_MAX_LOSS, value_parser = finite)]
    max_loss: f64,
}

/// Parses a finite number.
fn finite(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "a finite number".to_owned())
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let found = quantize::run(&Settings {
            model: self.model,
            data: self.data,
            out: self.out.clone(),
            calibration_faces: self.calibration_faces,
            max_loss: self.max_loss,
        })?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "wrote {} with its report and card", self.out.display())?;
        show(&mut out, &found)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn show(out: &mut impl Write, found: &QuantizationReport) -> anyhow::Result<()> {
    for candidate in &found.methods {
        let loss = candidate.log_loss;
        writeln!(out, "{:<20} held out: log-loss {loss:.4}", candidate.method)?;
    }
    writeln!(out, "selected: {}", found.method)?;
    line(out, "held out", &found.holdout)?;
    if let Some(test) = &found.test {
        line(out, "test", &test.paired)?;
    }
    let [float, int8] = [&found.float, &found.int8].map(|file| file.speed.milliseconds);
    writeln!(
        out,
        "{int8:.2} ms per face instead of {float:.2} ms: batch size 1, one thread of ONNX Runtime"
    )?;
    Ok(())
}

fn line(out: &mut impl Write, name: &str, paired: &Paired) -> anyhow::Result<()> {
    let [low, high] = paired.difference_interval.map(|end| points(end, 2));
    writeln!(
        out,
        "{name:<9} {:>5} faces  {} instead of {}: {} points [{low}, {high}], {} labels changed, log-loss {:+.4}",
        paired.faces,
        percent(paired.int8.score.accuracy, 2),
        percent(paired.float.score.accuracy, 2),
        points(paired.difference, 2),
        paired.labels_changed,
        paired.loss(),
    )?;
    Ok(())
}
