//! `mien-train export`

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::Context;

use crate::export::Trained;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run's folder.
    run: PathBuf,
    /// The model file to write, such as models/NAME/1/model.onnx; report.json is written beside it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The data set whose test faces judge the model, where it is not the run's own.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Export a run whose epochs are not all done.
    #[arg(long)]
    unfinished: bool,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let trained = Trained::open(&self.run, self.unfinished)?;
        let data = self.data.as_deref().unwrap_or(trained.data());
        let exported = trained.export(data, &self.out)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "wrote {}", self.out.display())?;
        writeln!(out, "libtorch and ONNX Runtime differ by at most {:.1e}", exported.difference)?;
        let Some(report) = exported.report else {
            writeln!(out, "no test faces in {}: the model carries no accuracy", data.display())?;
            return Ok(ExitCode::SUCCESS);
        };
        let path = self.out.with_file_name("report.json");
        let json = serde_json::to_string_pretty(&report)?;
        std::fs::write(&path, json).with_context(|| format!("cannot write {}", path.display()))?;
        let parts = report.splits.iter().map(|(usage, score)| (usage.name().to_owned(), score));
        for (split, score) in std::iter::once(("test".to_owned(), &report.score)).chain(parts) {
            if let (Some(accuracy), Some([low, high])) = (score.accuracy, score.interval) {
                let [accuracy, low, high] = [accuracy, low, high].map(|x| x * 100.0);
                writeln!(
                    out,
                    "{split:<12} {:>5} faces  {accuracy:.2} % [{low:.2}, {high:.2}]",
                    score.total
                )?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
