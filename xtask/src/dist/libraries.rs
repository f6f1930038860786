//! The shared libraries of the archive. Each searches for the libraries that it needs in its own directory (`RUNPATH`), so one directory
//! contains all of them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::files::{self, copy_all, files};
use crate::{setup::compiler, workspace::runtime};

/// The libraries of GCC that ONNX Runtime and OpenVINO need and that a system without a compiler may not have.
pub(super) const GCC: [&str; 2] = ["libstdc++.so.6", "libgcc_s.so.1"];

/// Copies ONNX Runtime, the OpenVINO plugin and the libraries of GCC.
///
/// # Errors
/// Returns an error if a library is missing or the disk is full.
pub(super) fn copy(to: &Path) -> Result<()> {
    let onnx_runtime = runtime().join("onnxruntime");
    for name in ["libonnxruntime.so", "libonnxruntime_providers_shared.so"] {
        files::copy(&onnx_runtime.join(name), &to.join(name))?;
    }
    let is_library = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().contains(".so")
    };
    copy_all(&runtime().join("openvino"), to, &is_library)?;
    for name in GCC {
        files::copy(&system_library(name)?, &to.join(name))?;
    }
    Ok(())
}

/// Returns the path of a library of the C compiler or of glibc.
///
/// # Errors
/// Returns an error if the compiler does not find the library.
pub(super) fn system_library(name: &str) -> Result<PathBuf> {
    let compiler = compiler("CC", "cc");
    let output = Command::new(&compiler)
        .arg(format!("-print-file-name={name}"))
        .output()
        .with_context(|| format!("cannot run the compiler `{}`", compiler.display()))?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    ensure!(
        path.is_absolute(),
        "the compiler `{}` does not find {name}",
        compiler.display()
    );
    path.canonicalize()
        .with_context(|| format!("cannot find {}", path.display()))
}

/// Returns the lowest version of glibc that has all symbols that the program and the libraries of a directory need.
///
/// # Errors
/// Returns an error if `readelf` cannot be run.
pub(super) fn glibc_version(folder: &Path) -> Result<String> {
    let mut highest = (0, 0);
    for file in files(folder)? {
        let is_elf = std::fs::read(&file)?.starts_with(b"\x7fELF");
        if !is_elf {
            continue;
        }
        let output = Command::new("readelf")
            .args(["--version-info", "--wide"])
            .arg(&file)
            .output()
            .context("cannot run `readelf`, which is part of binutils")?;
        let needed = highest_version(&String::from_utf8_lossy(&output.stdout));
        highest = highest.max(needed);
    }
    Ok(format!("{}.{}", highest.0, highest.1))
}

/// Returns the highest version of glibc in the output of `readelf --version-info`.
fn highest_version(text: &str) -> (u32, u32) {
    let versions = text.split("GLIBC_").skip(1).filter_map(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let mut numbers = rest[..end].split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    versions.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::highest_version;

    #[test]
    fn highest_version_is_numeric() {
        let text =
            "Name: GLIBC_2.9  Flags: none\nName: GLIBC_2.34\nName: GLIBC_2.2.5 GLIBC_PRIVATE";
        assert_eq!(highest_version(text), (2, 34));
        assert_eq!(highest_version("Name: GLIBCXX_3.4.21"), (0, 0));
    }
}
