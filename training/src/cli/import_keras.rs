//! `mien-train import-keras`

use std::{io::Write, path::PathBuf, process::ExitCode};

use crate::{
    import::{self, Reference},
    onnx::fuse::Fusing,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A `.h5` file that Keras 2 or 3 saved: a whole model, or its weights alone (then with --arch).
    file: PathBuf,
    /// The model file to write, such as models/NAME/1/model.onnx.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The network, where the file does not tell it (see `mien-train list`).
    #[arg(long, value_name = "NAME")]
    arch: Option<String>,
    /// A NumPy file with pictures x [N,48,48,1] and Keras' own outputs y [N,7], which the model must meet to 1e-4.
    #[arg(long, value_name = "FILE.npz")]
    check: Option<PathBuf>,
    /// Keep every batch normalisation instead of folding it into the convolution before it.
    #[arg(long)]
    no_fuse: bool,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let reference = self.check.as_deref().map(Reference::read).transpose()?;
        let fusing = Fusing::unless(self.no_fuse);
        let (file, architecture) = (&self.file, self.arch.as_deref());
        let imported = import::import(file, architecture, reference.as_ref(), fusing, &self.out)?;
        let mut out = std::io::stdout().lock();
        let summary = &imported.summary;
        let saved_by = match imported.version.as_str() {
            "" => String::new(),
            version => format!(", saved by Keras {version}"),
        };
        writeln!(
            out,
            "{}: {} parameters{saved_by}",
            summary.name, summary.parameters
        )?;
        writeln!(out, "wrote {}", self.out.display())?;
        writeln!(
            out,
            "libtorch and ONNX Runtime differ by at most {:.1e} on {}",
            imported.difference,
            if imported.check.is_some_and(|check| check.by_onnx) {
                "its pictures"
            } else {
                "made-up pictures"
            }
        )?;
        if let Some(check) = imported.check {
            let by = if check.by_onnx {
                "ONNX Runtime"
            } else {
                "libtorch (x is no gray levels)"
            };
            writeln!(
                out,
                "Keras and {by} differ by at most {:.1e} on {} pictures",
                check.difference, check.pictures
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
