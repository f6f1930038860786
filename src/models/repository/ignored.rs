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
mod tests {
    use super::*;

    fn found(files: &[&str]) -> Vec<(String, String)> {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        find(root.path())
            .into_iter()
            .map(|ignored| (ignored.path, ignored.expected))
            .collect()
    }

    #[test]
    fn misplaced_models_have_expected_path() {
        for (file, path, expected) in [
            ("net.onnx", "net.onnx", "net/1/model.onnx"),
            ("m/model.onnx", "m/model.onnx", "m/1/model.onnx"),
            ("m/mien.toml", "m/mien.toml", "m/1/mien.toml"),
            ("m/1/net.onnx", "m/1/net.onnx", "m/1/model.onnx"),
            ("m/1/Model.ONNX", "m/1/Model.ONNX", "m/1/model.onnx"),
            ("m/1/model.onnx/x", "m/1", "m/1/model.onnx, or"),
            ("m/1/1/model.onnx", "m/1", "m/1/model.onnx, or"),
            ("m/1/mien.toml", "m/1", "[ensemble]"),
            ("m/v1/model.onnx", "m/v1", "for example m/1"),
            ("m/01/model.onnx", "m/01", "for example m/1"),
            ("m/1.0/x", "m/1.0", "for example m/1"),
            ("m/0/model.onnx", "m/0", "for example m/1"),
            ("m/latest/model.onnx", "m/latest", "for example m/1"),
            ("m/latest/net.onnx", "m/latest", "for example m/1"),
            ("models/m/1/model.onnx", "models/m", "m/VERSION/model.onnx"),
        ] {
            let found = found(&[file]);
            assert_eq!(found.len(), 1, "{file}: {found:?}");
            assert_eq!(found[0].0, path);
            assert!(found[0].1.contains(expected), "{file}: {}", found[0].1);
        }
    }

    #[test]
    fn other_files_and_directories_are_not_reported() {
        let files = [
            "README.md",
            "docs/index.md",
            "m/1/model.onnx",
            "m/1/other.onnx",
            "m/README.md",
            "m/figures/roc.svg",
            ".git/1/net.onnx",
            "m/.new/model.onnx",
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn number_of_reported_paths_is_bounded() {
        let files: Vec<String> = (0..150).map(|n| format!("m{n}/model.onnx")).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        assert_eq!(found(&files).len(), MAX_REPORTED);
    }
}
