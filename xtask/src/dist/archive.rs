//! Checksums and the compressed file.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::files::files;
use crate::{
    wheel::hash,
    workspace::{check, commit_time},
};

/// Name of the file with the checksums.
const SUMS: &str = "SHA256SUMS";

/// Writes the checksums of a directory of `output` and packs it. Equal files result in equal archives: the entries are sorted and have
/// the time of the last commit.
///
/// # Errors
/// Returns an error if a tool fails or the disk is full.
pub(super) fn pack(output: &Path, name: &str) -> Result<PathBuf> {
    let folder = output.join(name);
    fs::write(folder.join(SUMS), checksums(&folder)?)?;
    let archive = output.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.args(["--create", "--use-compress-program=gzip --no-name"])
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .arg("--mode=go=rX,u+rw,a-s")
        .arg(format!("--mtime=@{}", commit_time()?))
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(output)
        .arg(name);
    check(tar)?;
    Ok(archive)
}

/// Returns the SHA-256 of each file below a directory, in the format of `sha256sum`.
fn checksums(folder: &Path) -> Result<String> {
    let mut lines = String::new();
    for path in files(folder)? {
        let relative = path.strip_prefix(folder).unwrap_or(&path);
        if relative == Path::new(SUMS) {
            continue;
        }
        writeln!(lines, "{}  {}", hash(&path)?, relative.display())?;
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_have_relative_paths_in_order() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("lib/x"), "abc").unwrap();
        fs::write(folder.path().join("a"), "").unwrap();
        fs::write(folder.path().join(SUMS), "old").unwrap();
        // FIPS 180-2, appendix B.1, and the hash of the empty message.
        let expected = "\
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n\
            ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  lib/x\n";
        assert_eq!(checksums(folder.path()).unwrap(), expected);
    }
}
