//! The licences of the files in the archive.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::files::{copy, copy_all, create_dir};
use crate::{
    crates::{self, Crate},
    workspace::{root, runtime},
};

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
    let mut crates = crates::linked()?;
    crates.retain(|package| !package.is_member);
    fs::write(to.join("crates.txt"), text(&crates)?).context("cannot write crates.txt")
}

/// Returns the list of crates with their licences, then each text once with its crates.
fn text(crates: &[Crate]) -> Result<String> {
    let mut out = "Crates that the server is linked with, and their licences (SPDX)\n\n".to_owned();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in crates {
        writeln!(out, "{}: {}", package.label(), package.license)?;
        for path in license_files(&package.folder)? {
            let text =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let text = String::from_utf8_lossy(&text).trim().to_owned();
            texts.entry(text).or_default().push(package.label());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_written_once_with_their_crates() {
        let folder = tempfile::tempdir().unwrap();
        let crates = [("a", "1.0.0"), ("b", "2.0.0")].map(|(name, version)| {
            let folder = folder.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("LICENSE-MIT"), "Permission is granted\n").unwrap();
            fs::write(folder.join("lib.rs"), "code").unwrap();
            Crate {
                name: name.to_owned(),
                version: version.to_owned(),
                license: "MIT".to_owned(),
                folder,
                is_member: false,
                dependencies: Vec::new(),
            }
        });
        let text = text(&crates).unwrap();
        assert!(text.contains("a 1.0.0: MIT\nb 2.0.0: MIT\n"), "{text}");
        assert!(text.contains("a 1.0.0, b 2.0.0\n\nPermission"), "{text}");
        assert_eq!(text.matches("Permission is granted").count(), 1);
        assert!(!text.contains("code"));
    }
}
