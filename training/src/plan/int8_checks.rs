//! Checks of the INT8 files of a plan.

use std::path::Path;

use super::{Export, Int8File, PlanError, checks::export_folder};

/// Checks that every INT8 file is quantised from an export of the plan and has its own folder.
pub(super) fn check<'a>(
    files: &'a [Int8File],
    exports: impl Iterator<Item = &'a Export>,
) -> Result<(), PlanError> {
    let exports: Vec<&Export> = exports.collect();
    let mut folders: Vec<&Path> = exports
        .iter()
        .filter_map(|export| export_folder(&export.path))
        .collect();
    for file in files {
        if !exports.iter().any(|export| export.path == file.model) {
            let (path, model) = (file.path.clone(), file.model.clone());
            return Err(PlanError::Int8Model { path, model });
        }
        let folder =
            export_folder(&file.path).ok_or_else(|| PlanError::Int8Path(file.path.clone()))?;
        if folders.contains(&folder) {
            return Err(PlanError::Int8Folder(folder.to_owned()));
        }
        folders.push(folder);
    }
    Ok(())
}
