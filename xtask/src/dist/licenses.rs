//! The licences of the files in the archive.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::files::{copy, copy_all, create_dir};
use crate::workspace::{cargo, root, runtime};

/// Beginnings of the names of licence files in crates, in lower case.
const NAMES: [&str; 5] = ["license", "licence", "copying", "notice", "unlicense"];

/// Where Debian and Ubuntu install the licence of the libraries of GCC.
const GCC: &str = "/usr/share/doc/libgcc-s1/copyright";

/// Writes the licences of mien, of the libraries and of the crates that the server is linked with.
///
/// # Errors
/// Returns an error if a file is missing, cargo fails or the disk is full.
pub(super) fn collect(to: &Path) -> Result<()> {
    create_dir(to)?;
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "NOTICE"] {
        copy(&root().join(name), &to.join(name))?;
    }
    let is_text = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".txt") || name == "LICENSE"
    };
    for component in ["onnxruntime", "openvino", "yunet"] {
        copy_all(&runtime().join(component), &to.join(component), &is_text)?;
    }
    let gcc = Path::new(GCC);
    if gcc.exists() {
        copy(gcc, &to.join("gcc.txt"))?;
    } else {
        eprintln!("{GCC} does not exist; add the licence of libstdc++ and libgcc to the archive");
    }
    let crates = crates()?;
    fs::write(to.join("crates.txt"), text(&crates)?).context("cannot write crates.txt")
}

/// A crate that the server is linked with.
struct Crate {
    /// Name and version.
    name: String,
    /// SPDX expression.
    license: String,
    /// Directory of its sources.
    folder: PathBuf,
}

/// Returns the dependencies of the server, sorted by name.
fn crates() -> Result<Vec<Crate>> {
    let tree = output(&[
        "tree",
        "--locked",
        "--package",
        "mien",
        "--features",
        "jemalloc",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ])?;
    // A line has the name, `v` and the version, and for a crate of the workspace its path.
    let linked: BTreeSet<String> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let name = words.next()?;
            Some(format!("{name} {}", words.next()?.strip_prefix('v')?))
        })
        .collect();
    let metadata: Value =
        serde_json::from_str(&output(&["metadata", "--locked", "--format-version", "1"])?)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut crates: Vec<Crate> = packages
        .filter(|package| !package["source"].is_null())
        .map(|package| Crate {
            name: format!("{} {}", text(&package["name"]), text(&package["version"])),
            license: text(&package["license"]),
            folder: PathBuf::from(text(&package["manifest_path"]))
                .parent()
                .map(Path::to_owned)
                .unwrap_or_default(),
        })
        .filter(|package| linked.contains(&package.name))
        .collect();
    crates.sort_by(|a, b| a.name.cmp(&b.name));
    ensure!(!crates.is_empty(), "cargo listed no dependencies of mien");
    Ok(crates)
}

/// Returns the list of crates with their licences, then each text once with its crates.
fn text(crates: &[Crate]) -> Result<String> {
    let mut out = "Crates that the server is linked with, and their licences (SPDX)\n\n".to_owned();
    let mut texts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for package in crates {
        writeln!(out, "{}: {}", package.name, package.license)?;
        for path in license_files(&package.folder)? {
            let text =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let text = String::from_utf8_lossy(&text).trim().to_owned();
            texts.entry(text).or_default().push(&package.name);
        }
    }
    for (text, names) in &texts {
        let line = "-".repeat(80);
        writeln!(out, "\n{line}\n{}\n\n{text}", names.join(", "))?;
    }
    Ok(out)
}

/// Returns the licence files in the directory of a crate.
fn license_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_lowercase();
        if path.is_file() && NAMES.iter().any(|known| name.starts_with(known)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the standard output of a cargo command.
fn output(args: &[&str]) -> Result<String> {
    let output = cargo(args).output().context("cannot start cargo")?;
    ensure!(
        output.status.success(),
        "`cargo {}` failed: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_written_once_with_their_crates() {
        let folder = tempfile::tempdir().unwrap();
        let crates = ["a 1.0.0", "b 2.0.0"].map(|name| {
            let folder = folder.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("LICENSE-MIT"), "Permission is granted\n").unwrap();
            fs::write(folder.join("lib.rs"), "code").unwrap();
            Crate {
                name: name.to_owned(),
                license: "MIT".to_owned(),
                folder,
            }
        });
        let text = text(&crates).unwrap();
        assert!(text.contains("a 1.0.0: MIT\nb 2.0.0: MIT\n"), "{text}");
        assert!(text.contains("a 1.0.0, b 2.0.0\n\nPermission"), "{text}");
        assert_eq!(text.matches("Permission is granted").count(), 1);
        assert!(!text.contains("code"));
    }
}
