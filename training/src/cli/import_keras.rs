//! `mien-train import-keras`

use std::{io::Write, path::PathBuf, process::ExitCode};

use crate::{
    import::{self, Reference},
    onnx::batch_norm_folding::BatchNormFolding,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A .h5 file of Keras 2 or 3: a whole model, or only its weights (with --arch).
    file: PathBuf,
    /// The model file to write, such as models/NAME/1/model.onnx.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The network, if the file contains only weights; see `mien-train list`.
    #[arg(long, value_name = "NAME")]
    arch: Option<String>,
    /// A NumPy file with images x [N,48,48,1] and the outputs y [N,7] of Keras. The model's outputs may differ by 1e-4.
    #[arg(long, value_name = "FILE.npz")]
    check: Option<PathBuf>,
    /// Do not fold batch normalisations into the preceding convolutions.
    #[arg(long)]
    no_fuse: bool,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let reference = self.check.as_deref().map(Reference::read).transpose()?;
        let batch_norm_folding = BatchNormFolding::unless(self.no_fuse);
        let (file, architecture) = (&self.file, self.arch.as_deref());
        let imported = import::import(
            file,
            architecture,
            reference.as_ref(),
            batch_norm_folding,
            &self.out,
        )?;
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
                "the images of --check"
            } else {
                "random images"
            }
        )?;
        if let Some(check) = imported.check {
            let by = if check.by_onnx {
                "ONNX Runtime"
            } else {
                "libtorch (x are not whole gray levels)"
            };
            writeln!(
                out,
                "Keras and {by} differ by at most {:.1e} on {} images",
                check.difference, check.images
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
