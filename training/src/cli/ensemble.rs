//! `mien-train ensemble`

use std::{io::Write, path::PathBuf, process::ExitCode};

use mien_faces::report::{Report, format::percent};

use crate::{
    ensemble::{self, DEFAULT_MIN_FACES, ModelVersion, Settings, selection::Limits},
    report::ensemble::EnsembleReport,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The data set that the candidates were trained on: a folder with train/<class>/ or fer2013.csv.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The folder that contains the candidates as NAME/VERSION/model.onnx.
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// An exported model that may become a member; repeat it for every candidate.
    #[arg(long = "candidate", value_name = "NAME@VERSION", required = true)]
    candidates: Vec<ModelVersion>,
    /// The version folder to write, such as models/ensemble/1.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Maximum number of members.
    #[arg(long, default_value_t = Limits::default().max_members, value_parser = super::at_least_one)]
    max_members: usize,
    /// Log-loss on the held-out faces by which a further member must improve the ensemble, nats.
    #[arg(long, default_value_t = Limits::default().min_gain, value_parser = super::not_negative)]
    min_gain: f64,
    /// Minimum number of training faces that all candidates held out.
    #[arg(long, default_value_t = DEFAULT_MIN_FACES, value_parser = super::at_least_one)]
    min_faces: usize,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let found = ensemble::build(&Settings {
            data: self.data,
            models: self.models,
            candidates: self.candidates,
            limits: Limits {
                max_members: self.max_members,
                min_gain: self.min_gain,
            },
            min_faces: self.min_faces,
            out: self.out.clone(),
        })?;
        let mut out = std::io::stdout().lock();
        show(&mut out, &found)?;
        writeln!(out, "wrote {}", self.out.join("mien.toml").display())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn show(out: &mut impl Write, found: &EnsembleReport) -> anyhow::Result<()> {
    for candidate in &found.candidates {
        let accuracy = percent(candidate.score.accuracy, 2);
        let loss = candidate.log_loss.unwrap_or(f64::NAN);
        writeln!(
            out,
            "{:<32} held out: log-loss {loss:.4}, {accuracy}",
            candidate.model
        )?;
    }
    for member in &found.members {
        writeln!(out, "member {} with weight {}", member.model, member.weight)?;
    }
    line(out, "held out", &found.holdout)?;
    if let Some(test) = &found.test {
        line(out, "test", &test.report)?;
        line(out, "test, not in train", &test.duplicates.without)?;
    }
    Ok(())
}

fn line(out: &mut impl Write, name: &str, report: &Report) -> anyhow::Result<()> {
    let (accuracy, loss) = (report.score.accuracy, report.log_loss.unwrap_or(f64::NAN));
    let accuracy = percent(accuracy, 2);
    writeln!(
        out,
        "{name:<18} {:>5} faces  {accuracy}, log-loss {loss:.4}",
        report.score.total
    )?;
    Ok(())
}
