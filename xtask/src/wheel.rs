//! Pinned Python wheels: downloads them with pip, checks their SHA-256 and unpacks selected files.

use std::{
    fs::{self, File},
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

pub(crate) mod pip;

/// Downloads the wheel of a requirement (`name==version`) into a directory. Tests replace [`pip::download`].
pub(crate) type Fetch = fn(&str, &Path) -> Result<()>;

/// A wheel and the files that are unpacked from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wheel {
    /// `name==version`.
    pub(crate) requirement: &'static str,
    /// Hash of the file, in hexadecimal.
    pub(crate) sha256: &'static str,
    /// For each entry of the archive, the first rule with a matching prefix and infix applies.
    pub(crate) rules: &'static [Rule],
}

/// Selects entries of a wheel and their destination.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Prefix of the entry's path; removed from the destination path.
    pub(crate) prefix: &'static str,
    /// Text that the rest of the path must contain.
    pub(crate) infix: &'static str,
    /// Destination directory.
    pub(crate) into: &'static str,
}

impl Wheel {
    /// Downloads, checks and unpacks the wheel into `folder`.
    ///
    /// # Errors
    /// Returns an error if the download fails, the file does not have the pinned hash, or the disk is full.
    pub(crate) fn install(&self, folder: &Path, fetch: Fetch) -> Result<()> {
        let download =
            tempfile::tempdir_in(folder).context("cannot create a directory for the download")?;
        eprintln!("downloading {} ...", self.requirement);
        fetch(self.requirement, download.path())?;
        let mut files = fs::read_dir(download.path())?;
        let file = files
            .next()
            .context("pip succeeded but did not write a file")??
            .path();
        verify(&file, self.sha256)?;
        unpack(&file, self.rules, folder)
    }
}

/// Returns the SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub(crate) fn hash(file: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut reader = io::BufReader::with_capacity(1 << 20, opened);
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        hasher.update(chunk);
        let length = chunk.len();
        reader.consume(length);
    }
    Ok(hex::encode(hasher.finalize()))
}

/// Compares the hash of a file with the pinned one.
fn verify(file: &Path, sha256: &str) -> Result<()> {
    let found = hash(file)?;
    ensure!(
        found == sha256,
        "{} is not the pinned file: its SHA-256 is {found}, expected {sha256}. Nothing was unpacked",
        file.file_name().unwrap_or_default().display()
    );
    Ok(())
}

fn unpack(file: &Path, rules: &[Rule], folder: &Path) -> Result<()> {
    let mut archive = zip::ZipArchive::new(io::BufReader::new(File::open(file)?))?;
    let mut used = vec![false; rules.len()];
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        // `enclosed_name` rejects absolute paths and `..`.
        let Some(name) = entry.enclosed_name().filter(|_| entry.is_file()) else {
            continue;
        };
        let Some((rule, rest)) = find_rule(rules, &name) else {
            continue;
        };
        let path = folder.join(rules[rule].into).join(rest);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let mut out =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        io::copy(&mut entry, &mut out)
            .with_context(|| format!("cannot unpack {}", path.display()))?;
        used[rule] = true;
    }
    match used.iter().position(|used| !used) {
        Some(missing) => bail!(
            "the wheel does not contain files in {}",
            rules[missing].prefix
        ),
        None => Ok(()),
    }
}

fn find_rule(rules: &[Rule], name: &Path) -> Option<(usize, PathBuf)> {
    let name = name.to_str()?;
    rules.iter().enumerate().find_map(|(index, rule)| {
        let rest = name.strip_prefix(rule.prefix)?;
        rest.contains(rule.infix)
            .then(|| (index, PathBuf::from(rest)))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const RULES: &[Rule] = &[
        Rule {
            prefix: "pkg/lib/",
            infix: "libx.so",
            into: "x",
        },
        Rule {
            prefix: "pkg/include/",
            infix: "",
            into: "include",
        },
    ];

    fn wheel(folder: &Path, entries: &[&str]) -> PathBuf {
        let path = folder.join("x.whl");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for entry in entries {
            zip.start_file(*entry, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(entry.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    #[test]
    fn unpack_writes_only_files_that_match_a_rule() {
        let folder = tempfile::tempdir().unwrap();
        let file = wheel(
            folder.path(),
            &[
                "pkg/lib/libx.so.1",
                "pkg/lib/liby.so",
                "pkg/include/a/b.h",
                "../evil",
            ],
        );
        unpack(&file, RULES, folder.path()).unwrap();
        assert_eq!(
            fs::read_to_string(folder.path().join("x/libx.so.1")).unwrap(),
            "pkg/lib/libx.so.1"
        );
        assert!(folder.path().join("include/a/b.h").is_file());
        assert!(!folder.path().join("x/liby.so").exists());
        assert!(!folder.path().parent().unwrap().join("evil").exists());
    }

    #[test]
    fn unpack_fails_if_a_rule_matches_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = wheel(folder.path(), &["pkg/lib/libx.so.1"]);
        assert!(
            unpack(&file, RULES, folder.path())
                .unwrap_err()
                .to_string()
                .contains("pkg/include/")
        );
    }

    #[test]
    fn verify_rejects_file_with_another_hash() {
        let folder = tempfile::tempdir().unwrap();
        let file = wheel(folder.path(), &["a"]);
        let error = verify(&file, &"0".repeat(64)).unwrap_err().to_string();
        assert!(error.contains("not the pinned file"), "{error}");
        let found = error.split("SHA-256 is ").nth(1).unwrap()[..64].to_owned();
        verify(&file, &found).unwrap();
    }
}
