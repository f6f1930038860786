//! Messages of ONNX Runtime without paths, because clients see them.

use std::path::{Component, Path};

/// Characters that end a path in a message, unless the path is quoted.
const DELIMITERS: &[char] = &[
    ' ', '\n', '\t', ',', ';', '(', ')', '[', ']', '"', '\'', '`',
];

/// Removes the path of the model file and of its directory from a message, and then all other absolute paths.
pub(super) fn without_path(message: &str, path: &Path) -> String {
    let mut message = message.replace(&path.display().to_string(), "model.onnx");
    let resolved = path.canonicalize().ok();
    let directories = [Some(path), resolved.as_deref()].map(|path| path.and_then(Path::parent));
    for directory in directories.into_iter().flatten() {
        let directory = directory.display().to_string();
        if directory.len() > 1 {
            message = message.replace(&format!("{directory}/"), "");
            message = message.replace(&directory, "the directory of the version");
        }
    }
    without_absolute_paths(&message)
}

/// Replaces absolute paths by their last component. Names of nodes such as `/conv1/Conv` look like paths. They are not
/// replaced, because the root directory does not contain their first component.
pub(in crate::inference) fn without_absolute_paths(message: &str) -> String {
    let mut replaced = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find('/') {
        let (before, path) = rest.split_at(start);
        replaced.push_str(before);
        let previous = replaced.chars().next_back();
        let end = match previous {
            Some(quote @ ('"' | '\'' | '`')) => path.find(quote),
            _ => path.find(DELIMITERS),
        };
        let (path, tail) = path.split_at(end.unwrap_or(path.len()));
        let begins = previous.is_none_or(|c| c == ':' || c == '=' || DELIMITERS.contains(&c));
        match Path::new(path).file_name() {
            Some(name) if begins && is_on_this_machine(path) => {
                replaced.push_str(&name.to_string_lossy());
            }
            _ => replaced.push_str(path),
        }
        rest = tail;
    }
    replaced + rest
}

/// Returns whether the root directory contains the first component of an absolute path.
fn is_on_this_machine(path: &str) -> bool {
    let first = Path::new(path)
        .components()
        .find(|part| matches!(part, Component::Normal(_)));
    first.is_some_and(|first| Path::new("/").join(first).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_replaced_by_their_last_component() {
        for (message, expected) in [
            (
                "resolved path: \"/tmp/a b/x.bin\" allowed: \"m/1\"",
                "resolved path: \"x.bin\" allowed: \"m/1\"",
            ),
            (
                "cannot open /etc/model.data, error 2",
                "cannot open model.data, error 2",
            ),
            ("file:/etc/x", "file:x"),
            ("node '/conv1/Conv' failed", "node '/conv1/Conv' failed"),
            ("a/b/c and 1/2 and /", "a/b/c and 1/2 and /"),
            ("", ""),
        ] {
            assert_eq!(without_absolute_paths(message), expected);
        }
    }

    #[test]
    fn directory_of_the_model_is_not_named() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("m/1");
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("model.onnx");
        std::fs::write(&path, "").unwrap();
        let message = format!(
            "\"{}\" escapes {}: \"{}\"",
            root.path().join("x").display(),
            directory.display(),
            path.display()
        );
        assert_eq!(
            without_path(&message, &path),
            "\"x\" escapes the directory of the version: \"model.onnx\""
        );
    }
}
