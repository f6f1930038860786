//! Exports the run in a folder.

use std::{fs, path::Path};

use super::{ExportError, Options, Trained};
use crate::report::{self, ModelReport};

/// Exports the run in `folder` to the model file `out`. A copy of the report goes into the run's folder, where
/// `mien-train compare` reads it. `data` replaces the data set that the run names.
///
/// # Errors
/// Returns the errors of [`Trained::open`] and [`Trained::export`].
pub fn from_run(
    folder: &Path,
    data: Option<&Path>,
    out: &Path,
    unfinished: bool,
    options: &Options,
) -> Result<ModelReport, ExportError> {
    let trained = Trained::open(folder, unfinished)?;
    let data = data.unwrap_or(trained.data()).to_owned();
    let report = trained.export(&data, out, options)?;
    // The model is complete, so a read-only run folder is not an error.
    let (source, copy) = (out.with_file_name(report::JSON), folder.join(report::JSON));
    if let Err(error) = fs::copy(&source, &copy) {
        eprintln!("cannot copy the report to {}: {error}", copy.display());
    }
    Ok(report)
}
