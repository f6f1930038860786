//! Who may name whom: the doors between the rooms of ARCHITECTURE.md, checked over the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use rules::RULES;

use crate::workspace::cargo;

mod rules;
mod uses;

/// Checks every rule over the sources below `root`.
///
/// # Errors
/// All lines that break a rule.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut broken = Vec::new();
    for rule in RULES {
        for file in sources(root, rule.room)? {
            if rule.except.iter().any(|except| file.starts_with(except)) {
                continue;
            }
            let text = fs::read_to_string(root.join(&file))?;
            let lines = offending_lines(&text, rule.words);
            broken.extend(lines.map(|line| format!("{}:{line}: {}", file.display(), rule.why)));
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("imports against ARCHITECTURE.md:\n{}", broken.join("\n"))
}

/// Checks what the server's build needs, in all of its dependencies: nothing of libtorch or the trainer.
///
/// # Errors
/// The package that does not belong there.
pub(crate) fn server_tree() -> Result<()> {
    let mut tree = cargo(&["tree", "--locked", "--package", "mien", "--edges", "normal,build"]);
    let output = tree.args(["--prefix", "none", "--format", "{p}"]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let packages = String::from_utf8_lossy(&output.stdout);
    match stranger(&packages) {
        Some(line) => bail!("the server's build must do without {line}"),
        None => Ok(()),
    }
}

/// The first line of a `cargo tree` that names a package of the trainer's.
fn stranger(packages: &str) -> Option<&str> {
    packages.lines().find(|line| {
        let name = line.split(' ').next().unwrap_or_default();
        ["tch", "torch-sys", "mien-training"].contains(&name)
    })
}

/// Numbers, from 1, of the lines of code that hold one of the words, groups of imports written out.
fn offending_lines<'a>(text: &str, words: &'a [&'a str]) -> impl Iterator<Item = usize> + 'a {
    uses::written_out(text).into_iter().filter_map(move |(number, line)| {
        let code = line.trim_start();
        let found = !code.starts_with("//") && words.iter().any(|word| holds(code, word));
        found.then_some(number)
    })
}

/// Whether the word stands in the line and is not the end of a longer name (`tch::` in `patch::`).
fn holds(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        // A whole name: nothing of a name before it, and after `use ort` or `crate::http` neither.
        let ends = word.ends_with(':') || matches!(word, "use actix" | "prost") || !is_name(after);
        !is_name(before) && ends
    })
}

/// All Rust files of a room (a folder, and the file of its name), relative to the root, sorted.
fn sources(root: &Path, room: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let own = PathBuf::from(format!("{room}.rs"));
    if root.join(&own).is_file() {
        files.push(own);
    }
    let mut folders = vec![PathBuf::from(room)];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        for entry in
            fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?
        {
            let name = folder.join(entry?.file_name());
            if root.join(&name).is_dir() {
                folders.push(name);
            } else if name.extension().is_some_and(|extension| extension == "rs") {
                files.push(name);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_code_and_not_in_comments_or_longer_names() {
        let text = "//! ort::Session\nuse ort::Session;\nlet x = import::y;\nuse orthogonal;\n";
        let words = ["use ort", "ort::"];
        assert_eq!(offending_lines(text, &words).collect::<Vec<_>>(), [2]);
        assert_eq!(offending_lines("use crate::http::error;", &["crate::http"]).count(), 1);
        assert_eq!(offending_lines("use crate::httpish;", &["crate::http"]).count(), 0);
        let group = "use crate::{\n    aside,\n    http::{self, error},\n};\n";
        assert_eq!(offending_lines(group, &["crate::http"]).collect::<Vec<_>>(), [3, 3]);
    }

    #[test]
    fn the_checkout_keeps_its_rules() {
        check(&crate::workspace::root()).unwrap();
    }

    #[test]
    fn a_package_of_the_trainer_is_found_in_the_servers_tree() {
        assert_eq!(stranger("mien v0.1.0\nort v2.0.0\npitch v1.0.0"), None);
        assert_eq!(stranger("mien v0.1.0\ntch v0.26.0"), Some("tch v0.26.0"));
    }

    #[test]
    fn a_broken_rule_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        for rule in RULES {
            fs::create_dir_all(folder.path().join(rule.room)).unwrap();
        }
        fs::write(folder.path().join("training/src/arch/op.rs"), "\nuse tch::Tensor;\n").unwrap();
        let error = check(folder.path()).unwrap_err().to_string();
        assert!(error.contains("training/src/arch/op.rs:2"), "{error}");
    }
}
