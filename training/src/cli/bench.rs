//! `mien-train bench`

use std::{io::Write, process::ExitCode};

use crate::{
    arch::catalog,
    bench::{self, Figures, Settings},
    torch::device::Precision,
};

/// Networks that are measured without `--arch`: those of the original notebook.
const NOTEBOOK: [&str; 5] = [
    "densenet-100-12-c03",
    "densenet-100-12-c05",
    "densenet-100-12-c07",
    "resnet-104-v1",
    "resnet-155-v2",
];

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Network to measure, as listed by `mien-train list`; can be repeated [default: five large networks].
    #[arg(long, value_name = "NAME")]
    arch: Vec<String>,
    /// Faces per step.
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Faces per thread. With 0, the threads share each operation instead.
    #[arg(long, default_value_t = 0)]
    micro_batch: usize,
    /// Height and width of the faces in pixels, 16 to 48.
    #[arg(long, default_value_t = catalog::INPUT_SIDE)]
    size: usize,
    /// Number format of convolutions and activations.
    #[arg(long, value_enum, default_value_t = Precision::Auto)]
    precision: Precision,
    /// Number of measured steps.
    #[arg(long, default_value_t = 5, value_parser = super::at_least_one)]
    steps: usize,
    /// Number of threads.
    #[arg(long, default_value_t = super::cores(), value_parser = super::at_least_one)]
    threads: usize,
    /// Print a JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let names = if self.arch.is_empty() {
            NOTEBOOK.map(str::to_owned).to_vec()
        } else {
            self.arch.clone()
        };
        let measure = |architecture: String| {
            bench::run(&Settings {
                architecture,
                batch: self.batch,
                micro_batch: (self.micro_batch > 0).then_some(self.micro_batch),
                side: self.size,
                precision: self.precision,
                steps: self.steps,
                threads: self.threads,
            })
        };
        let mut out = std::io::stdout().lock();
        if self.json {
            let all: Vec<Figures> = names.into_iter().map(measure).collect::<Result<_, _>>()?;
            serde_json::to_writer_pretty(&mut out, &all).map_err(std::io::Error::from)?;
            writeln!(out)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(
            out,
            "{:<34} {:>4} {:>9} {:>7} {:>8} {:>8} {:>7} {:>8} {:>9}",
            "ms per image",
            "px",
            "precision",
            "data",
            "forward",
            "backward",
            "step",
            "total",
            "peak MiB"
        )?;
        for name in names {
            let f = measure(name)?;
            let peak = f
                .peak_memory_mib
                .map_or("-".to_owned(), |mib| format!("{mib:.0}"));
            writeln!(
                out,
                "{:<34} {:>4} {:>9} {:>7.3} {:>8.2} {:>8.2} {:>7.2} {:>8.2} {peak:>9}",
                f.architecture, f.side, f.precision, f.data, f.forward, f.backward, f.step, f.total
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
