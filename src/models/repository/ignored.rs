//! Finds files and directories in a models directory that look like models but have the wrong name or place.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use super::{MODEL_FILE, is_version};
use crate::models::{ModelVersion, version_config::CONFIG_FILE};

/// Maximum number of reported paths.
const MAX_REPORTED: usize = 100;

/// Maximum number of paths in a message.
const MAX_LISTED: usize = 5;

/// A file or directory that looks like a model and is not loaded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IgnoredPath {
    /// Path in the models directory.
    pub path: String,
    /// The expected path or content.
    pub expected: String,
}

impl fmt::Display for IgnoredPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (expected {})", self.path, self.expected)
    }
}

/// Returns the first ignored paths as the end of a message; an empty text if there are none.
pub fn describe_ignored(ignored: &[IgnoredPath]) -> String {
    if ignored.is_empty() {
        return String::new();
    }
    let listed = ignored.iter().take(MAX_LISTED).map(ToString::to_string);
    let listed: Vec<String> = listed.collect();
    let more = match ignored.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; ignored: {}{more}", listed.join(", "))
}

/// Finds ignored paths, at most 100, sorted. Directories that cannot be read are skipped.
pub(super) fn find(root: &Path) -> Vec<IgnoredPath> {
    let mut ignored = Vec::new();
    for Entry { name, path } in entries(root) {
        if path.is_dir() {
            find_in_model(&name, &path, &mut ignored);
        } else if let Some(file) = model_file_name(&name) {
            let stem = name.split('.').next().unwrap_or_default();
            let model = if stem.is_empty() || file == CONFIG_FILE {
                "NAME"
            } else {
                stem
            };
            ignored.push(IgnoredPath {
                expected: format!("{model}/1/{file}"),
                path: name,
            });
        }
    }
    ignored.sort();
    ignored.truncate(MAX_REPORTED);
    ignored
}

/// Finds ignored paths in a directory that is either version 1 of a model or contains its versions, at most 100, sorted.
pub(super) fn find_in_directory_of(model: &str, directory: &Path) -> Vec<IgnoredPath> {
    let mut ignored = Vec::new();
    if is_version(directory) {
        let is_numbered =
            |entry: &Entry| entry.name.parse::<ModelVersion>().is_ok() && is_version(&entry.path);
        let versions = entries(directory).into_iter().filter(is_numbered);
        ignored.extend(versions.map(|Entry { name, .. }| IgnoredPath {
            path: format!("{model}/{name}"),
            expected: format!(
                "either {MODEL_FILE} in the directory of the model, or versions below the directory"
            ),
        }));
    } else {
        find_in_model(model, directory, &mut ignored);
    }
    ignored.sort();
    ignored.truncate(MAX_REPORTED);
    ignored
}

/// Finds ignored paths in the directory of a model.
fn find_in_model(model: &str, directory: &Path, ignored: &mut Vec<IgnoredPath>) {
    for Entry { name, path } in entries(directory) {
        let own = format!("{model}/{name}");
        if path.is_file() {
            let file = model_file_name(&name);
            ignored.extend(file.map(|file| IgnoredPath {
                path: own,
                expected: format!("{model}/1/{file}"),
            }));
            continue;
        }
        match (name.parse::<ModelVersion>(), is_version(&path)) {
            (Ok(_), true) => {}
            (Ok(_), false) => ignored.push(without_model(own, &path)),
            (Err(_), has_model) => {
                if has_model || is_like_version(&name) || misnamed_model(&path).is_some() {
                    ignored.push(IgnoredPath {
                        path: own,
                        expected: format!(
                            "{model}/N, N a positive integer without leading zeros, for example {model}/1"
                        ),
                    });
                } else if entries(&path).iter().any(|entry| is_version(&entry.path)) {
                    ignored.push(IgnoredPath {
                        path: own,
                        expected: format!("{name}/VERSION/{MODEL_FILE}, one directory higher"),
                    });
                }
            }
        }
    }
}

/// Returns the report of a version directory without a model.
fn without_model(own: String, path: &Path) -> IgnoredPath {
    let is_special = |file: &&str| {
        path.join(file)
            .metadata()
            .is_ok_and(|found| !found.is_file() && !found.is_dir())
    };
    if let Some(file) = [MODEL_FILE, CONFIG_FILE].into_iter().find(is_special) {
        return IgnoredPath {
            path: format!("{own}/{file}"),
            expected: "a regular file".to_owned(),
        };
    }
    match misnamed_model(path) {
        Some(file) => IgnoredPath {
            path: format!("{own}/{file}"),
            expected: format!("{own}/{MODEL_FILE}"),
        },
        None => IgnoredPath {
            expected: format!("{own}/{MODEL_FILE}, or {own}/{CONFIG_FILE} with a table [ensemble]"),
            path: own,
        },
    }
}

/// Returns the first ONNX file of a directory.
fn misnamed_model(directory: &Path) -> Option<String> {
    let mut files: Vec<String> = entries(directory)
        .into_iter()
        .filter(|entry| entry.path.is_file() && model_file_name(&entry.name) == Some(MODEL_FILE))
        .map(|entry| entry.name)
        .collect();
    files.sort();
    files.into_iter().next()
}

/// Returns the correct name of a file that belongs into the directory of a version.
fn model_file_name(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    if name.ends_with(".onnx") {
        Some(MODEL_FILE)
    } else if name == CONFIG_FILE {
        Some(CONFIG_FILE)
    } else {
        None
    }
}

/// Returns whether a name is a number like `01`, `v1` or `1.0`.
fn is_like_version(name: &str) -> bool {
    let number = name.trim_start_matches(['v', 'V', '-', '+']);
    !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.')
}

struct Entry {
    name: String,
    path: PathBuf,
}

/// Returns the entries of a directory that are not hidden.
fn entries(directory: &Path) -> Vec<Entry> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let named = entries.map(|entry| Entry {
        name: entry.file_name().to_string_lossy().into_owned(),
        path: entry.path(),
    });
    named.filter(|entry| !entry.name.starts_with('.')).collect()
}

#[cfg(test)]
mod tests;
