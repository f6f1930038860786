//! The files of a model's folder.

use std::{fs, path::Path};

use mien_host::atomic_file;

use super::ExportError;
use crate::{
    plot, recipe,
    report::{self, ModelReport},
    train::run::history::{self, EpochRow},
};

/// Writes the files of a model's folder. The model comes last, so that a server never loads a model without its report.
pub(super) fn write(
    out: &Path,
    bytes: &[u8],
    found: &ModelReport,
    rows: &[EpochRow],
) -> Result<(), ExportError> {
    let folder = out.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let mut json = serde_json::to_string_pretty(found)?;
    json.push('\n');
    replace(&folder.join(report::JSON), json.as_bytes())?;
    replace(
        &folder.join(report::MARKDOWN),
        report::report(found).as_bytes(),
    )?;
    let recipe_text =
        toml::to_string(&found.recipe).map_err(crate::train::run::error::RunError::from)?;
    replace(&folder.join(recipe::FILE_NAME), recipe_text.as_bytes())?;
    history::write(folder, rows).map_err(failed(&folder.join(history::FILE_NAME)))?;
    if !rows.is_empty() {
        plot::curves(&found.architecture, rows, &folder.join(plot::CURVES))?;
    }
    if let Some(test) = &found.test {
        let confusion = &test.report.confusion;
        plot::confusion(
            &found.architecture,
            "test faces",
            confusion,
            &folder.join(plot::CONFUSION),
        )?;
    }
    if may_replace(&folder.join(report::CARD)) {
        replace(&folder.join(report::CARD), report::card(found).as_bytes())?;
    }
    replace(out, bytes)
}

/// Returns whether the card is missing or was generated. A card that was edited by hand is not replaced.
pub(crate) fn may_replace(card: &Path) -> bool {
    match fs::read_to_string(card) {
        Ok(text) => text.lines().any(|line| line == report::CARD_MARK),
        Err(_) => !card.exists(),
    }
}

/// Writes a file atomically. An existing file is replaced.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    atomic_file::write(path, bytes).map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> ExportError {
    move |source| ExportError::Io {
        path: path.to_owned(),
        source,
    }
}
