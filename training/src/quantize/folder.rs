//! The files of an INT8 version.

use std::{fs, path::Path};

use mien_host::atomic_file;

use super::QuantizeError;
use crate::{
    export::may_replace,
    plot,
    report::{self, quantization::QuantizationReport},
};

/// Checks that the INT8 file gets another folder than the float file.
pub(super) fn check(float: &Path, out: &Path) -> Result<(), QuantizeError> {
    let folder = |file: &Path| {
        let folder = file.parent().filter(|folder| *folder != Path::new(""));
        fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()
    };
    let (float, out) = (folder(float), folder(out));
    match float {
        Some(float) if out.as_ref() == Some(&float) => Err(QuantizeError::SameFolder(float)),
        _ => Ok(()),
    }
}

/// Writes the version folder. The model comes last, so that a server never loads a model without its report.
pub(super) fn write(
    out: &Path,
    bytes: &[u8],
    found: &QuantizationReport,
) -> Result<(), QuantizeError> {
    let folder = out.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(QuantizeError::io(folder))?;
    let mut json = serde_json::to_string_pretty(found)?;
    json.push('\n');
    if let Some(test) = &found.test {
        let confusion = &test.report.confusion;
        let title = format!("{}, INT8", found.architecture);
        plot::confusion(
            &title,
            "test faces",
            confusion,
            &folder.join(plot::CONFUSION),
        )?;
    }
    let replace = |path: &Path, bytes: &[u8]| {
        atomic_file::write(path, bytes).map_err(QuantizeError::io(path))
    };
    replace(&folder.join(report::JSON), json.as_bytes())?;
    let card = folder.join(report::CARD);
    if may_replace(&card) {
        replace(&card, report::quantization::card(found).as_bytes())?;
    }
    replace(out, bytes)
}
