//! `mien-train list`

use std::{io::Write, process::ExitCode};

use crate::arch::{catalog, summary};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print a JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let summaries = catalog::NAMES.map(|name| Ok(summary::summary(&catalog::build(name)?)?));
        let summaries: Vec<summary::Summary> =
            summaries.into_iter().collect::<anyhow::Result<_>>()?;
        let mut out = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, &summaries).map_err(std::io::Error::from)?;
            writeln!(out)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(
            out,
            "{:<34} {:>12} {:>12} {:>11} {:>16}",
            "name", "parameters", "trainable", "statistics", "multiply-adds"
        )?;
        for s in summaries {
            let row = (s.parameters, s.trainable, s.statistics, s.multiply_adds);
            writeln!(
                out,
                "{:<34} {:>12} {:>12} {:>11} {:>16}",
                s.name, row.0, row.1, row.2, row.3
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
