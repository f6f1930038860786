//! Checks of a plan file: names, dependencies and paths of exports.

use std::{
    collections::BTreeMap,
    path::{Component, Path},
};

use super::{Export, PlanError, file::Entry, order};

/// Checks the names and returns the entries in topological order.
pub(super) fn sorted(entries: Vec<Entry>) -> Result<Vec<Entry>, PlanError> {
    let mut indices = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if !is_folder_name(&entry.name) {
            return Err(PlanError::Name(entry.name.clone()));
        }
        if indices.insert(entry.name.as_str(), index).is_some() {
            return Err(PlanError::DuplicateName(entry.name.clone()));
        }
    }
    let needs = |entry: &Entry| {
        let index = |(key, name): (&'static str, &str)| {
            indices
                .get(name)
                .copied()
                .ok_or_else(|| PlanError::UnknownRun {
                    run: entry.name.clone(),
                    key,
                    name: name.to_owned(),
                    known: indices.keys().copied().collect::<Vec<_>>().join(", "),
                })
        };
        entry
            .dependencies()
            .map(index)
            .collect::<Result<Vec<_>, _>>()
    };
    let needs = entries.iter().map(needs).collect::<Result<Vec<_>, _>>()?;
    let name = |index: usize| entries[index].name.clone();
    let sorted = order::sort(&needs)
        .map_err(|cycle| PlanError::Cycle(cycle.into_iter().map(name).collect()))?;
    let mut entries: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
    Ok(sorted
        .into_iter()
        .filter_map(|index| entries[index].take())
        .collect())
}

/// Returns whether a name is one path component that is not hidden.
fn is_folder_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Checks that every export has its own folder below the root.
pub(super) fn check_exports(entries: &[Entry]) -> Result<(), PlanError> {
    let mut folders = BTreeMap::new();
    for entry in entries {
        for Export { path, .. } in &entry.exports {
            let Some(folder) = export_folder(path) else {
                let (run, path) = (entry.name.clone(), path.clone());
                return Err(PlanError::ExportPath { run, path });
            };
            if let Some(first) = folders.insert(folder, &entry.name) {
                let (first, second) = (first.clone(), entry.name.clone());
                let folder = folder.to_owned();
                return Err(PlanError::DuplicateExport {
                    folder,
                    first,
                    second,
                });
            }
        }
    }
    Ok(())
}

/// Returns the folder of an exported file. Returns `None` if the path is not an ONNX file in a folder below the root.
pub(super) fn export_folder(path: &Path) -> Option<&Path> {
    let is_inside = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let is_onnx = path
        .extension()
        .is_some_and(|extension| extension == "onnx");
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.filter(|_| is_inside && is_onnx)
}
