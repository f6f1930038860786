//! The steps that complete a component after its wheels are unpacked.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::{compiler, pins};
use crate::workspace;

/// Links the name without version, which the programs load, to the library.
pub(super) fn link_onnx_runtime(folder: &Path) -> Result<()> {
    let versioned = format!("libonnxruntime.so.{}", pins::ONNX_RUNTIME_VERSION);
    ensure!(
        folder.join(&versioned).is_file(),
        "the wheel does not contain {versioned}"
    );
    symlink(&versioned, &folder.join("libonnxruntime.so"))
}

/// Removes the two copies of the plugin with a version in their names. The wheel has copies instead of links.
pub(super) fn remove_copies_of_plugin(folder: &Path) -> Result<()> {
    let plugin = "libonnxruntime_providers_openvino_plugin.so";
    ensure!(
        folder.join(plugin).is_file(),
        "the wheel does not contain {plugin}"
    );
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(&format!("{plugin}.")) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Adds the files that `tch` links against and that the wheel does not contain.
pub(super) fn finish_libtorch(folder: &Path) -> Result<()> {
    let lib = folder.join("lib");
    symlink("libgomp.so.1", &lib.join("libgomp.so"))?;
    fs::write(folder.join("build-version"), pins::TORCH_VERSION)?;
    // `tch` links with `-ltorch`. The original library has no code of its own, so an empty one is sufficient.
    let mut command = Command::new(compiler("CC", "cc"));
    command
        .args(["-shared", "-x", "c", "/dev/null", "-o"])
        .arg(lib.join("libtorch.so"));
    workspace::check(command)
}

/// Makes the program executable and removes the version from its name.
pub(super) fn name_ffmpeg(folder: &Path) -> Result<()> {
    let program = folder.join("ffmpeg");
    for entry in fs::read_dir(folder)? {
        fs::rename(entry?.path(), &program)?;
    }
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .context("the wheel does not contain ffmpeg")
}

fn symlink(target: &str, link: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, link)
        .with_context(|| format!("cannot create the link {}", link.display()))
}
