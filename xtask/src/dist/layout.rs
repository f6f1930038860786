//! The files of the archive.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use super::{
    files::{copy, copy_all, create_dir, has_extension},
    libraries, licenses,
};
use crate::{
    sbom,
    workspace::{check, root, runtime},
};

/// Extensions of the files that a model needs. Records of the training stay in the repository.
pub(super) const MODEL_FILES: [&str; 3] = ["onnx", "md", "toml"];

/// Creates the directory of the archive from a build of the server.
///
/// # Errors
/// Returns an error if a file is missing, a tool fails or the disk is full.
pub(super) fn create(binary: &Path, folder: &Path) -> Result<()> {
    let lib = folder.join("lib");
    create_dir(&lib)?;
    strip(binary, &folder.join("mien"))?;
    libraries::copy(&lib)?;
    let runtime = runtime();
    copy_all(&runtime.join("yunet"), &lib, &|path| {
        has_extension(path, &["onnx"])
    })?;
    copy_all(&root().join("models"), &folder.join("models"), &|path| {
        has_extension(path, &MODEL_FILES)
    })?;
    copy_all(&root().join("docs"), &folder.join("docs"), &|path| {
        has_extension(path, &["md"])
    })?;
    let systemd = folder.join("systemd");
    create_dir(&systemd)?;
    copy(
        &root().join("deploy/systemd/mien.service"),
        &systemd.join("mien.service"),
    )?;
    licenses::collect(&folder.join("licenses"))?;
    sbom::write(
        &folder.join("sbom.cdx.json"),
        &libraries::GCC.map(|name| lib.join(name)),
    )?;
    let glibc = libraries::glibc_version(folder)?;
    let readme = README.replace("GLIBC", &glibc);
    fs::write(folder.join("README.md"), readme)?;
    Ok(())
}

/// The file that describes the archive.
const README: &str = "\
# mien

An inference server for facial-expression classification. It needs Linux on x86-64 with glibc GLIBC or newer.

    ./mien serve

starts the server with the models of this directory on http://127.0.0.1:8080. From another directory, add
`--models DIR/models`. `lib` must stay next to `mien`. `sha256sum --check SHA256SUMS` verifies the files.

To install a systemd service, move this directory to /opt/mien and follow docs/operations.md, section systemd.
";

/// Copies the binary without symbols.
pub(super) fn strip(binary: &Path, to: &Path) -> Result<()> {
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(to).arg(binary);
    check(strip).context("`strip` is part of binutils")
}
